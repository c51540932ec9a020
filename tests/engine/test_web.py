"""The image of a real service, on the real engine."""

from __future__ import annotations

import http.server
import os
import shutil
import ssl
import tarfile
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryFile

import docker
import pytest
import trustme
from docker.models.containers import Container

from rustdocker_tasks.engine.saved_image import SavedLayer, read_layers
from tasks.lab.images import RUNTIME
from tests.conftest import invoke
from tests.engine.conftest import (
    CASES,
    ENGINE_NAMES,
    IN_2000,
    Built,
    Serve,
    ServeImage,
    Service,
    build,
    copy_of_web,
    engine_of,
    environment_of,
    free_port,
    read_file,
)

pytestmark = pytest.mark.engine

MEGABYTE = 1_000_000
NEWEST = ENGINE_NAMES[-1]
PROGRAM = "usr/local/bin/my-rust-app"
ALL = pytest.mark.parametrize("case", CASES, indirect=True)


def test_the_service_has_the_dependencies_of_a_real_one(web: Built) -> None:
    lock = (web.folder / "Cargo.lock").read_text()

    assert lock.count("[[package]]") > 100


# First of the images' tests, so that a build follows the one it repeats: a test that is alone may remove all
# layers in between.
@pytest.mark.parametrize(
    ("engine_name", "variant", "build_words", "run_words"),
    [
        (ENGINE_NAMES[0], "slim", "slim", "run --variant slim"),
        (NEWEST, "simple", "build --variant simple", "run --variant simple"),
        (NEWEST, "slim", "slim", "run --variant slim"),
        (NEWEST, "static", "static", "run --variant static"),
    ],
)
def test_the_tutorial_s_two_commands(
    engine_name: str,
    variant: str,
    build_words: str,
    run_words: str,
    image_of: Callable[[str], Built],
    company_ca: tuple[trustme.CA, Path],
) -> None:
    case = f"{engine_name} {variant}"
    built = image_of(case)
    environment = environment_of(CASES[case], company_ca[1])
    port = free_port()

    printed = invoke(*build_words.split(), folder=built.folder, **environment).result
    words = [*run_words.split(), "--detach", "--port", f"{port}:8080"]
    running = invoke(*words, folder=built.folder, **environment).result
    try:
        with closing(engine_of(case)) as engine:
            container = engine.containers.get(running)
            greeting = Service(container, port).get("/source")[1]["greeting"]
    finally:
        stopped = invoke("stop", folder=built.folder, **environment)

    assert printed == built.image == container.attrs["Image"]
    assert greeting == "Hello from my-rust-app"
    assert "stopped and removed" in stopped.stderr


@ALL
def test_it_answers_from_the_sources_at_hand(serve_image: ServeImage) -> None:
    with serve_image() as service:
        assert service.get("/source") == (200, {"revision": "first", "greeting": "Hello from my-rust-app"})


@ALL
def test_it_knows_time_zones(serve_image: ServeImage) -> None:
    with serve_image() as service:
        status, answer = service.get("/time?zone=Europe/Paris&at=2026-07-01T12:00:00Z")

    assert (status, answer) == (200, {"local": "2026-07-01T14:00:00+02:00[Europe/Paris]"})


@ALL
def test_it_writes_temporary_files(serve_image: ServeImage) -> None:
    with serve_image() as service:
        assert service.get("/tmp") == (200, {"read": "written to the temporary folder"})


@ALL
def test_it_runs_with_a_read_only_root_and_no_capability(serve_image: ServeImage) -> None:
    options = {
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "tmpfs": {"/tmp": ""},
    }
    with serve_image(**options) as service:
        status = Path(f"/proc/{process_of(service.container)}/status").read_text()

        assert service.get("/source")[0] == 200
        assert service.get("/tmp")[0] == 200
    assert "Uid:\t65532\t65532\t65532\t65532\n" in status
    assert "Gid:\t65532\t65532\t65532\t65532\n" in status
    assert "CapEff:\t0000000000000000\n" in status


