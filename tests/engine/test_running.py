"""Programs that run in the foreground or not, and how they and their tasks end, as a user sees it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import docker
import pytest

from tests.conftest import Outcome, Write, crate, invoke, invoke_in_background
from tests.engine.conftest import free_port, partial_files

pytestmark = pytest.mark.engine

# It says when it is there, keeps its connections, and ends at once when it is asked to.
LISTENER = """
use std::io::Write;
extern "C" { fn signal(number: i32, handler: extern "C" fn(i32)) -> usize; fn _exit(code: i32) -> !; }
extern "C" fn end(_: i32) { unsafe { _exit(0) } }
fn main() {
    unsafe { signal(15, end); }
    let address = std::env::args().nth(1).unwrap_or("0.0.0.0:8080".into());
    let listener = std::net::TcpListener::bind(address).unwrap();
    println!("ready");
    std::io::stdout().flush().unwrap();
    for stream in listener.incoming() { std::mem::forget(stream); }
}
"""
EXPOSED = "[package.metadata.rustdocker]\nexpose = [{}]\n"


def listener(port: int, rest: str = "") -> dict[str, str]:
    files = crate("listener", **{"src/main.rs": LISTENER.replace("8080", str(port))})
    return {**files, "Cargo.toml": files["Cargo.toml"] + EXPOSED.format(port) + rest}


def containers_of(folder: Path) -> list[str]:
    with closing(docker.from_env()) as client:
        return [
            c.name or "" for c in client.containers.list(all=True, filters={"label": f"rustdocker.root={folder}"})
        ]


def test_port_taken(write: Write) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        folder = write(listener(port))
        outcome = invoke("run", "--detach", folder=folder)

    assert outcome.code == 68
    assert outcome.stderr.endswith(
        f"port {port} of this machine is taken\n"
        f"  found: something listens on port {port} already\n"
        f"  set by: {folder / 'Cargo.toml'}, line 6 [package.metadata.rustdocker]\n"
        "  hint: stop it (`invoke stop`, if it is this project's), "
        f"or take another port: --port {port + 1}:{port}\n"
    )
    assert containers_of(folder) == []


def test_a_program_that_listens_elsewhere(write: Write) -> None:
    port = free_port()
    folder = write(listener(port))

    outcome = invoke("run", "--detach", "--wait", "1", "--args", f"127.0.0.1:{port}", folder=folder)

    assert outcome.code == 68
    assert "ready\n" in outcome.stderr
    assert outcome.stderr.endswith(
        f"nothing listens on port {port} of the container after 1 s\n"
        "  found: the program runs, but a connection to the port is closed at once\n"
        f"  set by: {folder / 'Cargo.toml'}, line 6 [package.metadata.rustdocker]\n"
        "  hint: let the program listen on 0.0.0.0 (127.0.0.1 is the container's own), "
        "or name the port that it uses\n"
    )
    assert containers_of(folder) == []


def test_no_container_to_show_a_log_of(write: Write) -> None:
    folder = write(crate())

    assert invoke("logs", folder=folder) == Outcome(
        68,
        "",
        f"no container of {folder.name} is there\n"
        "  found: none that `invoke run` started\n"
        "  set by: the engine\n"
        "  hint: start one with `invoke run --detach`\n",
    )


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


SLOW = """
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    std::thread::sleep(std::time::Duration::from_secs(600));
}
"""


@pytest.mark.parametrize("to", ["group", "process"])
def test_ctrl_c_while_cargo_compiles(write: Write, tmp_path_factory: pytest.TempPathFactory, to: str) -> None:
    log = tmp_path_factory.mktemp("log") / "log"
    folder = write(crate(**{"build.rs": SLOW}))
    process = invoke_in_background("build", folder=folder, log=log)
    wait_until(lambda: bool(list(folder.glob("target/release/build/app-*/build-script-build"))))

    (os.killpg if to == "group" else os.kill)(process.pid, signal.SIGINT)

    assert process.wait(30) == 130
    assert "Traceback" not in log.read_text()
    assert partial_files(folder) == []
    wait_until(lambda: not processes_in(folder))


def processes_in(folder: Path) -> list[str]:
    """The processes that work in the folder, by their own word."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink().is_relative_to(folder):
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue
    return found


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_ctrl_c_while_the_program_runs(
    write: Write, tmp_path_factory: pytest.TempPathFactory, number: signal.Signals, code: int
) -> None:
    log = tmp_path_factory.mktemp("log") / "log"
    folder = write(listener(free_port()))
    process = invoke_in_background("run", folder=folder, log=log)
    wait_until(lambda: "answers at" in log.read_text())
    assert len(containers_of(folder)) == 1

    os.kill(process.pid, number)

    assert process.wait(30) == code
    assert "Traceback" not in log.read_text()
    assert containers_of(folder) == []


