"""Builds in containers as a user meets them: what goes wrong, what is written out, what arrives in the image."""

from __future__ import annotations

import http.server
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.images import RUST_MUSL
from tests.conftest import (
    MAIN,
    MANIFEST,
    TASKS,
    Outcome,
    Write,
    clean_environment,
    crate,
    invoke,
    invoke_in_background,
)
from tests.engine.conftest import ENGINES

pytestmark = pytest.mark.engine

CA = "/etc/ssl/certs/ca-certificates.crt"  # of the machine
ITOA = '[dependencies]\nitoa = "1"\n'
BUILDX = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE}


def docker(*words: str, host: str = CURRENT_ENGINE, folder: Path | None = None) -> str:
    environment = clean_environment(DOCKER_HOST=host, DOCKER_BUILDKIT="1")
    done = subprocess.run(
        ["docker", *words], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def inspect(image: str, host: str = CURRENT_ENGINE) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(docker("image", "inspect", image, host=host))[0]
    return found


@ENGINES
@pytest.mark.parametrize("variant", ["slim", "minimal", "static"])
def test_a_written_dockerfile_builds_the_same_layers_without_this_tool(
    write: Write, host: str, variant: str
) -> None:
    folder = write(crate("ejected", **{".dockerignore": "notes"}))
    settings = {**BUILDX, "DOCKER_HOST": host, "RUSTDOCKER_VARIANT": variant}
    if variant == "static":
        settings["RUSTDOCKER_BUILD_IMAGE"] = RUST_MUSL
    image = invoke("build", folder=folder, **settings).result
    written = invoke("dockerfile", folder=folder, **settings).result

    docker("build", "--tag=ejected:own", ".", host=host, folder=folder)

    assert written == str(folder / "Dockerfile")
    assert (folder / "docker/package-folders").read_text() == ".\n"
    own = inspect("ejected:own", host)
    assert own["RootFS"]["Layers"] == inspect(image, host)["RootFS"]["Layers"]
    assert docker("run", "--rm", "ejected:own", host=host) == "first"


@ENGINES
def test_a_written_dockerfile_in_layers_builds_the_program_at_hand(write: Write, host: str) -> None:
    folder = write(crate("ejected-layers", **{"Cargo.toml": MANIFEST.format(name="ejected-layers") + ITOA}))
    invoke("dockerfile", folder=folder, **{**BUILDX, "DOCKER_HOST": host, "RUSTDOCKER_CACHE": "layer"})
    printed = []
    for text in ("first", "the second"):
        (folder / "src/main.rs").write_text(MAIN.replace("first", text))
        docker("build", f"--secret=id=ca-bundle,src={CA}", "--tag=ejected:layers", ".", host=host, folder=folder)
        printed.append(docker("run", "--rm", "ejected:layers", host=host))

    assert printed == ["first", "the second"]
    assert "type=cache" not in (folder / "Dockerfile").read_text()


@ENGINES
def test_a_written_dockerfile_of_simple_builds_without_this_tool(write: Write, host: str) -> None:
    folder = write(crate("ejected-simple"))
    invoke("dockerfile", "--variant=simple", folder=folder, **{**BUILDX, "DOCKER_HOST": host})

    docker("build", "--tag=ejected:simple", ".", host=host, folder=folder)

    assert docker("run", "--rm", "ejected:simple", host=host) == "first"
    assert docker("run", "--rm", "--entrypoint=cat", "ejected:simple", "src/main.rs", host=host) == MAIN.strip()


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.dockerignore", "docker/notes"])
def test_a_dockerfile_of_the_user_s_own_is_not_replaced(write: Write, name: str) -> None:
    folder = write(crate(**{name: "mine"}))

    outcome = invoke("dockerfile", folder=folder, **BUILDX)

    assert outcome.code == 67
    assert outcome.stderr == (
        "there is something in the way that rustdocker-tasks did not make, and so does not replace\n"
        f"  found: {folder / name.partition('/')[0]}\n"
        "  set by: you, or another tool\n"
        "  hint: move it away, then run `invoke dockerfile` again\n"
    )
    assert (folder / name).read_text() == "mine"


HOSTILE = [
    "two words",
    'quo"te',
    "dollar $HOME ${X:-y}",
    "back\\slash\\",
    "tick `id`",
    "# hash",
    "'",
    "<<EOF",
    "é\t",
]


@ENGINES
def test_values_arrive_as_they_are(write: Write, host: str) -> None:
    values = {f"V{number}": value for number, value in enumerate(HOSTILE)}
    table = ", ".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items())
    settings = {"RUSTDOCKER_ENV": f"{{ {table} }}", "RUSTDOCKER_ARGS": json.dumps(HOSTILE, ensure_ascii=False)}

    image = invoke("build", folder=write(crate("hostile")), **{**BUILDX, **settings, "DOCKER_HOST": host}).result

    config = inspect(image, host)["Config"]
    assert set(config["Env"]) >= {f"{name}={value}" for name, value in values.items()}
    assert config["Cmd"] == HOSTILE
    assert config["User"] == "65532:65532"


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("ENV", '{ A = "x\\nUSER root" }', "the value of A holds a line break"),
        ("LABELS", '{ "x\\nUSER root" = "1" }', r"the name 'x\nUSER root' holds a line break"),
        ("WORKDIR", '"/x\\nUSER root"', r"'/x\nUSER root' holds a line break"),
    ],
)
def test_a_line_break_is_refused_before_anything_is_built(write: Write, key: str, value: str, found: str) -> None:
    folder = write(crate())

    outcome = invoke("build", folder=folder, **{**BUILDX, f"RUSTDOCKER_{key}": value})

    assert outcome.code == 64
    assert found in outcome.stderr
    assert "\nUSER root" not in outcome.stderr
    assert not (folder / "target").exists()


