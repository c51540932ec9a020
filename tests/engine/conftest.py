"""The example service, compiled once for all tests that need it, and ways to look at an image."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import socket
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest
import trustme
from docker.models.containers import Container

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.images import RUST_MUSL
from tasks.lab.registry import TRUSTED, UNKNOWN, USER
from tests.conftest import REPOSITORY, invoke
from tests.engine.turns import Turns

IN_2000 = 946_684_800  # seconds since the epoch
WEB = REPOSITORY / "examples" / "web"
MACHINE_ENGINE = "unix:///var/run/docker.sock"
ENGINE_NAMES = ["20.10", "28.5"]  # by version; the machine's own stands first
ENGINES = pytest.mark.parametrize("host", [MACHINE_ENGINE, CURRENT_ENGINE], ids=ENGINE_NAMES)
NOT_SOURCES = shutil.ignore_patterns("target", "__pycache__")


def _shared_folder(config: pytest.Config) -> Path:
    """A folder that all processes of a test run share."""
    base: Path = config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    return base.parent if hasattr(config, "workerinput") else base


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    if item.get_closest_marker("engine") is None:
        return (yield)
    turns = Turns(_shared_folder(item.config))
    with turns.alone() if item.get_closest_marker("alone") else turns.beside_others():
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def _leave_nothing(request: pytest.FixtureRequest) -> Iterator[None]:
    """Remove the containers and images that the tests made, and only those, when the last process is done."""
    turns = Turns(_shared_folder(request.config))
    with closing(docker.from_env()) as own, closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as current:
        engines: list[Any] = [own.api, current.api]
        found = [sorted(_images(api) | _containers(api)) for api in engines]
        before = json.loads(turns.come(json.dumps(found)))
        yield
        if not turns.is_last_to_go():
            return
        for api, kept in zip(engines, before, strict=True):
            for container in _containers(api) - set(kept):
                api.remove_container(container, force=True)
            for image in _images(api) - set(kept):
                api.remove_image(image, force=True)


def _images(api: Any) -> set[str]:
    found = set()
    for image in api.images():
        with suppress(docker.errors.NotFound):  # another process may remove it meanwhile
            if "rustdocker" in str(api.history(image["Id"])):
                found.add(image["Id"])
    return found


def _containers(api: Any) -> set[str]:
    return {container["Id"] for container in api.containers(all=True, filters={"label": "rustdocker.root"})}


@dataclass(frozen=True)
class Built:
    """An image of the example service, as `invoke build --json` reports it."""

    folder: Path
    report: dict[str, Any]

    @property
    def image(self) -> str:
        return str(self.report["image"])


def write_credentials(folder: Path, password: str | None, *registries: str) -> None:
    """Make the folder a docker configuration with these credentials, None for none, and the user's plugins."""
    auth = {"auth": base64.b64encode(f"{USER}:{password}".encode()).decode()}
    addresses = registries or (TRUSTED.address, UNKNOWN.address)
    known = {} if password is None else dict.fromkeys(addresses, auth)
    (folder / "config.json").write_text(json.dumps({"auths": known}))
    plugins = Path.home() / ".docker" / "cli-plugins"
    if plugins.is_dir():
        shutil.copytree(plugins, folder / "cli-plugins", symlinks=True, dirs_exist_ok=True)


def copy_of_web(folder: Path, *, modified: float) -> Path:
    """Return a copy of the service that compiles in half the time: what of it is tested is not how fast it is."""
    shutil.copytree(WEB, folder, ignore=NOT_SOURCES)
    with (folder / "Cargo.toml").open("a") as manifest:
        manifest.write("\n[profile.release]\nopt-level = 0\n")
    for path in folder.rglob("*"):
        os.utime(path, (modified, modified))
    return folder


def build(folder: Path, task: str = "build", **environment: str) -> Built:
    return Built(folder, json.loads(invoke(task, "--json", folder=folder, **environment).result))


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The minimal image, from sources dated 2000 and a cold build."""
    return build(copy_of_web(tmp_path_factory.mktemp("here") / "web", modified=IN_2000))


@pytest.fixture(scope="session")
def static_web(web: Built) -> Built:
    return build(web.folder, "static")


# Stands in for a cargo or rustc with the musl target, which the lab's image has: same folders, same network.
_IN_CONTAINER = """#!/bin/sh
exec docker run --rm --init --network=host --workdir="$PWD" --volume=/tmp:/tmp \\
    --volume={cargo_home}:{cargo_home} --volume=/etc/ssl/certs:/etc/ssl/certs:ro --env=CARGO_HOME={cargo_home} \\
    {image} {program} "$@"
"""
_RUSTC = """#!/bin/sh
test "$*" != --print=sysroot || exec echo {sysroot}
exec {next} "$@"
"""


@pytest.fixture(scope="session")
def musl_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH whose cargo and rustc have the musl target installed."""
    folder = tmp_path_factory.mktemp("musl")
    cargo_home = os.environ.get("CARGO_HOME") or Path.home() / ".cargo"
    for program, script in (("cargo", "bin/cargo"), ("rustc", "rustc-in-container")):
        text = _IN_CONTAINER.format(cargo_home=cargo_home, image=RUST_MUSL, program=program)
        _write_script(folder / script, text)
    _write_script(folder / "bin/rustc", _RUSTC.format(sysroot=folder, next=folder / "rustc-in-container"))
    (folder / "lib/rustlib/x86_64-unknown-linux-musl/lib").mkdir(parents=True)
    return f"{folder / 'bin'}:{os.environ['PATH']}"


