"""The same inputs make the same image: on a builder that knows nothing, from another folder, at other times."""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import closing
from pathlib import Path

import docker
import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tests.conftest import MANIFEST, Outcome, Write, crate, invoke
from tests.engine.conftest import IN_2000
from tests.engine.test_debian_packages import LINKS_PCAP, USES_PCAP
from tests.engine.workspace import forget_layers

pytestmark = pytest.mark.engine

# All that makes files of its own in an image.
SETTINGS = """[package.metadata.rustdocker]
workdir = "/srv/app"
volumes = ["/data"]
assets = [{ source = "static", destination = "/srv/static" }]
"""


def build(folder: Path, *words: str, backend: str = "buildx", **environment: str) -> Outcome:
    return invoke(
        "build", *words, folder=folder, RUSTDOCKER_BACKEND=backend, DOCKER_HOST=CURRENT_ENGINE, **environment
    )


def created(image: str) -> str:
    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as client:
        return str(client.images.get(image).attrs["Created"])


@pytest.mark.alone
@pytest.mark.parametrize(
    ("backend", "variant"),
    [("buildx", "slim"), ("buildx", "minimal"), ("buildx", "static"), ("host", "minimal"), ("host", "static")],
)
def test_the_same_inputs_make_the_same_image(write: Write, tmp_path: Path, backend: str, variant: str) -> None:
    files = {"Cargo.toml": MANIFEST.format(name="app") + SETTINGS, "static/a.txt": "a", "static/b/c.txt": "c"}
    first = write({f"here/{name}": text for name, text in crate(**files).items()}) / "here"
    second = tmp_path / "the other's" / "folder"
    shutil.copytree(first, second)
    for path in second.rglob("*"):
        os.utime(path, (IN_2000, IN_2000))
    before = build(first, f"--variant={variant}", backend=backend).result

    forget_layers()
    # Nothing is left of what was compiled either.
    anew = {"RUSTDOCKER_CACHE_ID": uuid.uuid4().hex}
    after = build(second, f"--variant={variant}", backend=backend, **anew)

    assert "Compiling app" in after.stderr
    assert after.result == before
    assert created(before) == "1970-01-01T00:00:00Z"


@pytest.mark.alone
@pytest.mark.parametrize("cache", ["mount", "layer"])
def test_what_is_added_of_debian_is_the_same_too(write: Write, tmp_path: Path, cache: str) -> None:
    table = '[package.metadata.rustdocker]\nbuild-packages = ["libpcap-dev"]\nruntime-packages = ["netbase"]\n'
    manifest = MANIFEST.format(name="captures") + table
    files = {"Cargo.toml": manifest, "src/main.rs": USES_PCAP, "build.rs": LINKS_PCAP}
    first = write({f"here/{name}": text for name, text in crate(**files).items()}) / "here"
    second = shutil.copytree(first, tmp_path / "there")
    before = build(first, RUSTDOCKER_CACHE=cache).result

    forget_layers()
    after = build(second, RUSTDOCKER_CACHE=cache, RUSTDOCKER_CACHE_ID=uuid.uuid4().hex)

    assert "libpcap0.8" in after.stderr
    assert after.result == before


@pytest.mark.parametrize("backend", ["buildx", "host"])
def test_source_date_epoch_is_the_image_s_time(write: Write, backend: str) -> None:
    folder = write(crate())
    image = build(folder, backend=backend, SOURCE_DATE_EPOCH="1767225600").result

    assert created(image) == "2026-01-01T00:00:00Z"
    assert created(build(folder, backend=backend).result) == "1970-01-01T00:00:00Z"


def test_a_source_date_epoch_that_is_no_number_is_refused_before_anything_is_built(write: Write) -> None:
    folder = write(crate())
    refused = build(folder, SOURCE_DATE_EPOCH="yesterday")

    assert refused.code == 64
    assert "found: yesterday" in refused.stderr
    assert not (folder / "target").exists()
