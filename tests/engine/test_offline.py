"""Builds whose compiling steps have no network: what they need is fetched before."""

from __future__ import annotations

import json
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tasks.lab.engine import BRIDGE_ADDRESS
from tasks.lab.engine import HOST as CURRENT_ENGINE
from tests.conftest import MANIFEST, TASKS, Outcome, invoke, write_files
from tests.engine.conftest import MACHINE_ENGINE

pytestmark = pytest.mark.engine

# What it finds is the program's to print.
SCRIPT = """use std::{fs, net::TcpStream};
fn main() {
    let reached = TcpStream::connect(env!("SERVER")).is_ok();
    let secrets = fs::read_dir("/run/secrets").map_or(0, |found| found.count());
    println!("cargo::rustc-env=FOUND=reached: {reached}, secrets: {secrets}");
}
"""
MAIN = """fn main() { println!("{} {}", itoa::Buffer::new().format(1), env!("FOUND")); }
"""


@pytest.fixture
def server() -> Iterator[str]:
    """A server that containers of the newer engine reach."""
    with closing(socket.create_server((BRIDGE_ADDRESS, 0))) as listening:
        yield f"{BRIDGE_ADDRESS}:{listening.getsockname()[1]}"


@pytest.fixture
def project(server: str, tmp_path: Path) -> Path:
    """A workspace of which another member needs a crate of its own."""
    name = f"offline-{uuid.uuid4().hex[:8]}"
    other = MANIFEST.format(name=f"{name}-other") + '[dependencies]\ncfg-if = "1"\n'
    files = {
        "Cargo.toml": MANIFEST.format(name=name)
        + '[dependencies]\nitoa = "1"\n[workspace]\nmembers = ["other"]\n',
        "build.rs": SCRIPT.replace('env!("SERVER")', json.dumps(server)),
        "src/main.rs": MAIN,
        "other/Cargo.toml": other,
        "other/src/lib.rs": "",
        "tasks.py": TASKS,
    }
    folder = write_files(tmp_path / "app", files)
    cargo(folder, "generate-lockfile")
    return folder


def cargo(folder: Path, *words: str) -> None:
    subprocess.run(["cargo", *words, "--quiet"], cwd=folder, check=True)


def run(folder: Path, cache: str, *, offline: bool, host: str = CURRENT_ENGINE) -> Outcome:
    settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": host, "RUSTDOCKER_CACHE": cache}
    return invoke("run", folder=folder, RUSTDOCKER_OFFLINE=str(offline).lower(), **settings)


def from_cache(folder: Path) -> list[str]:
    told = invoke("explain", "--json", folder=folder, RUSTDOCKER_BACKEND="buildx", DOCKER_HOST=CURRENT_ENGINE)
    found: list[str] = json.loads(told.result)["from_cache"]
    return found


@pytest.mark.parametrize("cache", ["mount", "layer"])
def test_a_build_script_reaches_nobody_and_sees_no_secret(project: Path, cache: str) -> None:
    assert run(project, cache, offline=True).result == "1 reached: false, secrets: 0"
    assert "fetch" not in from_cache(project)


def test_without_the_setting_it_reaches_the_server(project: Path) -> None:
    assert run(project, "mount", offline=False).result.startswith("1 reached: true, secrets: ")


@pytest.mark.parametrize("cache", ["mount", "layer"])
def test_an_edit_fetches_nothing_and_a_dependency_does(project: Path, cache: str) -> None:
    run(project, cache, offline=True)
    (project / "src/main.rs").write_text(MAIN.replace("{} {}", "edited {} {}"))

    assert run(project, cache, offline=True).result == "edited 1 reached: false, secrets: 0"
    assert "fetch" in from_cache(project)

    manifest = project / "Cargo.toml"
    manifest.write_text(manifest.read_text().replace('itoa = "1"\n', 'itoa = "1"\nryu = "1"\n'))
    cargo(project, "update", "--workspace")
    (project / "src/main.rs").write_text('fn main() { println!("{}", ryu::Buffer::new().format(1.5)); }\n')

    assert run(project, cache, offline=True).result == "1.5"


def test_an_older_engine_says_that_only_cargo_is_offline(project: Path) -> None:
    done = run(project, "mount", offline=True, host=MACHINE_ENGINE)

    assert done.code == 0
    assert "this engine runs no step without network: `offline` keeps cargo from it, and not what" in done.stderr


def test_on_the_host_cargo_works_offline(tmp_path: Path) -> None:
    folder = write_files(
        tmp_path,
        {
            "Cargo.toml": MANIFEST.format(name="app"),
            "src/main.rs": 'fn main() { println!("{}", env!("MODE")); }\n',
            "build.rs": 'fn main() { println!("cargo::rustc-env=MODE={}", '
            'std::env::var("CARGO_NET_OFFLINE").unwrap_or_default()); }\n',
            "tasks.py": TASKS,
        },
    )

    assert invoke("run", folder=folder, RUSTDOCKER_OFFLINE="true").result == "true"