def _write_script(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@dataclass(frozen=True)
class Case:
    """A way to build the example service, on the engine at the address `host`."""

    backend: str
    variant: str
    host: str = MACHINE_ENGINE
    build_image: str | None = None


_IN_CONTAINERS = {
    f"{engine} {variant}": Case("buildx", variant, host, RUST_MUSL if variant == "static" else None)
    for engine, host in zip(ENGINE_NAMES, (MACHINE_ENGINE, CURRENT_ENGINE), strict=True)
    for variant in ("slim", "minimal", "static", "simple")
    # `static` and `simple` share nothing with the others: the older engine has them of small crates alone.
    if host == CURRENT_ENGINE or variant in {"slim", "minimal"}
}
CASES = {
    "host minimal": Case("host", "minimal"),
    "host static": Case("host", "static"),
    **_IN_CONTAINERS,
}


@pytest.fixture(scope="session")
def company_ca(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    """A CA that every image of `image` trusts, and its certificate."""
    ca = trustme.CA()
    pem = tmp_path_factory.mktemp("ca") / "company-ca.pem"
    ca.cert_pem.write_to_path(str(pem))
    return ca, pem


@pytest.fixture(scope="session")
def image_of(
    web: Built, tmp_path_factory: pytest.TempPathFactory, company_ca: tuple[trustme.CA, Path]
) -> Callable[[str], Built]:
    """Return the image of a case, from sources dated 2000 and built cold, but for what a variant shares."""

    in_containers = copy_of_web(tmp_path_factory.mktemp("containers") / "web", modified=IN_2000)

    @cache
    def make(name: str) -> Built:
        case = CASES[name]
        environment = environment_of(case, company_ca[1])
        folder = in_containers if case.backend == "buildx" else web.folder
        return build(folder, "build", RUSTDOCKER_VARIANT=case.variant, **environment)

    return make


def environment_of(case: Case, ca: Path) -> dict[str, str]:
    """What the tasks are told of a case beside its variant."""
    environment = {
        "RUSTDOCKER_CA_CERTIFICATES": str(ca),
        "RUSTDOCKER_BACKEND": case.backend,
        "DOCKER_HOST": case.host,
    }
    return {**environment, **({"RUSTDOCKER_BUILD_IMAGE": case.build_image} if case.build_image else {})}


@pytest.fixture
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def image(case: str, image_of: Callable[[str], Built]) -> Built:
    return image_of(case)


ServeImage = Callable[..., AbstractContextManager["Service"]]


@pytest.fixture
def serve_image(case: str, image: Built) -> Iterator[ServeImage]:
    """Run the image of the case on the engine that has it."""
    with closing(engine_of(case)) as client:
        yield partial(served, client, image.image)


def engine_of(case: str) -> docker.DockerClient:
    return docker.DockerClient(base_url=CASES[case].host)


@dataclass(frozen=True)
class Service:
    """A running container of the example service."""

    container: Container
    port: int

    def get(self, path: str) -> tuple[int, Any]:
        """Return the status and the JSON of the answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())


Serve = Callable[..., AbstractContextManager[Service]]


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def serve(engine: docker.DockerClient) -> Serve:
    """Run an image of the service as docker would, and wait for its answer."""
    return partial(served, engine)


@contextmanager
def served(engine: docker.DockerClient, image: str, **options: Any) -> Iterator[Service]:
    """Run the image on the host's network, and remove the container after all."""
    port = free_port()
    container = engine.containers.run(
        image, detach=True, network_mode="host", environment={"PORT": str(port)}, **options
    )
    service = Service(container, port)
    try:
        wait_for(service)
        yield service
    finally:
        container.remove(force=True)


def wait_for(service: Service) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            service.get("/source")
        except OSError:
            assert time.monotonic() < deadline, service.container.logs().decode()
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def files_of(engine: docker.DockerClient) -> Callable[[str], dict[str, tarfile.TarInfo]]:
    """Return every path of an image's file tree, without what the engine adds."""

    def files(image: str) -> dict[str, tarfile.TarInfo]:
        with exported(engine, image) as archive:
            return {member.name: member for member in archive.getmembers()}

    return files


@contextmanager
def exported(engine: docker.DockerClient, image: str) -> Iterator[tarfile.TarFile]:
    container = engine.containers.create(image)
    try:
        chunks: Any = container.export()
        content = b"".join(chunks)
    finally:
        container.remove()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        yield archive


def read_file(engine: docker.DockerClient, image: str, path: str) -> bytes:
    """Return the content of one file of an image."""
    with exported(engine, image) as archive:
        file = archive.extractfile(path.lstrip("/"))
        assert file is not None
        return file.read()


def partial_files(folder: Path) -> list[Path]:
    """What a build on the host left of an image that is not whole."""
    return [p for p in folder.rglob("target/rustdocker/*") if not p.name.startswith("sources-")]
