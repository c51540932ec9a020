"""What build scripts and macros read outside of the workspace's folder, and is in no package."""

from __future__ import annotations

import json
import os
import uuid
from contextlib import closing
from pathlib import Path

import docker
import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tests.conftest import MANIFEST, TASKS, Write, crate, invoke, write_files
from tests.engine.conftest import IN_2000, exported
from tests.engine.workspace import LAYER, Workspace

pytestmark = pytest.mark.engine

MAIN = """fn main() {
    println!("{} {}", include_str!(concat!(env!("OUT_DIR"), "/made")), include_str!("../../VERSION"));
}
"""
BUILD = """fn main() {
    let made = std::path::PathBuf::from(std::env::var("OUT_DIR").unwrap()).join("made");
    std::fs::copy("../proto/shop.proto", made).unwrap();
}
"""
SETTINGS = '[package.metadata.rustdocker]\nsources = ["../proto", "../VERSION"]\n'
PROTO, VERSION = "../proto/shop.proto", "../VERSION"


@pytest.fixture
def workspace(mode: str, tmp_path: Path) -> Workspace:
    prefix = f"t{uuid.uuid4().hex[:8]}-"
    files = {
        "proto/shop.proto": "first",
        "VERSION": "1",
        "secret": "not to be sent",
        "svc/Cargo.toml": MANIFEST.format(name=f"{prefix}app") + SETTINGS,
        "svc/build.rs": BUILD,
        "svc/src/main.rs": MAIN,
        "svc/tasks.py": TASKS,
    }
    made = Workspace(write_files(tmp_path / prefix, files) / "svc", mode, prefix)
    made.cargo("generate-lockfile")
    return made


@pytest.mark.parametrize("mode", ["mount", LAYER, "host"])
def test_it_is_there_and_compiled_anew_when_it_changes(workspace: Workspace) -> None:
    printed = [workspace.build()[1]]
    for name, text in ((PROTO, "other"), (VERSION, "2"), (PROTO, "first")):
        workspace.write(name, text)
        os.utime(workspace.folder / name, (IN_2000, IN_2000))
        printed.append(workspace.build()[1])

    assert printed == ["first 1", "other 1", "other 2", "first 2"]


@pytest.mark.parametrize("mode", ["mount"])
def test_nothing_else_around_is_sent(workspace: Workspace) -> None:
    settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE, "RUSTDOCKER_VARIANT": "simple"}
    image = invoke("build", folder=workspace.folder, **settings).result

    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as engine, exported(engine, image) as archive:
        files = [path for path in archive.getnames() if path.startswith("app/")]
    around = {path for path in files if not path.startswith(("app/svc/", "app/target"))}
    assert around == {"app/VERSION", "app/proto", "app/proto/shop.proto", "app/svc"}


def test_each_program_of_a_workspace_may_have_its_own(tmp_path: Path) -> None:
    prefix = f"t{uuid.uuid4().hex[:8]}"
    files = {
        "svc/Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["a", "b"]\n',
        "svc/tasks.py": "from rustdocker_tasks import workspace\nns = workspace()\n",
    }
    for name in ("a", "b"):
        table = f'[package.metadata.rustdocker]\nsources = ["../../of-{name}"]\n'
        files[f"svc/{name}/Cargo.toml"] = MANIFEST.format(name=f"{prefix}-{name}") + table
        files[f"svc/{name}/src/main.rs"] = f'fn main() {{ println!(include_str!("../../../of-{name}/text")); }}\n'
        files[f"of-{name}/text"] = f"of {name}"
    folder = write_files(tmp_path, files) / "svc"
    settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE}

    built = json.loads(invoke("build", "--json", folder=folder, **settings).result)
    printed = [invoke(f"{prefix}-{name}.run", folder=folder, **settings).result for name in ("a", "b")]

    assert len({image["image"] for image in built}) == 2
    assert printed == ["of a", "of b"]


@pytest.mark.parametrize("backend", ["host", "buildx"])
def test_one_that_is_not_there_is_told_before_anything_is_built(write: Write, backend: str) -> None:
    folder = write(crate())

    done = invoke("build", folder=folder, RUSTDOCKER_BACKEND=backend, RUSTDOCKER_SOURCES='["../nothing"]')

    assert done.code == 64
    assert "`sources` names cannot be used: there is no such file or folder\n" in done.stderr
    assert f"found: {folder.parent / 'nothing'}\n" in done.stderr