def test_without_the_plugin_buildx_cannot_be_asked_for(
    write: Write, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = write(crate())
    empty = str(tmp_path_factory.mktemp("config"))

    outcome = invoke("build", folder=folder, **{**BUILDX, "DOCKER_CONFIG": empty})

    assert outcome == Outcome(
        68,
        "",
        "this image is built by docker buildx, which cannot be used here\n"
        "  found: docker has no buildx plugin here\n"
        "  set by: the environment variable RUSTDOCKER_BACKEND\n"
        "  hint: install it (https://docs.docker.com/go/buildx) and start an engine of 20.10 or later, "
        "or build with the local cargo: --backend host\n",
    )
    assert not (folder / "target").exists()


def test_without_the_plugin_auto_says_why_the_local_cargo_builds(
    write: Write, tmp_path_factory: pytest.TempPathFactory
) -> None:
    empty = str(tmp_path_factory.mktemp("config"))

    outcome = invoke("build", folder=write(crate()), RUSTDOCKER_BACKEND="auto", DOCKER_CONFIG=empty)

    assert outcome.code == 0
    assert outcome.stderr.splitlines()[0] == (
        "app 0.1.0, variant minimal, backend host "
        "(docker has no buildx plugin here; the local cargo compiles, no base image is needed)"
    )


@contextmanager
def engine_of_2019() -> Iterator[str]:
    """What Engine 19.03 answers to who asks for its version."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"OK" if self.path.endswith("/_ping") else b'{"Version": "19.03.15", "ApiVersion": "1.40"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_an_engine_that_is_too_old_is_told_before_anything_is_built(write: Write) -> None:
    folder = write(crate())
    with engine_of_2019() as host:
        outcome = invoke("build", folder=folder, **{**BUILDX, "DOCKER_HOST": host})
        auto = invoke("plan", folder=folder, RUSTDOCKER_BACKEND="auto", DOCKER_HOST=host).result

    problem = "the engine is older than 20.10 (API 1.40), and its builds have no mounts"
    assert outcome.code == 68
    assert outcome.stderr.splitlines()[1] == f"  found: {problem}"
    assert f"backend         host: {problem}; the local cargo compiles" in auto
    assert not (folder / "target").exists()


@ENGINES
def test_a_base_image_that_cannot_be_had(write: Write, host: str) -> None:
    image = "localhost:1/rust:1"

    outcome = invoke(
        "build", folder=write(crate()), RUSTDOCKER_BUILD_IMAGE=image, **{**BUILDX, "DOCKER_HOST": host}
    )

    assert outcome.code == 68
    what, found, set_by, hint = outcome.stderr.splitlines()[-4:]
    assert what == f"the base image {image} cannot be had"
    assert "localhost:1" in found
    assert set_by == "  set by: the environment variable RUSTDOCKER_BUILD_IMAGE"
    assert hint == (
        "  hint: check its name and the network; the settings `build-image` and `runtime-image` name other ones, "
        "and --backend host needs none"
    )


def test_a_builder_that_is_not_there(write: Write) -> None:
    outcome = invoke("build", "--backend=buildx", folder=write(crate()), RUSTDOCKER_BUILDER="nobody", **BUILDX)

    assert outcome.code == 68
    assert outcome.stderr.splitlines()[-3:-1] == [
        '  found: no builder "nobody" found',
        "  set by: the environment variable RUSTDOCKER_BUILDER",
    ]


@ENGINES
def test_a_compile_error_is_shown_in_full_and_once(write: Write, host: str) -> None:
    folder = write(crate(**{"src/main.rs": "fn main() { let x: u8 = true; }\n"}))

    outcome = invoke("build", folder=folder, **{**BUILDX, "DOCKER_HOST": host})

    assert outcome.code == 66
    assert outcome.stdout == ""
    assert outcome.stderr.count("expected `u8`, found `bool`") == 1
    assert outcome.stderr.endswith(
        "`cargo build` failed with exit code 101\n"
        "  found: its message stands above\n  set by: cargo\n  hint: mend what it names, then build again\n"
    )


SLOW = """fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    std::thread::sleep(std::time::Duration::from_secs(600));
}
"""


@ENGINES
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_build_that_is_ended_in_the_middle_and_the_next_one(
    write: Write, tmp_path_factory: pytest.TempPathFactory, host: str, sent: signal.Signals
) -> None:
    folder = write(crate(f"ended-{sent.value}", **{"build.rs": SLOW}))
    log = tmp_path_factory.mktemp("log") / "log"
    settings = {**BUILDX, "DOCKER_HOST": host}
    process = invoke_in_background("build", folder=folder, log=log, **settings)
    wait_for_text(log, "Compiling")
    time.sleep(1)

    os.kill(process.pid, sent)

    codes = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -signal.SIGKILL}
    assert process.wait(30) == codes[sent]
    assert "hint" not in log.read_text()
    os.truncate(folder / "build.rs", 0)
    (folder / "build.rs").write_text("fn main() {}\n")
    image = invoke("build", folder=folder, **settings).result
    assert docker("run", "--rm", image, host=host) == "first"


def wait_for_text(log: Path, text: str) -> None:
    deadline = time.monotonic() + 60
    while text not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def with_a_library() -> dict[str, str]:
    """The files of a package of its own kind: BuildKit answers equal steps of others from its cache."""
    return {
        "Cargo.toml": MANIFEST.format(name="counted") + '[dependencies]\nlibrary = { path = "library" }\n',
        "src/main.rs": f"fn main() {{}} // {uuid.uuid4()}\n",
        "library/Cargo.toml": MANIFEST.format(name="library"),
        # Cargo draws its bar after half a second.
        "library/build.rs": "fn main() { std::thread::sleep(std::time::Duration::from_secs(1)); }\n",
        "library/src/lib.rs": "",
        "tasks.py": TASKS,
    }


def build_on_a_terminal(folder: Path, host: str, *, columns: int) -> str:
    """Return what a build shows, which it prints nothing else beside."""
    ours, theirs = pty.openpty()
    environment = clean_environment(**{**BUILDX, "DOCKER_HOST": host}, TERM="xterm", COLUMNS=str(columns))
    process = subprocess.Popen(
        [sys.executable, "-m", "invoke", "build"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    shown = read_terminal(ours)

    assert process.communicate()[0].decode().startswith("sha256:")
    assert process.returncode == 0
    return shown


def test_a_narrow_terminal_gets_a_line_that_fits_below_whole_ones(write: Write) -> None:
    shown = build_on_a_terminal(write(with_a_library()), CURRENT_ENGINE, columns=40)
    steps = [line for line in shown.splitlines() if re.search(r"[\u2800-\u28ff] ?(compile|load)", line)]

    assert steps
    assert max(map(len, steps)) <= 40
    assert any(re.search(r"compile.* [123]/4 0:00:0\d", line) for line in steps)
    assert "Finished `release` profile [optimized] target(s)" in shown


@ENGINES
def test_on_a_terminal_a_build_tells_step_and_crates_below_its_lines(write: Write, host: str) -> None:
    shown = build_on_a_terminal(write(with_a_library()), host, columns=120)

    assert re.search(r"compile.* [123]/4 0:00:0\d.*\b(library|counted)", shown)
    assert "Compiling library v0.1.0" in shown
    assert [line for line in shown.splitlines() if line.strip()][-1].startswith("built and loaded in")


def read_terminal(fd: int) -> str:
    """What is written to a terminal until everybody has closed it, without the commands for it."""
    content = b""
    with suppress(OSError):  # so Linux says that nobody has it any more
        while chunk := os.read(fd, 65_536):
            content += chunk
    os.close(fd)
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", content.decode()).replace("\r", "\n")


def test_in_a_log_a_build_is_plain_lines(write: Write) -> None:
    outcome = invoke("build", folder=write(with_a_library()), **BUILDX)

    assert outcome.code == 0
    assert "Compiling library v0.1.0" in outcome.stderr
    assert outcome.stderr.replace("\n", "").isprintable()
    assert "Building" not in outcome.stderr


def test_sizes_compares_all_variants(write: Write) -> None:
    folder = write(crate("sized-in-containers"))
    settings = {**BUILDX, "RUSTDOCKER_BUILD_IMAGE": "rust:1.85-slim-trixie", "RUSTDOCKER_TAG": ":kept"}

    rows = {row["variant"]: row for row in json.loads(invoke("sizes", "--json", folder=folder, **settings).result)}
    table = invoke("sizes", folder=folder, **settings).result.splitlines()

    assert list(rows) == ["simple", "slim", "minimal", "static"]
    assert docker("image", "ls", "--quiet", "sized-in-containers:kept", host=CURRENT_ENGINE) == ""
    assert rows["simple"]["stored"] > rows["slim"]["stored"] > rows["minimal"]["stored"] > rows["static"]["stored"]
    assert all(row["unpacked"] > row["program"] > 0 for row in rows.values())
    assert [line.split()[0] for line in table[:5]] == ["variant", *rows]
    assert table[1].endswith("100% " + "█" * 30)
    whats = {name: [layer["what"] for layer in row["layers"]] for name, row in rows.items()}
    assert whats["minimal"] == ["certificates, time zones, users, assets", "the program"]
    assert whats["slim"] == ["base image debian:trixie-slim", *whats["minimal"]]
    assert whats["static"] == whats["minimal"]
    assert rows["static"]["heaviest"][0]["why"] == "the program, release of sized-in-containers 0.1.0"
    assert rows["slim"]["heaviest"][0]["why"] == "base image debian:trixie-slim"


def test_sizes_leaves_out_a_variant_that_cannot_be_built(write: Write) -> None:
    main = '#[cfg(target_feature = "crt-static")] compile_error!("not static");\nfn main() {}'
    folder = write(crate("not-static", **{"src/main.rs": main}))

    done = invoke("sizes", "--json", folder=folder)
    (folder / "src/main.rs").write_text("fn main(")
    nothing = invoke("sizes", folder=folder)

    assert [row["variant"] for row in json.loads(done.result)] == ["minimal"]
    assert "static is left out: `cargo build` failed with exit code 101\n" in done.stderr
    assert (nothing.code, nothing.stdout) == (66, "")


RESOLVES = """use std::net::ToSocketAddrs;
fn main() {
    for name in std::env::args().skip(1) {
        println!("{} {:?}", name, (name.as_str(), 80).to_socket_addrs().unwrap().next().unwrap().ip());
    }
}
"""


@pytest.mark.parametrize("cache", ["mount", "layer"])
def test_a_static_program_of_glibc_looks_up_names(write: Write, cache: str) -> None:
    folder = write(crate(f"glibc-{cache}", **{"src/main.rs": RESOLVES}))

    settings = {**BUILDX, "RUSTDOCKER_LIBC": "gnu", "RUSTDOCKER_CACHE": cache}
    built = invoke("static", folder=folder, **settings)

    assert "by DNS alone" in built.stderr
    network = f"names-{uuid.uuid4().hex[:8]}"
    docker("network", "create", network)
    # The engine's own DNS knows each container of the network, this one itself too.
    known = ("--network", network, "--network-alias=itself", "--add-host=of-hosts:192.0.2.7")
    try:
        told = docker("run", "--rm", *known, built.result, "of-hosts", "localhost", "itself")
    finally:
        docker("network", "rm", network)
    lines = dict(line.split() for line in told.splitlines())
    assert (lines["of-hosts"], lines["localhost"]) == ("192.0.2.7", "127.0.0.1")
    assert lines["itself"].startswith("172.")


def test_run_builds_in_containers_and_runs(write: Write) -> None:
    outcome = invoke("run", folder=write(crate("run-in-containers")), **BUILDX)

    assert (outcome.code, outcome.stdout) == (0, "first\n")


def test_plan_names_the_base_images(write: Write) -> None:
    folder = write(crate())

    shown = invoke("plan", folder=folder, **BUILDX).result

    assert "build image     rust:1-slim-trixie" in shown
    assert "runtime image   debian:trixie-slim" in shown
    assert not (folder / "target").exists()
