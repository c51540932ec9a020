"""Builds on the host whose engine or disk fails: what the user reads, and that nothing is left behind."""

from __future__ import annotations

import subprocess
import uuid

import docker
import pytest

from tests.conftest import Outcome, Write, crate, invoke
from tests.engine.conftest import MACHINE_ENGINE, partial_files
from tests.engine.relay import breaking_engine

pytestmark = pytest.mark.engine


def test_no_engine_leaves_an_archive_and_says_so(write: Write) -> None:
    folder = write(crate())

    outcome = invoke("build", folder=folder, DOCKER_HOST="unix:///nowhere/docker.sock")

    archive = folder / "target/rustdocker/app-0.1.0-minimal.tar"
    assert outcome.result == str(archive)
    assert archive.is_file()
    said = (
        "no container engine answers (unix:///nowhere/docker.sock: No such file or directory): the image will be"
    )
    assert said in outcome.stderr


def test_run_without_an_engine_is_refused_before_anything_is_built(write: Write) -> None:
    folder = write(crate())

    outcome = invoke("run", folder=folder, DOCKER_HOST="unix:///nowhere/docker.sock")

    assert outcome == Outcome(
        68,
        "",
        "no container engine answers\n"
        "  found: unix:///nowhere/docker.sock: No such file or directory\n"
        "  set by: DOCKER_HOST\n"
        "  hint: start it (`sudo systemctl start docker`), or point DOCKER_HOST at one that runs\n",
    )
    assert not (folder / "target").exists()


def test_disk_full(write: Write) -> None:
    folder = write(crate())
    assert invoke("build", folder=folder).code == 0
    ours = folder / "target/rustdocker"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", ours], check=True)
    try:
        outcome = invoke("build", folder=folder, DOCKER_HOST="unix:///nowhere/docker.sock")
        left = [path.name for path in ours.iterdir()]
    finally:
        subprocess.run(["umount", ours], check=True)

    assert outcome.code == 67
    assert outcome.stderr.endswith(
        "the image could not be written\n"
        f"  found: {ours / 'app-0.1.0-minimal.tar'}: No space left on device\n"
        "  set by: cargo's target folder, where images are kept\n"
        "  hint: free some space or make the folder writable, then build again; nothing half-written was left\n"
    )
    assert [name for name in left if not name.startswith("sources-")] == []


def test_an_engine_that_goes_away_in_mid_load(
    write: Write, tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient
) -> None:
    name = f"vanishing-{uuid.uuid4().hex[:8]}"
    folder = write(crate(name))
    with breaking_engine(MACHINE_ENGINE, tmp_path_factory.mktemp("e") / "s", after=500_000) as address:
        outcome = invoke("build", folder=folder, DOCKER_HOST=address)

    assert outcome.code == 68
    assert outcome.stdout == ""
    assert outcome.stderr.endswith(
        f"the engine did not take the image {name}:0.1.0\n"
        "  found: the connection to it broke off\n"
        "  set by: the engine\n"
        "  hint: look at the engine's log and its free space (`docker system df`), then build again\n"
    )
    assert engine.images.list(name) == []
    assert partial_files(folder) == []
    assert invoke("build", folder=folder).result.startswith("sha256:")
