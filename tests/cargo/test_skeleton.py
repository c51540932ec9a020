"""The skeleton of a project against the project itself: cargo compiles the same crates of others for both."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from rustdocker_tasks.cargo.binaries import BinaryRequest, choose_binary
from rustdocker_tasks.cargo.model import Package, Project, Target
from rustdocker_tasks.cargo.project import load_outside, load_project
from rustdocker_tasks.cargo.skeleton import make_skeleton
from rustdocker_tasks.context.skeleton import skeleton_archive
from rustdocker_tasks.context.sources import list_sources
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.cargo


def unpacked(project: Project, package: Package, binary: Target, folder: Path) -> Path:
    """Return a folder with the skeleton in it."""
    skeleton = make_skeleton(project, package, binary, load_outside(project))
    with tarfile.open(fileobj=io.BytesIO(skeleton_archive(skeleton, list_sources(project.root)))) as archive:
        archive.extractall(folder, filter="data")
    return folder / "sources"


def units_of_others(manifest: Path, binary: str, *flags: str) -> set[str]:
    """Return all that cargo would compile of others' packages, with all that decides how."""
    asked = ("--unit-graph", "-Zunstable-options", f"--manifest-path={manifest}", f"--bin={binary}")
    told = subprocess.run(
        ["cargo", "build", *asked, *flags],
        env={**os.environ, "RUSTC_BOOTSTRAP": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return {
        json.dumps({key: unit[key] for key in unit.keys() - {"dependencies", "target"}}, sort_keys=True)
        for unit in json.loads(told.stdout)["units"]
        if not unit["pkg_id"].startswith("path+")
    }


def compare(folder: Path, tmp_path: Path, *flags: str, **wanted: Any) -> set[str]:
    project = load_project(folder)
    request = BinaryRequest(
        **{"package": None, "binary": None, "features": (), "default_features": True, **wanted},
        package_set_by="--package",
        binary_set_by="--bin",
    )
    package, binary = choose_binary(project, request)
    skeleton = unpacked(project, package, binary, tmp_path / "skeleton")
    manifest = package.manifest.relative_to(project.root)

    own = units_of_others(project.root / manifest, binary.name, *flags)
    stubs = units_of_others(skeleton / manifest, binary.name, *flags)

    assert stubs == own
    return own


@pytest.mark.parametrize("example", ["hello", "web"])
def test_an_example(example: str, tmp_path: Path) -> None:
    compare(REPOSITORY / "examples" / example, tmp_path, "--profile=release", "--locked")
