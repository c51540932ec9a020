"""Builds in containers whose engine, registry or disk fails: what the user reads, and the next build is right."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tarfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest

from rustdocker_tasks.engine.buildx import find_plugin
from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.engine import STATE, pid_of_engine
from tasks.lab.images import RUNTIME
from tasks.lab.registry import PASSWORD, TRUSTED, USER
from tests.conftest import REPOSITORY, Outcome, Write, clean_environment, crate, invoke, write_files
from tests.engine.conftest import ENGINES, MACHINE_ENGINE, write_credentials
from tests.engine.relay import breaking_engine
from tests.engine.workspace import run_in_mount

pytestmark = pytest.mark.engine

BUILDX = {"RUSTDOCKER_BACKEND": "buildx"}
# An engine that is killed leaves its build steps running, and the next build waits for cargo's lock.
SLOW = "fn main() { std::thread::sleep(std::time::Duration::from_secs(15)); }\n"


def own_crate(kind: str, **files: str) -> dict[str, str]:
    """A package that no engine has ever built."""
    return crate(f"{kind}-{uuid.uuid4().hex[:8]}", **files)


def run_image(image: str, host: str) -> str:
    with closing(docker.DockerClient(base_url=host)) as client:
        printed: bytes = client.containers.run(image, remove=True)
        return printed.decode().strip()


# The engine has a race that no test can force: the first build goes through it, and ends as if it had lost it.
LOSES_A_LAYER = """#!/bin/sh
{plugin} "$@"
code=$?
case $* in
    "buildx build "*) [ -e {marker} ] && exit $code ;;
    *) exit $code ;;
