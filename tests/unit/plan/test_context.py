from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from rustdocker_tasks.cargo.model import Package
from rustdocker_tasks.plan.context import ContextFolders, context_folders
from tests.models import ROOT, binary, package, project

MEMBER = package("app", binary("app"))


def outside(name: str, folder: str, workspace: str | None = None) -> Package:
    return replace(
        package(name, manifest=Path(folder, "Cargo.toml")), workspace=Path(workspace) if workspace else None
    )


def test_the_workspace_s_folder_is_the_context_where_all_lies_in_it() -> None:
    folders = context_folders(project(MEMBER), (outside("help", "/repo/excluded/help"),))

    assert folders == ContextFolders(
        root=ROOT,
        project=ROOT,
        manifests=(ROOT / "Cargo.toml", MEMBER.manifest, ROOT / "excluded/help/Cargo.toml"),
    )
    assert (folders.places, folders.project_path) == ((ROOT,), ".")


def test_the_nearest_folder_around_all_is_the_context_otherwise() -> None:
    folders = context_folders(project(MEMBER), (outside("help", "/libs/a/help", "/libs/a"),))

    assert folders.root == Path("/")
    assert folders.project_path == "repo"
    below = ("help", "Cargo.toml", "src/lib.rs", "src/main.rs")
    assert folders.places == (ROOT, *(Path("/libs/a", name) for name in below))


@pytest.mark.parametrize(
    ("workspace", "root"), [(None, "/repo"), ("/repo/libs", "/repo"), ("/repo/libs/help", "/repo"), ("/", "/")]
)
def test_the_workspace_of_a_package_outside_lies_in_the_context(workspace: str | None, root: str) -> None:
    api = replace(project(), root=ROOT / "api")
    folders = context_folders(api, (outside("help", "/repo/libs/help", workspace),))

    assert folders.root == Path(root)
    # Of a package that is a workspace of its own, all is there.
    assert bool(folders.files) == (workspace in {"/", "/repo/libs"})


def test_a_package_around_the_workspace_takes_it_in() -> None:
    fuzz = replace(project(MEMBER), root=ROOT / "fuzz", members=())
    folders = context_folders(fuzz, (outside("shop", "/repo"),))

    assert (folders.root, folders.project_path, folders.places) == (ROOT, "fuzz", (ROOT,))
