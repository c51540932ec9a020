"""The README's blocks are run as they stand, with a registry of ours in GitHub's place."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.images import RUST_MUSL
from tasks.lab.registry import PASSWORD, TRUSTED
from tests.conftest import (
    MANIFEST,
    REPOSITORY,
    TASKS,
    Outcome,
    Write,
    crate,
    invoke_in_background,
    start,
)
from tests.engine.conftest import free_port, write_credentials
from tests.engine.test_git_folder import git
from tests.engine.test_push import certificates

pytestmark = pytest.mark.engine

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
# A phrase of each block, by what it is about.
STARTING = "echo 'from rustdocker_tasks import ns'"
SERVICE = "invoke run --detach   "
PORTS = "expose = [8080]"
CACHE = "export RUSTDOCKER_CACHE_FROM="
MAKEFILE = "invoke clippy"
WORKSPACE = "ns = workspace("
OF_ALL = "invoke push --changed-since main"
SEVERAL = 'HERE / "services/shop"'
RELEASE = "def release(c)"
NOXFILE = "from rustdocker_tasks.nox import register"
SESSIONS = "nox -s "
VARIANTS = "[package.metadata.rustdocker.static]"
PHRASES = (
    *(STARTING, SERVICE, PORTS, CACHE, MAKEFILE, WORKSPACE, OF_ALL, SEVERAL),
    *(RELEASE, NOXFILE, SESSIONS, VARIANTS),
)
# The project's own commands: who runs this test has typed the second; the first leaves a service running.
OWN = ("invoke demo", "invoke check\n")

LISTENS = """use std::io::Write;
fn main() {
    for stream in std::net::TcpListener::bind("0.0.0.0:PORT").unwrap().incoming() {
        let _ = stream.unwrap().write_all(b"HTTP/1.1 204 No Content\\r\\n\\r\\n");
    }
}
"""
TESTED = 'fn main() {\n    println!("first");\n}\n\n#[test]\nfn it_is_tested() {}\n'


def block(phrase: str) -> str:
    (text,) = [text for _, text in BLOCKS if phrase in text]
    return str(text)


@pytest.fixture
def environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """That of a user who is logged in to a registry."""
    docker = tmp_path_factory.mktemp("docker")
    write_credentials(docker, PASSWORD)
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DOCKER_CONFIG": str(docker),
        "DOCKER_HOST": CURRENT_ENGINE,
        "RUSTDOCKER_BACKEND": "buildx",
        "RUSTDOCKER_REPOSITORY": f"{TRUSTED.address}/readme/{{name}}",
    }


def typed(text: str, folder: Path, environment: Mapping[str, str]) -> Outcome:
    """Run the lines as a shell does that ends at the first failure."""
    done = start("bash", "-euo", "pipefail", "-c", text, folder=folder, **environment)
    assert done.code == 0, done.stderr
    return done


def members(*folders: str) -> dict[str, str]:
    """The files of packages that are called like their folders, without a task file of their own."""
    files = {f"{folder}/{path}": text for folder in folders for path, text in crate(Path(folder).name).items()}
    return {path: text for path, text in files.items() if not path.endswith("tasks.py")}


def manifest_of(name: str, environment: Mapping[str, str]) -> str:
    """What an independent reader finds under the tag."""
    config = Path(environment["DOCKER_CONFIG"])
    words = ["--raw", f"--authfile={config / 'config.json'}", f"--cert-dir={certificates(config)}"]
    return subprocess.check_output(["skopeo", "inspect", *words, f"docker://{name}"], text=True)


def commit(folder: Path) -> None:
    for words in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "."),
        ("commit", "--quiet", "--message=a"),
    ):
        git(*words, folder=folder)


def test_every_block_is_run_or_the_project_s_own() -> None:
    known = {text for _, text in BLOCKS for phrase in (*PHRASES, *OWN) if phrase in text}

    assert [text for _, text in BLOCKS if text not in known] == []


def test_the_first_steps(write: Write, environment: Mapping[str, str]) -> None:
    files = crate("my-rust-app")
    del files["tasks.py"]
    folder = write({f"my-rust-app/{name}": text for name, text in files.items()})
    install, _, lines = block(STARTING).partition("\n")

    done = typed(lines, folder, environment)

    assert install.startswith("pip install rustdocker-tasks ")
    assert (folder / "my-rust-app/tasks.py").read_text() == TASKS
    image, printed = done.stdout.split()
    assert image.startswith("sha256:")
    assert printed == "first"


def test_a_service(write: Write, environment: Mapping[str, str]) -> None:
    port = str(free_port())
    # It has no handler of signals, as SIGKILL asks for none.
    table = block(PORTS).replace("8080", port) + 'stop-signal = "SIGKILL"\n'
    main = LISTENS.replace("PORT", port)
    folder = write(
        crate("listens", **{"Cargo.toml": MANIFEST.format(name="listens") + table, "src/main.rs": main})
    )
    lines, _, last = block(SERVICE).rstrip().rpartition("\n")

    done = typed(lines, folder, {**environment, "RUSTDOCKER_BUILD_IMAGE": RUST_MUSL})

    assert f"127.0.0.1:{port}" in done.stderr
    # The table of sizes.
    assert re.search("^static +[0-9.]+ MB", done.stdout, re.MULTILINE)
    assert f"{TRUSTED.address}/readme/listens@sha256:" in done.stdout
    # Of a program that ends.
    write({"src/main.rs": 'fn main() { println!("ended"); }\n'})
    assert typed(last, folder, environment).result == "ended"


def test_layers_in_a_registry(write: Write, environment: Mapping[str, str]) -> None:
    folder = write(crate("shop"))
    text = block(CACHE)
    assert text.count("ghcr.io/acme/shop:cache") == 2

    done = typed(text.replace("ghcr.io/acme", f"{TRUSTED.address}/readme"), folder, environment)

    assert done.result.startswith(f"{TRUSTED.address}/readme/shop@sha256:")
    assert '"layers"' in manifest_of(f"{TRUSTED.address}/readme/shop:cache", environment)


def test_in_place_of_a_makefile(write: Write, tmp_path: Path, environment: Mapping[str, str]) -> None:
    folder = write(crate("made", **{"src/main.rs": TESTED}))
    *lines, last = block(MAKEFILE).splitlines()

    done = typed("\n".join(lines), folder, environment)

    assert "test it_is_tested ... ok" in done.stderr
    assert "1 filtered out" in done.stderr
    program, *words = shlex.split(last, comments=True)
    assert (program, words[0]) == ("invoke", "watch")
    log = tmp_path / "log"
    watching = invoke_in_background(*words, folder=folder, log=log, **environment)
    try:
        while "first" not in log.read_text().splitlines():
            assert watching.poll() is None, log.read_text()
            time.sleep(0.1)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(watching.pid, signal.SIGINT)
        watching.wait(timeout=60)


def test_all_programs_of_a_workspace(write: Write, environment: Mapping[str, str]) -> None:
    manifest = '[workspace]\nresolver = "2"\nmembers = ["shop", "mail"]\n'
    folder = write({**members("shop", "mail"), "Cargo.toml": manifest, "tasks.py": block(WORKSPACE)})
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=folder, check=True)
    commit(folder)

    try:
        done = typed(block(OF_ALL), folder, environment)
    finally:
        typed("invoke shop.stop", folder, environment)

    names = [f"{TRUSTED.address}/readme/{name}" for name in ("mail", "shop")]
    built, pushed = done.stdout.splitlines()[:2], done.stdout.splitlines()[2:4]
    assert sorted(line.split()[0] for line in built) == [f"{name}:0.1.0" for name in names]
    assert sorted(line.partition("@")[0] for line in pushed) == names
    # Nothing has changed since.
    assert "\n[]\n" in done.stdout
    assert (folder / "docker-bake.hcl").exists()


def test_several_projects_in_one_task_file(write: Write, environment: Mapping[str, str]) -> None:
    folder = write({**members("services/shop", "services/mail"), "tasks.py": block(SEVERAL)})

    done = typed(
        "invoke shop.run && invoke mail.build", folder, {**environment, "RUSTDOCKER_BUILD_IMAGE": RUST_MUSL}
    )
    planned = typed("invoke mail.plan", folder / "services/mail", environment)

    assert done.stdout.startswith("first\nsha256:")
    assert "static" in planned.stdout
    assert "2525" in planned.stdout


def test_a_task_around_ours(write: Write, environment: Mapping[str, str]) -> None:
    folder = write({**crate("shop"), "tasks.py": block(RELEASE)})

    done = typed("invoke release", folder, environment)

    built, printed, pushed = done.stdout.split()
    assert built.startswith("sha256:")
    assert printed == "first"
    assert pushed.startswith(f"{TRUSTED.address}/readme/shop@sha256:")


def test_sessions_of_nox(write: Write, environment: Mapping[str, str]) -> None:
    files = crate("sessions", **{"src/main.rs": TESTED, "noxfile.py": block(NOXFILE)})
    del files["tasks.py"]
    folder = write(files)

    done = typed(block(SESSIONS), folder, {**environment, "RUSTDOCKER_BUILD_IMAGE": RUST_MUSL})

    assert "test it_is_tested ... ok" in done.stderr
    assert f"{TRUSTED.address}/readme/sessions@sha256:" in done.stdout


def test_settings_for_a_variant_and_a_binary(write: Write, environment: Mapping[str, str]) -> None:
    profile = '\n[profile.dist]\ninherits = "release"\n'
    manifest = "[workspace]\n" + MANIFEST.format(name="shop") + 'default-run = "shop"\n'
    folder = write(
        crate(
            "shop", **{"Cargo.toml": manifest + block(VARIANTS) + profile, "src/bin/worker.rs": "fn main() {}\n"}
        )
    )
    commit(folder)
    own = {name: value for name, value in environment.items() if name != "RUSTDOCKER_REPOSITORY"}

    done = typed("invoke plan && invoke plan --variant static --bin worker", folder, own)

    assert "ghcr.io/acme/shop:0.1.0" in done.stdout
    assert "ghcr.io/acme/worker:0.1.0" in done.stdout
    assert "dist" in done.stdout