def test_a_program_that_ignores_sigterm_is_killed_and_the_user_is_told_why(write: Write) -> None:
    port = free_port()
    deaf = listener(port)["src/main.rs"].replace("unsafe { signal(15, end); }", "")
    folder = write({**listener(port), "src/main.rs": deaf})
    assert invoke("run", "--detach", folder=folder).code == 0

    outcome = invoke("stop", folder=folder)

    assert "was killed: as a container's first process a program must handle SIGTERM" in outcome.stderr
    assert containers_of(folder) == []


PANICKING = """
fn main() {
    let _listener = std::net::TcpListener::bind("0.0.0.0:8080").unwrap();
    eprintln!("failing");
    std::process::exit(7);
}
"""


def test_a_service_that_ends_at_once_is_no_running_service(write: Write) -> None:
    port = free_port()
    folder = write({**listener(port), "src/main.rs": PANICKING.replace("8080", str(port))})

    for _ in range(5):
        outcome = invoke("run", "--detach", folder=folder)
        assert (outcome.code, outcome.stdout) == (7, "")
        assert "failing\nthe program ended with exit code 7 before it listened\n" in sorted_end(outcome.stderr)
    assert containers_of(folder) == []


def test_a_service_that_something_else_killed_is_not_told_to_handle_signals(write: Write) -> None:
    program = PANICKING.replace("exit(7)", "exit(137)")
    folder = write({**listener(free_port()), "src/main.rs": program})

    outcome = invoke("run", "--detach", folder=folder)

    assert outcome.code == 137
    assert "SIGTERM" not in outcome.stderr


def sorted_end(text: str) -> str:
    """The last two lines, whichever of the program and the task wrote first."""
    return "\n".join(sorted(text.splitlines()[-2:])) + "\n"


BEFORE_ANY_TASK = 0.12  # seconds, in which Python starts and Invoke is imported


@pytest.mark.parametrize("delay", [n / 20 for n in range(1, 21)])
def test_ctrl_c_at_any_moment(write: Write, tmp_path_factory: pytest.TempPathFactory, delay: float) -> None:
    log = tmp_path_factory.mktemp("log") / "log"
    folder = write(listener(free_port()))
    assert invoke("build", folder=folder).code == 0
    process = invoke_in_background("run", folder=folder, log=log)
    time.sleep(delay)

    os.killpg(process.pid, signal.SIGINT)
    if delay < BEFORE_ANY_TASK:
        # Python itself loses one that falls into a callback of an import: press again, as a user would.
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)

    # Before a task runs it is Python or Invoke that is interrupted, with an exit code of theirs.
    assert process.wait(30) in {130, 1, -signal.SIGINT}, log.read_text()
    time.sleep(0.5)  # what the engine was asked for and nobody waited for would be there by now
    assert containers_of(folder) == []
    assert partial_files(folder) == []


def test_the_program_s_exit_code_is_handed_on(write: Write) -> None:
    folder = write(crate(**{"src/main.rs": 'fn main() { eprintln!("failing"); std::process::exit(7); }\n'}))

    attached = invoke("run", folder=folder)
    detached = invoke("run", "--detach", "--port", f"{free_port()}:80", folder=folder)

    for outcome in (attached, detached):
        assert (outcome.code, outcome.stdout) == (7, "")
        assert "failing\n" in outcome.stderr
    assert containers_of(folder) == []


def test_a_secret_of_the_program_s_environment_is_shown_nowhere(write: Write) -> None:
    files = crate()
    metadata = '[package.metadata.rustdocker]\nenv = { TOKEN = "s3cr3t" }\n'
    folder = write({**files, "Cargo.toml": files["Cargo.toml"] + metadata})

    for words in (("plan",), ("plan", "--json"), ("build", "--json"), ("run",), ("run", "--port", "x")):
        outcome = invoke(*words, folder=folder)
        assert "s3cr3t" not in outcome.stdout + outcome.stderr
