from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from rustdocker_tasks.cargo.model import CargoConfig, Package, SourceConfig
from rustdocker_tasks.plan.context import ContextFolders, context_folders
from tests.models import ROOT, binary, package, project

MEMBER = package("app", binary("app"))


def outside(name: str, folder: str, *inherited: str) -> Package:
    made = package(name, manifest=Path(folder, "Cargo.toml"))
    return replace(made, inherited_files=tuple(map(Path, inherited)))


def test_the_workspace_s_folder_is_the_context_where_all_lies_in_it() -> None:
    folders = context_folders(project(MEMBER), (outside("help", "/repo/excluded/help"),))

    assert folders == ContextFolders(
        root=ROOT,
        project=ROOT,
        manifests=(
            ROOT / "Cargo.toml",
            ROOT / "Cargo.lock",
            MEMBER.manifest,
            ROOT / "excluded/help/Cargo.toml",
        ),
    )
    assert (folders.places, folders.project_path) == ((ROOT,), ".")


def test_the_nearest_folder_around_all_is_the_context_otherwise() -> None:
    folders = context_folders(project(MEMBER), (outside("help", "/libs/a/help", "/libs/a/Cargo.toml"),))

    assert folders.root == Path("/")
    assert folders.project_path == "repo"
    assert folders.places == (ROOT, Path("/libs/a/help"), Path("/libs/a/Cargo.toml"))


@pytest.mark.parametrize(("inherited", "root"), [("/repo/libs/Cargo.toml", "/repo"), ("/Cargo.toml", "/")])
def test_what_a_package_outside_inherits_lies_in_the_context(inherited: str, root: str) -> None:
    api = replace(project(), root=ROOT / "api")
    folders = context_folders(api, (outside("help", "/repo/libs/help", inherited),))

    assert (folders.root, folders.files) == (Path(root), (Path(inherited),))


def test_crate_roots_outside_of_their_package_are_sent() -> None:
    stray = replace(binary("app"), path=ROOT / "api/../shared/main.rs")
    folders = context_folders(replace(project(package("api", stray)), root=ROOT / "api"), ())

    assert (folders.root, folders.files) == (ROOT, (ROOT / "shared/main.rs",))


def test_folders_that_cargo_s_configuration_takes_packages_from_are_sent() -> None:
    vendored = SourceConfig(replace_with=None, directory=Path("/repo/vendor"))
    config = CargoConfig(sources={"v": vendored}, overrides=(Path("/repo/over"), ROOT / "api/own"))
    folders = context_folders(replace(project(), root=ROOT / "api", own_config=config), ())

    assert (folders.root, folders.beside) == (ROOT, (Path("/repo/over"), Path("/repo/vendor")))


def test_configuration_of_the_repository_is_sent_with_what_it_names() -> None:
    config = CargoConfig(files=(ROOT / ".cargo/config.toml",), named_files=(ROOT / "tools/ld", ROOT / "api/here"))
    folders = context_folders(replace(project(), root=ROOT / "api", own_config=config), ())

    assert (folders.root, folders.files) == (ROOT, (ROOT / ".cargo/config.toml", ROOT / "tools/ld"))


def test_a_package_around_the_workspace_takes_it_in() -> None:
    fuzz = replace(project(MEMBER), root=ROOT / "fuzz", members=())
    folders = context_folders(fuzz, (outside("shop", "/repo"),))

    assert (folders.root, folders.project_path, folders.places) == (ROOT, "fuzz", (ROOT,))
