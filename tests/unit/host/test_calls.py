"""How often cargo is called for the programs of a workspace."""

from __future__ import annotations

from typing import Any, cast

import pytest

from rustdocker_tasks import host_build, pipeline
from rustdocker_tasks.host import compile as host_compile
from rustdocker_tasks.plan.model import CompileGroup
from rustdocker_tasks.terminal import Terminal
from tests.unit.dockerfile.test_dockerfile import planned


@pytest.mark.parametrize(
    ("version", "sizes"),
    [("cargo 1.73.0 (9c4383fb5 2023-08-26)", [1, 1]), ("cargo 1.74.0", [2]), ("cargo 2.0.0", [2])],
)
def test_before_1_74_it_is_called_for_each(
    monkeypatch: pytest.MonkeyPatch, version: str, sizes: list[int]
) -> None:
    """It stops at the first that does not compile, and the others are to be made all the same."""
    called: list[int] = []

    def build(group: CompileGroup, *_: object, **__: object) -> list[Any]:
        called.append(len(group.images))
        return []

    plans = [planned("hello")[0], planned("hello")[0]]
    monkeypatch.setattr(pipeline, "group_programs", lambda plans, _: [CompileGroup(images=tuple(plans))])
    monkeypatch.setattr(pipeline, "_engine_if_any", lambda _: None)
    monkeypatch.setattr(host_compile, "_ask_of", lambda *_: version)
    monkeypatch.setattr(host_build, "build_on_host", build)

    assert list(pipeline._tried_on_host(plans, cast("Any", None), progress=Terminal())) == []
    assert called == sizes