def process_of(container: Container) -> int:
    container.reload()
    pid: int = container.attrs["State"]["Pid"]
    return pid


@ALL
def test_it_ends_by_itself_within_a_second_of_sigterm(serve_image: ServeImage) -> None:
    with serve_image() as service:
        service.container.stop(timeout=1)
        service.container.reload()

        # 137 would be the engine's SIGKILL after that second.
        assert service.container.attrs["State"]["ExitCode"] == 0


@contextmanager
def secure_server(ca: trustme.CA) -> Iterator[str]:
    """An HTTPS server on loopback, with a certificate of this CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"secure")

        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that refuses the certificate hangs up: that is what is tested."""

    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://localhost:{server.server_address[1]}/"
        server.shutdown()


@ALL
def test_https_to_an_unknown_ca_is_refused(serve_image: ServeImage) -> None:
    with secure_server(trustme.CA()) as url, serve_image() as service:
        status, answer = service.get(f"/https?url={url}")

    assert status == 502
    assert "UnknownIssuer" in answer["error"]


@ALL
def test_https_works_with_the_ca_that_a_setting_names(
    serve_image: ServeImage, company_ca: tuple[trustme.CA, Path]
) -> None:
    with secure_server(company_ca[0]) as url, serve_image() as service:
        assert service.get(f"/https?url={url}") == (200, {"status": 200, "body": "secure"})


@ALL
def test_the_certificates_are_certifi_s_and_the_named_ones_and_no_other(
    case: str, image: Built, company_ca: tuple[trustme.CA, Path]
) -> None:
    with closing(engine_of(case)) as engine:
        shipped = read_file(engine, image.image, "/etc/ssl/certs/ca-certificates.crt")

    assert shipped == files("certifi").joinpath("cacert.pem").read_bytes() + company_ca[1].read_bytes()


def test_minimal_of_the_host_is_the_program_and_at_most_three_megabytes(web: Built) -> None:
    size = web.report["bytes"]

    assert size["stored"] <= size["program"] + 3 * MEGABYTE
    # Unpacked the libraries weigh most; their packages' licences and records are a tenth of a megabyte.
    assert size["unpacked"] <= size["program"] + 4.1 * MEGABYTE


def test_static_is_no_larger_than_minimal(image_of: Callable[[str], Built]) -> None:
    web, static = image_of("host minimal"), image_of("host static")

    assert static.report["bytes"]["stored"] <= web.report["bytes"]["stored"]
    assert static.report["bytes"]["stored"] <= static.report["bytes"]["program"] + 0.6 * MEGABYTE
    assert static.report["libraries"] == []


def layers_of(case: str, image: str) -> tuple[SavedLayer, ...]:
    """The layers of an image on the engine of the case."""
    with closing(engine_of(case)) as engine, TemporaryFile() as archive:
        for chunk in engine.images.get(image).save():
            archive.write(chunk)
        archive.seek(0)
        return read_layers(archive)


def stored(case: str, image: str) -> int:
    return sum(layer.stored for layer in layers_of(case, image))


def stored_program(case: str, image: str) -> int:
    """What the program takes in a layer."""
    with closing(engine_of(case)) as engine:
        return len(zlib.compress(read_file(engine, image, f"/{PROGRAM}")))


@pytest.mark.parametrize("engine_name", ENGINE_NAMES)
def test_slim_is_its_base_and_the_program(engine_name: str, image_of: Callable[[str], Built]) -> None:
    case = f"{engine_name} slim"
    slim = image_of(case).image

    assert stored(case, slim) <= 1.03 * stored(case, RUNTIME) + stored_program(case, slim)


def test_slim_is_a_tenth_of_simple(image_of: Callable[[str], Built]) -> None:
    slim, simple = f"{NEWEST} slim", f"{NEWEST} simple"

    assert stored(slim, image_of(slim).image) * 10 <= stored(simple, image_of(simple).image)


