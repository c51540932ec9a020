"""What is built again where a part of a bake failed."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from rustdocker_tasks import errors
from rustdocker_tasks.container_build import _failed, _Prepared
from rustdocker_tasks.engine.build_log import BuildLog, Told
from tests.unit.dockerfile.test_dockerfile import NAMES
from tests.unit.plan.test_groups import grouped, planned, root

__all__ = ["root"]  # a fixture


@pytest.fixture
def waiting(root: Path) -> list[_Prepared]:
    """Two groups: api and mail, and web."""
    images = (planned(root, "api"), planned(root, "mail"), planned(root, "web", profile="dev"))
    groups = grouped(root, *images)
    assert [[image.name for image in group.images] for group in groups] == [["api", "mail"], ["web"]]
    return [
        _Prepared(group=group, names=replace(NAMES, files=tuple(image.name for image in group.images)))
        for group in groups
    ]


def outcome(waiting: list[_Prepared], log: BuildLog) -> tuple[dict[str, type[Exception]], list[tuple[str, ...]]]:
    failed, left = _failed(waiting, log)
    return {each.plan.name: type(each.error) for each in failed}, [each.names.files for each in left]


def test_a_program_that_failed_is_left_out_and_the_others_are_built_again(waiting: list[_Prepared]) -> None:
    log = BuildLog(told={"image-2": Told(noticed="x", not_made={"mail": "cargo build failed: 101"})})

    assert outcome(waiting, log) == ({"mail": errors.CargoFailed}, [("api",), ("web",)])


def test_a_group_of_which_no_program_is_named_failed_as_a_whole(waiting: list[_Prepared]) -> None:
    log = BuildLog(told={"image-1": Told(noticed="not installed: libx-dev"), "image-3": Told()})

    assert outcome(waiting, log) == (dict.fromkeys(("api", "mail"), errors.PackagesNotInstalled), [("web",)])


def test_each_group_has_its_own_error(waiting: list[_Prepared]) -> None:
    told = {
        "image-1": Told(not_made={"api": "cargo build failed: 101"}),
        "image-3": Told(not_made={"web": "older library: GLIBC_9 of libc.so.6"}),
    }

    assert outcome(waiting, BuildLog(told=told)) == (
        {"api": errors.CargoFailed, "web": errors.OlderLibrary},
        [("mail",)],
    )


@pytest.mark.parametrize(
    "told", [{}, {"image-1": Told(not_made={"stranger": "x"})}], ids=["nothing", "a stranger"]
)
def test_something_always_fails_so_that_there_is_an_end(waiting: list[_Prepared], told: dict[str, Told]) -> None:
    while waiting:
        failed, left = _failed(waiting, BuildLog(told=told, errors=["x"]))
        assert failed
        waiting = left
