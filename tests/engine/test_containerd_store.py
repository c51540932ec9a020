"""An engine that keeps its images in containerd's store, as a new installation of Engine 29 does."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing

import docker
import pytest
from docker.models.containers import Container

from tasks.lab.engine import HOST, STATE
from tests.conftest import Write, crate, invoke
from tests.engine.conftest import Built, Service, build, wait_for

pytestmark = pytest.mark.engine

CONTENT = STATE / "containerd/daemon/io.containerd.content.v1.content"


def published_port(container: Container) -> int:
    bindings = container.ports["8080/tcp"]
    assert bindings
    return int(bindings[0]["HostPort"])


@pytest.fixture(scope="module")
def current_engine() -> Iterator[docker.DockerClient]:
    with closing(docker.DockerClient(base_url=HOST)) as client:
        yield client


def test_the_store_is_containerd_s(current_engine: docker.DockerClient) -> None:
    assert dict(current_engine.info()["DriverStatus"])["driver-type"] == "io.containerd.snapshotter.v1"


def test_the_service_is_built_run_and_stopped_there(web: Built, current_engine: docker.DockerClient) -> None:
    built = build(web.folder, DOCKER_HOST=HOST)
    running = invoke("run", "--detach", "--port", "127.0.0.1::8080", folder=web.folder, DOCKER_HOST=HOST)
    container = current_engine.containers.get(running.result)
    service = Service(container, published_port(container))
    wait_for(service)

    assert container.image is not None
    assert container.image.id == built.image
    assert service.get("/source") == (200, {"revision": "first", "greeting": "Hello from my-rust-app"})
    assert service.get("/tmp")[0] == 200
    assert "stopped and removed" in invoke("stop", folder=web.folder, DOCKER_HOST=HOST).stderr
    with pytest.raises(docker.errors.NotFound):
        container.reload()


def test_docker_can_run_what_build_prints(write: Write) -> None:
    folder = write(crate())

    image = invoke("build", folder=folder, DOCKER_HOST=HOST).result

    words = ["docker", "--host", HOST, "run", "--rm", image]
    assert subprocess.run(words, check=True, capture_output=True, text=True).stdout == "first\n"


@pytest.mark.alone
def test_the_engine_s_own_disk_is_full(write: Write, current_engine: docker.DockerClient) -> None:
    folder = write(crate("too-large"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", CONTENT], check=True)
    try:
        (CONTENT / "ingest").mkdir()
        outcome = invoke("build", folder=folder, DOCKER_HOST=HOST)
    finally:
        subprocess.run(["umount", CONTENT], check=True)

    assert outcome.code == 68
    assert outcome.stdout == ""
    what, found, set_by, hint = outcome.stderr.splitlines()[-4:]
    assert what == "the engine did not take the image too-large:0.1.0"
    assert found.startswith("  found: ")
    assert found.endswith("no space left on device")
    assert set_by == "  set by: the engine"
    assert hint == "  hint: look at the engine's log and its free space (`docker system df`), then build again"
    assert current_engine.images.list("too-large") == []
    image = invoke("build", folder=folder, DOCKER_HOST=HOST).result
    current_engine.images.remove(image, force=True)
