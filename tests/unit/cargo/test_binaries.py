from __future__ import annotations

import pytest

from rustdocker_tasks.cargo.binaries import choose_binary, choose_package
from rustdocker_tasks.cargo.model import Package, Project
from rustdocker_tasks.errors import NoBinary, NoSuchBinary, NoSuchPackage, SeveralBinaries
from tests import models
from tests.models import ROOT, binary, project


def package(name: str, *binaries: str, default_run: str | None = None) -> Package:
    return models.package(name, *map(binary, binaries), default_run=default_run)


def choose(project: Project, *, package: str | None = None, binary: str | None = None) -> str:
    _, chosen = choose_binary(
        project, package=package, binary=binary, package_set_by="--package", binary_set_by="--bin"
    )
    return chosen.name


def test_the_only_binary_is_chosen() -> None:
    assert choose(project(package("lib"), package("shop", "server"))) == "server"


def test_default_run_decides() -> None:
    assert choose(project(package("shop", "shop", "worker", default_run="worker"))) == "worker"


def test_the_binary_named_like_its_package_is_chosen() -> None:
    assert choose(project(package("shop", "admin", "shop"))) == "shop"


def test_in_a_workspace_the_binary_named_like_the_folder_is_chosen() -> None:
    assert choose(project(package("a", "x"), package("b", "repo"))) == "repo"


def test_a_named_binary_is_found_in_any_member() -> None:
    assert choose(project(package("a", "x"), package("b", "y")), binary="y") == "y"


def test_the_package_one_stands_in_is_asked_first() -> None:
    members = (package("a", "x"), package("b", "y"))

    assert choose(project(*members, default=members[1])) == "y"


@pytest.mark.parametrize("name", ["xtask", "fuzz", "examples/demo", "benches/load"])
def test_what_helps_development_is_no_candidate(name: str) -> None:
    helper = models.package(name.rpartition("/")[2], binary("x"), manifest=ROOT / name / "Cargo.toml")

    assert choose(project(package("shop", "server"), helper)) == "server"
    assert choose(project(package("shop", "server"), helper), binary="x") == "x"
    assert choose(project(helper)) == "x"
    chosen = choose_package(
        project(package("shop", "server"), helper), package=None, binary=None, package_set_by="", binary_set_by=""
    )
    assert chosen.name == "shop"


def test_several_binaries_are_listed() -> None:
    with pytest.raises(SeveralBinaries) as caught:
        choose(project(package("shop", "server", "worker")))

    assert caught.value.found == "`server` (package shop), `worker` (package shop)"


def test_no_binary_names_the_manifest() -> None:
    with pytest.raises(NoBinary) as caught:
        choose(project(package("lib")))

    assert "/repo/lib/Cargo.toml" in caught.value.found


def test_a_slip_in_the_binary_s_name_is_recognised() -> None:
    with pytest.raises(NoSuchBinary) as caught:
        choose(project(package("shop", "server", "worker")), binary="srever")

    assert caught.value.hint == "run again with --bin server"


def test_a_slip_in_the_package_s_name_is_recognised() -> None:
    with pytest.raises(NoSuchPackage) as caught:
        choose(project(package("shop", "server")), package="shp")

    assert caught.value.hint == "run again with --package shop"


def test_the_package_is_known_before_its_binary_is() -> None:
    chosen = choose_package(
        project(package("lib"), package("shop", "server", "worker")),
        package=None,
        binary=None,
        package_set_by="",
        binary_set_by="",
    )

    assert chosen.name == "shop"
