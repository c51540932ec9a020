"""The archive that is left where no engine answers: others read it, and read the same image."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import docker
import pytest

from tests.conftest import Write, crate, invoke

pytestmark = pytest.mark.engine

NOWHERE = "unix:///nowhere/docker.sock"


def skopeo(*words: str) -> str:
    return subprocess.run(["skopeo", *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def archive(write: Write) -> Path:
    folder = write(crate("archived"))
    return Path(invoke("build", folder=folder, DOCKER_HOST=NOWHERE).result)


def test_skopeo_reads_it_as_an_oci_archive_and_as_a_docker_archive(archive: Path) -> None:
    oci = json.loads(skopeo("inspect", "--config", f"oci-archive:{archive}"))
    as_docker = json.loads(skopeo("inspect", "--config", f"docker-archive:{archive}:archived:0.1.0"))

    assert oci == as_docker
    assert oci["config"]["Entrypoint"] == ["/usr/local/bin/archived"]


def test_skopeo_copies_it_with_the_digest_that_was_reported(write: Write, tmp_path: Path) -> None:
    folder = write(crate("archived"))
    report = json.loads(invoke("build", "--json", folder=folder, DOCKER_HOST=NOWHERE).result)
    digest_file = tmp_path / "digest"

    skopeo("copy", f"--digestfile={digest_file}", f"oci-archive:{report['image']}", f"oci:{tmp_path / 'copy'}")

    assert digest_file.read_text() == report["manifest_digest"]
    assert not report["loaded"]


def test_docker_load_makes_the_image_that_a_build_with_an_engine_makes(
    archive: Path, engine: docker.DockerClient
) -> None:
    with archive.open("rb") as file:
        (loaded,) = engine.images.load(file)

    assert loaded.tags == ["archived:0.1.0"]
    assert loaded.id == invoke("build", folder=archive.parent.parent.parent).result


def test_the_image_id_on_stdout_can_be_run_as_it_is(write: Write) -> None:
    identity = invoke("build", folder=write(crate())).result

    printed = subprocess.run(
        ["docker", "run", "--rm", identity], check=True, capture_output=True, text=True
    ).stdout

    assert printed == "first\n"


def test_the_next_archive_takes_the_place_of_the_last(archive: Path) -> None:
    first = archive.read_bytes()
    folder = archive.parent.parent.parent
    (folder / "src/main.rs").write_text("fn main() {}")
    invoke("build", folder=folder, DOCKER_HOST=NOWHERE)

    assert archive.read_bytes() != first
    assert [p.name for p in archive.parent.iterdir() if not p.name.startswith("sources-")] == [archive.name]