esac
: > {marker}
echo 'ERROR: failed to build: failed to solve: failed to prepare extraction snapshot "extract-904316993-dXKd \
sha256:2742": parent snapshot sha256:c8ed does not exist: not found' >&2
exit 1
"""


def test_a_layer_that_the_engine_lost_is_made_once_more(
    write: Write, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = write(own_crate("lost"))
    config = tmp_path_factory.mktemp("config")
    script = LOSES_A_LAYER.format(plugin=find_plugin(os.environ), marker=config / "lost")
    plugin = write_files(config, {"cli-plugins/docker-buildx": script}) / "cli-plugins/docker-buildx"
    plugin.chmod(0o755)

    done = invoke("build", folder=folder, **BUILDX, DOCKER_HOST=CURRENT_ENGINE, DOCKER_CONFIG=str(config))

    assert "the engine lost a layer of the image while it unpacked it: once more" in done.stderr.splitlines()
    assert run_image(done.result, CURRENT_ENGINE) == "first"


@pytest.mark.alone
def test_an_engine_killed_in_mid_build_and_the_next_build(
    write: Write, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = write(own_crate("killed", **{"build.rs": SLOW}))
    log = tmp_path_factory.mktemp("log") / "log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "invoke", "build"],
            cwd=folder,
            env=clean_environment(**BUILDX, DOCKER_HOST=CURRENT_ENGINE),
            stdout=sink,
            stderr=sink,
        )
    wait_for_text(log, "Compiling")
    time.sleep(1)
    pid = pid_of_engine()
    assert pid is not None
    try:
        os.kill(pid, signal.SIGKILL)
        assert process.wait(30) == 68, log.read_text()
    finally:
        subprocess.run([sys.executable, "-m", "invoke", "lab"], cwd=REPOSITORY, check=True)

    what, found, set_by, hint = log.read_text().splitlines()[-4:]
    assert what == "the engine did not do what it was asked for"
    assert found.startswith("  found: ")
    assert set_by == "  set by: the engine"
    assert hint == "  hint: look at `docker ps -a` and the engine's log, then try again"
    (folder / "build.rs").write_text("fn main() {}\n")
    image = invoke("build", folder=folder, **BUILDX, DOCKER_HOST=CURRENT_ENGINE).result
    assert run_image(image, CURRENT_ENGINE) == "first"


def wait_for_text(log: Path, text: str) -> None:
    deadline = time.monotonic() + 60
    while text not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


@ENGINES
def test_the_way_to_the_engine_breaks_off_while_the_sources_are_sent(
    write: Write, tmp_path_factory: pytest.TempPathFactory, host: str
) -> None:
    folder = write(own_crate("cut-off"))
    with breaking_engine(host, tmp_path_factory.mktemp("e") / "s", after=100_000) as address:
        outcome = invoke("build", folder=folder, **BUILDX, DOCKER_HOST=address)

    assert outcome.code == 68
    assert outcome.stdout == ""
    assert outcome.stderr.splitlines()[-4] == "the engine did not do what it was asked for"
    image = invoke("build", folder=folder, **BUILDX, DOCKER_HOST=host).result
    assert run_image(image, host) == "first"


@pytest.fixture(scope="module")
def base_image() -> str:
    """A base image in the registry that asks for a password; no engine has it under this name."""
    name = f"{TRUSTED.address}/bases/debian"
    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as client:
        client.images.get(RUNTIME).tag(name, "slim")
        pushed = client.images.push(name, tag="slim", auth_config={"username": USER, "password": PASSWORD})
        client.images.remove(f"{name}:slim")
    assert '"error"' not in pushed
    return f"{name}:slim"


def build_on(base_image: str, folder: Path, config: Path, host: str) -> Outcome:
    settings = {**BUILDX, "RUSTDOCKER_RUNTIME_IMAGE": base_image, "DOCKER_CONFIG": str(config)}
    outcome = invoke("build", folder=folder, DOCKER_HOST=host, **settings)
    assert PASSWORD not in outcome.stdout + outcome.stderr
    return outcome


def test_a_base_image_behind_a_password(
    write: Write, tmp_path_factory: pytest.TempPathFactory, base_image: str
) -> None:
    config = tmp_path_factory.mktemp("config")
    write_credentials(config, PASSWORD)

    image = build_on(base_image, write(own_crate("behind")), config, CURRENT_ENGINE).result

    assert run_image(image, CURRENT_ENGINE) == "first"


@pytest.mark.parametrize("password", [None, "wrong-password"])
def test_a_base_image_behind_a_password_that_is_not_known(
    write: Write, tmp_path_factory: pytest.TempPathFactory, base_image: str, password: str | None
) -> None:
    # Another tag: an engine that has pulled it before asks nobody.
    config = tmp_path_factory.mktemp("config")
    write_credentials(config, password)
    image = base_image.replace("slim", "other")

    outcome = build_on(image, write(own_crate("refused")), config, CURRENT_ENGINE)

    assert outcome.code == 68
    what, _, set_by, hint = outcome.stderr.splitlines()[-4:]
    assert what == f"the registry refused the base image {image}"
    assert set_by == "  set by: the environment variable RUSTDOCKER_RUNTIME_IMAGE"
    assert hint == f"  hint: log in with an account that may pull it: `docker login {TRUSTED.address}`"
    assert "wrong-password" not in outcome.stderr


def test_the_old_engine_s_builds_trust_no_ca_of_the_machine_and_the_hint_helps(
    write: Write, tmp_path_factory: pytest.TempPathFactory, base_image: str
) -> None:
    folder = write(own_crate("untrusted"))
    config = tmp_path_factory.mktemp("config")
    write_credentials(config, PASSWORD)

    outcome = build_on(base_image, folder, config, MACHINE_ENGINE)

    assert outcome.code == 68
    what, found, set_by, hint = outcome.stderr.splitlines()[-4:]
    assert what == f"the engine does not trust the certificate of the registry of the base image {base_image}"
    assert "x509: certificate signed by unknown authority" in found
    assert set_by == "  set by: the environment variable RUSTDOCKER_RUNTIME_IMAGE"
    assert hint.endswith(f"the builds of Engine 20.10 do not look there: `docker pull {base_image}` first")
    environment = clean_environment(DOCKER_HOST=MACHINE_ENGINE, DOCKER_CONFIG=str(config))
    subprocess.run(["docker", "pull", "--quiet", base_image], check=True, env=environment)
    try:
        image = build_on(base_image, folder, config, MACHINE_ENGINE).result
        assert run_image(image, MACHINE_ENGINE) == "first"
    finally:
        subprocess.run(["docker", "image", "rm", "--force", base_image], check=True, env=environment)


def test_the_disk_of_the_project_is_full(write: Write) -> None:
    folder = write(own_crate("no-space"))
    assert invoke("build", folder=folder, **BUILDX, DOCKER_HOST=CURRENT_ENGINE).code == 0
    ours = folder / "target/rustdocker"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", ours], check=True)
    try:
        outcome = invoke("build", folder=folder, **BUILDX, DOCKER_HOST=CURRENT_ENGINE)
    finally:
        subprocess.run(["umount", ours], check=True)

    assert outcome.code == 67
    what, found, *_ = outcome.stderr.splitlines()[-4:]
    assert what == "the image could not be written"
    assert found.endswith("No space left on device")
    assert invoke("build", folder=folder, **BUILDX, DOCKER_HOST=CURRENT_ENGINE).code == 0


@pytest.mark.alone
def test_the_disk_of_the_engine_is_full(write: Write) -> None:
    folder = write(own_crate("no-space"))
    # Where the store writes what is new.
    ingest = STATE / "containerd/daemon/io.containerd.content.v1.content/ingest"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", ingest], check=True)
    try:
        outcome = invoke("build", "--variant=minimal", folder=folder, **BUILDX, DOCKER_HOST=CURRENT_ENGINE)
    finally:
        subprocess.run(["umount", ingest], check=True)

    assert outcome.code == 68
    assert outcome.stdout == ""
    what, found, set_by, hint = outcome.stderr.splitlines()[-4:]
    assert what == "the engine's disk is full"
    assert found.endswith("no space left on device")
    assert set_by == "  set by: the engine"
    assert hint.startswith("  hint: `docker system df` shows what takes the space")
    image = invoke("build", "--variant=minimal", folder=folder, **BUILDX, DOCKER_HOST=CURRENT_ENGINE).result
    assert run_image(image, CURRENT_ENGINE) == "first"


@pytest.mark.parametrize("what", ["*.rlib", "build-script-build"])
def test_what_was_compiled_and_is_damaged_since_is_compiled_again(write: Write, what: str) -> None:
    files = own_crate("damaged", **{"build.rs": "fn main() {}"})
    manifest = files["Cargo.toml"] + '[dependencies]\nitoa = "1"\n'
    main = 'fn main() {{ println!("{} {{}}", itoa::Buffer::new().format(1)); }}\n'
    folder = write({**files, "Cargo.toml": manifest, "src/main.rs": main.format("first")})
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=folder, check=True)
    settings = {**BUILDX, "DOCKER_HOST": CURRENT_ENGINE}
    assert invoke("build", folder=folder, **settings).result
    run_in_mount(folder, f"find /rustdocker/kept/target -name '{what}' -exec truncate --size=100 {{}} +")
    (folder / "src/main.rs").write_text(main.format("second"))

    built = invoke("build", folder=folder, **settings)

    assert run_image(built.result, CURRENT_ENGINE) == "second 1"
    assert "what was compiled before is damaged (" in built.stderr
    assert "Compiling itoa" in built.stderr


@pytest.fixture
def foreign_base() -> Iterator[str]:
    """A base image of another machine: nothing of it has to run for that to be seen."""
    name = f"rustdocker-foreign-{uuid.uuid4().hex[:8]}"
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path in ("lib/ld-linux-aarch64.so.1", "lib/aarch64-linux-gnu/libc.so.6"):
            tar.addfile(tarfile.TarInfo(path))
    words = ["docker", f"--host={CURRENT_ENGINE}", "import", "--platform=linux/arm64", "-", name]
    subprocess.run(words, input=archive.getvalue(), check=True, capture_output=True)
    yield name
    subprocess.run(["docker", f"--host={CURRENT_ENGINE}", "rmi", "--force", name], check=True, capture_output=True)


def test_a_program_of_this_machine_does_not_get_into_an_image_of_another(write: Write, foreign_base: str) -> None:
    told = invoke(
        "build",
        folder=write(own_crate("foreign")),
        RUSTDOCKER_RUNTIME_IMAGE=foreign_base,
        RUSTDOCKER_VARIANT="slim",
        DOCKER_HOST=CURRENT_ENGINE,
        **BUILDX,
    )

    assert told.code == 67
    what, found = told.stderr.splitlines()[-4:-2]
    assert what == f"the program would not start in {foreign_base}"
    assert found == "  found: there is no /lib64/ld-linux-x86-64.so.2, which glibc's programs begin with"
