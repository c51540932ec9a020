"""A workspace whose packages lie elsewhere in the repository: what is sent, compiled and shipped of them."""

from __future__ import annotations

import shlex
import subprocess
import uuid
from contextlib import closing
from pathlib import Path

import docker
import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tests.conftest import MANIFEST, TASKS, clean_environment, invoke, write_files
from tests.engine.conftest import IN_2000
from tests.engine.workspace import LAYER, Compiled, Workspace

pytestmark = pytest.mark.engine

APP = """[dependencies]
{prefix}help = {{ path = "../../../libs/help" }}
[workspace]
"""
HELP = """[package]
name = "{prefix}help"
version = "0.1.0"
edition.workspace = true
[dependencies]
itoa.workspace = true
"""
SHARED = """[workspace]
members = ["help"]
[workspace.package]
edition = "2021"
[workspace.dependencies]
itoa = "1"
"""
LIB = 'pub fn text() -> String { format!("{} {}", include_str!("../text"), itoa::Buffer::new().format(1)) }\n'


@pytest.fixture
def workspace(mode: str, tmp_path: Path) -> Workspace:
    prefix = f"t{uuid.uuid4().hex[:8]}-"
    main = f'fn main() {{ println!("first {{}}", {prefix.replace("-", "_")}help::text()); }}\n'
    files = {
        "services/api/my app/Cargo.toml": MANIFEST.format(name=f"{prefix}app") + APP.format(prefix=prefix),
        "services/api/my app/src/main.rs": main,
        "services/api/my app/tasks.py": TASKS,
        "services/other/secret": "not to be sent",
        "libs/Cargo.toml": SHARED,
        "libs/help/Cargo.toml": HELP.format(prefix=prefix),
        "libs/help/src/lib.rs": LIB,
        "libs/help/text": "text",
    }
    made = Workspace(write_files(tmp_path / prefix, files) / "services/api/my app", mode, prefix)
    made.cargo("generate-lockfile")
    made.cargo("fetch")
    return made


LIB_RS, TEXT, SHARED_TOML = "../../../libs/help/src/lib.rs", "../../../libs/help/text", "../../../libs/Cargo.toml"


@pytest.mark.parametrize("mode", ["mount", LAYER, "host"])
def test_what_lies_outside_is_compiled_when_it_changes(workspace: Workspace) -> None:
    own = Compiled(0, ("app", "help"))
    cold = workspace.build()
    workspace.change(LIB_RS, "{} {}", "{}, {}")
    edited = workspace.build()
    workspace.change(LIB_RS, "{}, {}", "{} {}")
    workspace.touch(IN_2000)
    back = workspace.build()
    workspace.write(TEXT, "other")
    data = workspace.build()

    assert cold == (own._replace(others=1), "first text 1")
    assert [edited[1], back[1], data[1]] == ["first text, 1", "first text 1", "first other 1"]
    assert edited[0] == data[0] == own


@pytest.mark.parametrize("mode", ["mount", LAYER])
def test_cargo_s_configuration_of_the_whole_repository_counts(workspace: Workspace) -> None:
    config = '[env]\nDATA = { value = "data/of-all", relative = true }\n[build]\nrustc-wrapper = "tools/wrapper"\n'
    files = {
        ".git/HEAD": "",
        ".cargo/config.toml": config,
        "data/of-all": "of all",
        "tools/wrapper": '#!/bin/sh\nexec "$@"\n',
    }
    repository = write_files(workspace.folder.parents[2], files)
    (repository / "tools/wrapper").chmod(0o755)
    workspace.write("src/main.rs", 'fn main() { print!("{}", include_str!(env!("DATA"))); }\n')

    found = workspace.build()

    assert found == (Compiled(1, ("app", "help")), "of all")


@pytest.mark.parametrize("mode", ["mount", LAYER])
def test_a_written_dockerfile_builds_it_without_this_tool(workspace: Workspace) -> None:
    settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE, "RUSTDOCKER_CACHE": workspace.mode}
    told = invoke("dockerfile", folder=workspace.folder, **settings)
    command = told.stderr.strip().rpartition("its context is another folder: ")[2]
    tag = f"outside:{workspace.prefix}{workspace.mode}"

    subprocess.run(
        [
            *shlex.split(command),
            "--load",
            f"--tag={tag}",
            "--secret=id=ca-bundle,src=/etc/ssl/certs/ca-certificates.crt",
        ],
        env=clean_environment(DOCKER_HOST=CURRENT_ENGINE),
        check=True,
        capture_output=True,
    )

    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as client:
        assert client.containers.run(tag, remove=True) == b"first text 1\n"


@pytest.mark.parametrize("mode", ["mount"])
def test_simple_holds_the_sources_where_they_lie_and_no_others(workspace: Workspace) -> None:
    settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE, "RUSTDOCKER_VARIANT": "simple"}
    image = invoke("build", folder=workspace.folder, **settings).result

    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as client:
        found = client.containers.run(
            image,
            ["-c", "pwd; find /app -path /app/target -prune -o -type f -print"],
            entrypoint="sh",
            remove=True,
        )
    here, *files = found.decode().splitlines()
    assert here == "/app/services/api/my app"
    assert {Path(name).relative_to("/app").parts[:2] for name in files} == {
        ("services", "api"),
        ("libs", "help"),
        ("libs", "Cargo.toml"),
    }