@pytest.mark.parametrize("engine_name", ENGINE_NAMES)
def test_minimal_is_the_program_and_at_most_three_megabytes(
    engine_name: str, image_of: Callable[[str], Built]
) -> None:
    case = f"{engine_name} minimal"
    image = image_of(case).image

    assert stored(case, image) <= stored_program(case, image) + 3 * MEGABYTE


def test_static_is_no_larger_than_minimal_in_containers(image_of: Callable[[str], Built]) -> None:
    minimal, static = f"{NEWEST} minimal", f"{NEWEST} static"

    assert stored(static, image_of(static).image) <= stored(minimal, image_of(minimal).image)
    program = stored_program(static, image_of(static).image)
    assert stored(static, image_of(static).image) <= program + 0.6 * MEGABYTE


def test_minimal_holds_the_libraries_that_the_program_loads_and_no_other(
    web: Built, files_of: Callable[[str], dict[str, tarfile.TarInfo]]
) -> None:
    libraries = {Path(name).name for name in files_of(web.image) if ".so" in name}

    assert libraries == {"libc.so.6", "libgcc_s.so.1", "libm.so.6", "ld-linux-x86-64.so.2"}
    assert libraries == set(web.report["libraries"])


def test_the_tree_has_fixed_times_and_owners(
    web: Built, files_of: Callable[[str], dict[str, tarfile.TarInfo]]
) -> None:
    tree = files_of(web.image)
    added_by_the_engine = (
        "dev",
        "proc",
        "sys",
        ".dockerenv",
        "etc/hosts",
        "etc/hostname",
        "etc/resolv.conf",
        "etc/mtab",
    )
    ours = {name: info for name, info in tree.items() if not name.startswith(added_by_the_engine)}

    assert {info.mtime for name, info in ours.items() if info.isfile()} == {0}
    assert {name for name, info in ours.items() if (info.uid, info.gid) != (0, 0)} == {"home/nonroot"}
    assert oct(tree["tmp"].mode & 0o7777) == "0o1777"
    assert oct(tree["usr/local/bin/my-rust-app"].mode & 0o7777) == "0o755"


def test_two_builds_in_two_folders_have_one_digest(web: Built, tmp_path: Path) -> None:
    other = build(copy_of_web(tmp_path / "elsewhere" / "deeper", modified=IN_2000 + 86_400 * 365))

    assert other.report["manifest_digest"] == web.report["manifest_digest"]
    assert other.report["config_digest"] == web.report["config_digest"]
    assert other.image == web.image


def test_edit_and_revert_with_the_old_time_show_the_right_sources(
    web: Built, serve: Serve, tmp_path: Path
) -> None:
    source, template = web.folder / "src/source.rs", web.folder / "templates/greeting.txt"
    for path in (source, template):
        shutil.copy2(path, tmp_path / path.name)
    try:
        for path, old, new in ((source, '"first"', '"second"'), (template, "Hello", "Goodbye")):
            path.write_text(path.read_text().replace(old, new))
            os.utime(path, (IN_2000, IN_2000))
        with serve(build(web.folder).image) as service:
            assert service.get("/source")[1] == {"revision": "second", "greeting": "Goodbye from my-rust-app"}
    finally:
        for path in (source, template):
            shutil.copy2(tmp_path / path.name, path)
    with serve(build(web.folder).image) as service:
        assert service.get("/source")[1] == {"revision": "first", "greeting": "Hello from my-rust-app"}


def test_run_detached_answers_and_stop_removes_it(web: Built, engine: docker.DockerClient) -> None:
    identity = invoke("run", "--detach", "--port", "127.0.0.1:0:8080", folder=web.folder)
    assert identity.code == 64  # port 0 is no port: refused before anything is built

    running = invoke("run", "--detach", "--port", "127.0.0.1::8080", folder=web.folder)
    container = engine.containers.get(running.result)
    assert container.status == "running"
    assert "of the container answers at 127.0.0.1:" in running.stderr

    stopped = invoke("stop", folder=web.folder)
    assert stopped.code == 0
    assert f"stopped and removed {container.name}" in stopped.stderr
    with pytest.raises(docker.errors.NotFound):
        container.reload()
