"""What goes wrong, as a user sees it: the whole text, the exit code, and that nothing is left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import docker
import pytest

from tests.conftest import MANIFEST, Outcome, Write, crate, invoke, invoke_in_background
from tests.engine.conftest import MACHINE_ENGINE, free_port
from tests.engine.relay import breaking_engine

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
DEFECT = """from rustdocker_tasks import collection, pipeline

pipeline.configure = lambda *_, **__: 1 / 0
namespace = collection()
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


def partial_files(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("target/rustdocker/*") if not p.name.startswith("sources-")]


def test_no_cargo_toml(write: Write) -> None:
    folder = write({"tasks.py": crate()["tasks.py"]})

    outcome = invoke("build", folder=folder)

    assert outcome == Outcome(
        65,
        "",
        "there is no Cargo.toml here\n"
        f"  found: none in {folder} or a folder above it\n"
        "  set by: the folder that the task was started in, or the root of collection() or workspace()\n"
        "  hint: change to a Cargo project, make one with `cargo init`, or name another root\n",
    )


def test_broken_toml(write: Write) -> None:
    folder = write(crate(**{"Cargo.toml": "[package\n"}))

    outcome = invoke("build", folder=folder)

    path = folder / "Cargo.toml"
    assert outcome == Outcome(
        65,
        "",
        "Cargo.toml is not valid TOML: Expected ']' at the end of a table declaration\n"
        f"  found: {path}, line 1, column 9\n"
        f"  set by: {path}\n"
        "  hint: mend line 1; `cargo metadata --no-deps` shows the place as cargo sees it\n",
    )


def test_what_nobody_thought_of_is_no_traceback_unless_it_is_asked_for(write: Write) -> None:
    folder = write(crate(**{"tasks.py": DEFECT}))

    outcome = invoke("build", folder=folder)
    command = [sys.executable, "-m", "invoke", "--debug", "build"]
    debug = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    assert outcome == Outcome(
        70,
        "",
        "rustdocker-tasks met something that it does not know how to handle\n"
        "  found: ZeroDivisionError\n"
        "  set by: a defect of rustdocker-tasks, or something odd in the project or on this machine\n"
        "  hint: run again as `invoke --debug …` for the whole story, and report it\n",
    )
    assert "ZeroDivisionError" in debug.stderr
    assert "Traceback" in debug.stderr


def test_a_secret_in_the_engine_s_address_is_shown_nowhere(write: Write) -> None:
    for address in ("tcp://user:s3cr3t@127.0.0.1:1", "tcp://user:s3cr3t@[::1", "s3cr3t://x:s3cr3t@y"):
        outcome = invoke("run", folder=write(crate()), DOCKER_HOST=address)

        assert outcome.code == 68
        assert ":s3cr3t@" not in outcome.stderr


def test_no_binary(write: Write) -> None:
    folder = write({**crate(**{"src/lib.rs": ""})})
    (folder / "src/main.rs").unlink()

    outcome = invoke("build", folder=folder)

    assert outcome == Outcome(
        65,
        "",
        "this project has no binary to put into an image\n"
        f"  found: no src/main.rs, no file in src/bin, no [[bin]] in {folder / 'Cargo.toml'}\n"
        "  set by: Cargo's own rules for binaries\n"
        "  hint: add src/main.rs, or run the task in the package that has one\n",
    )


def several(write: Write) -> Path:
    folder = write(crate("shop", **{"src/bin/server.rs": "fn main() {}", "src/bin/worker.rs": "fn main() {}"}))
    (folder / "src/main.rs").unlink()
    return folder


def test_several_binaries_and_none_chosen(write: Write) -> None:
    folder = several(write)

    outcome = invoke("build", folder=folder)

    assert outcome == Outcome(
        65,
        "",
        "this project has several binaries and none is chosen\n"
        "  found: `server` (package shop), `worker` (package shop)\n"
        f"  set by: nobody: {folder / 'Cargo.toml'} has no default-run\n"
        '  hint: run again with --bin server, or set default-run = "server" in its [package]; '
        "`rustdocker init` writes a task file that builds all\n",
    )


def test_what_the_hint_says_works(write: Write) -> None:
    assert invoke("build", "--bin", "server", folder=several(write)).result.startswith("sha256:")


def test_no_such_binary(write: Write) -> None:
    outcome = invoke("build", "--bin", "wroker", folder=several(write))

    assert outcome == Outcome(
        65,
        "",
        "there is no binary named `wroker`\n"
        "  found: `server`, `worker`\n"
        "  set by: --bin\n"
        "  hint: run again with --bin worker\n",
    )


def test_bad_port_in_a_flag(write: Write) -> None:
    folder = write(crate())

    outcome = invoke("run", "--port", "8080:http", folder=folder)

    assert outcome == Outcome(
        64,
        "",
        "--port cannot take this value: it is not [address:][port:]container-port\n"
        "  found: 8080:http\n  set by: --port\n  hint: write it like 8080:80\n",
    )
    assert not (folder / "target").exists()


@pytest.mark.parametrize("value", ["abc", "0", "-1", "1.5"])
def test_bad_wait(write: Write, value: str) -> None:
    outcome = invoke("run", f"--wait={value}", folder=write(crate()))

    assert outcome == Outcome(
        64,
        "",
        "--wait cannot take this value: it is no number of seconds from 1 to 86400\n"
        f"  found: {value}\n  set by: --wait\n  hint: write it like --wait 60\n",
    )


def test_settings_of_invoke_s_that_are_no_table(write: Write) -> None:
    outcome = invoke("build", folder=write({**crate(), "invoke.yaml": "rustdocker: 3\n"}))

    assert outcome == Outcome(
        64,
        "",
        "`rustdocker` cannot take this value: it is no table of settings\n"
        "  found: 3\n  set by: Invoke's configuration\n  hint: write it like rustdocker: {expose: [8080]}\n",
    )


@pytest.mark.parametrize("root", ['"one"', "3"])
def test_a_root_that_depends_on_where_invoke_runs_is_refused(write: Write, root: str) -> None:
    tasks = f"from rustdocker_tasks import collection\nns = collection(root={root})\n"

    outcome = invoke("build", folder=write({**crate(), "tasks.py": tasks}))

    assert outcome == Outcome(
        64,
        "",
        "`root` cannot take this value: it is no absolute path\n"
        f"  found: {root.strip(chr(34))}\n  set by: collection(root=…)\n"
        '  hint: write it like Path(__file__).parent / "services/shop"\n',
    )


def test_a_context_of_docker_s_that_is_not_there(write: Write) -> None:
    outcome = invoke("run", folder=write(crate()), DOCKER_CONTEXT="nope")

    assert outcome == Outcome(
        68,
        "",
        "no container engine answers\n"
        "  found: nope: docker has no context of this name\n"
        "  set by: DOCKER_CONTEXT\n"
        "  hint: start it (`sudo systemctl start docker`), or point DOCKER_HOST at one that runs\n",
    )


def test_bad_port_in_cargo_toml(write: Write) -> None:
    files = crate()
    folder = write({**files, "Cargo.toml": files["Cargo.toml"] + EXPOSED.format(80_000)})

    outcome = invoke("build", folder=folder)

    assert outcome == Outcome(
        64,
        "",
        "`expose` cannot take this value: a port is a number from 1 to 65535 - at `expose[0]`\n"
        f"  found: [80000]\n  set by: {folder / 'Cargo.toml'}, line 6 [package.metadata.rustdocker]\n"
        "  hint: write it like [8080]\n",
    )


def test_bad_tag(write: Write) -> None:
    folder = write(crate())

    outcome = invoke("build", "--tag", "My App", folder=folder)

    assert outcome == Outcome(
        64,
        "",
        "`tag` cannot take this value: a tag is a lower-case image name with an optional :tag - at `tag[0]`\n"
        "  found: ['My App']\n  set by: --tag\n"
        '  hint: write it like ["shop:dev", ":{git-sha}"]\n',
    )
    assert not (folder / "target").exists()


def test_unknown_variant(write: Write) -> None:
    outcome = invoke("build", "--variant", "sattic", folder=write(crate()))

    assert outcome == Outcome(
        64,
        "",
        "`variant` cannot take this value: the variants are minimal and static\n"
        '  found: sattic\n  set by: --variant\n  hint: write it like "static"\n',
    )


def test_certificates_that_are_not_there_are_refused_before_anything_is_built(write: Write) -> None:
    folder = write(crate())

    outcome = invoke("build", folder=folder, RUSTDOCKER_CA_CERTIFICATES="gone.pem")

    assert outcome.code == 64
    assert outcome.stderr.endswith(
        "the file that `ca-certificates` names cannot be used: No such file or directory\n"
        f"  found: {folder / 'gone.pem'}\n"
        "  set by: the environment variable RUSTDOCKER_CA_CERTIFICATES\n"
        "  hint: name a file that holds what is asked for; "
        "a relative path starts at the folder of the file that sets it\n"
    )
    assert not (folder / "target").exists()


def test_no_cargo(write: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    empty = tmp_path_factory.mktemp("bin")
    folder = write(crate())

    outcome = invoke("build", folder=folder, PATH=str(empty))

    assert outcome.code == 66
    assert outcome.stderr.endswith(
        "cargo is not installed, or not on PATH\n"
        "  found: no program named `cargo` on PATH\n"
        "  set by: the host backend, which compiles with the local cargo\n"
        "  hint: install Rust with rustup (https://rustup.rs), then open a new shell\n"
    )
    assert not (folder / "target").exists()


def test_a_compile_error_is_shown_in_full_and_once(write: Write) -> None:
    folder = write(crate(**{"src/main.rs": "fn main() { missing(); }\n"}))

    outcome = invoke("build", folder=folder)

    assert outcome.code == 66
    assert outcome.stdout == ""
    assert outcome.stderr.count("error[E0425]: cannot find function `missing` in this scope") == 1
    assert " --> src/main.rs:1:13" in outcome.stderr
    assert outcome.stderr.endswith(
        "`cargo build` failed with exit code 101\n"
        "  found: its message stands above\n"
        "  set by: cargo\n"
        "  hint: mend what it names, then build again\n"
    )
    assert partial_files(folder) == []


def test_a_version_that_the_lock_file_does_not_know_says_what_to_type(write: Write) -> None:
    folder = write(crate())
    assert invoke("build", folder=folder).code == 0
    (folder / "Cargo.toml").write_text((folder / "Cargo.toml").read_text().replace("0.1.0", "0.2.0"))

    refused = invoke("build", folder=folder)
    subprocess.run(["cargo", "update", "--workspace", "--offline"], cwd=folder, check=True, capture_output=True)

    assert refused.code == 65
    assert refused.stderr.endswith(
        "Cargo.lock is not up to date, and is to be used as it is\n"
        f"  found: {folder / 'Cargo.lock'} does not have app 0.2.0\n"
        "  set by: locked: the default\n"
        "  hint: `cargo update --workspace` renews it; `locked = false` lets cargo do so in each build\n"
    )
    assert invoke("build", folder=folder).code == 0


def test_a_lock_file_that_is_out_of_date_is_not_renewed(write: Write) -> None:
    # What a requirement allows is seen by cargo alone.
    manifest = MANIFEST.format(name="app")
    folder = write(crate(**{"Cargo.toml": f'{manifest}[dependencies]\nitoa = "=1.0.14"\n'}))
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=folder, check=True)
    lock = (folder / "Cargo.lock").read_text()
    (folder / "Cargo.toml").write_text(f'{manifest}[dependencies]\nitoa = "=1.0.15"\n')

    outcome = invoke("build", folder=folder)

    assert outcome.code == 66
    hint = "where it says that Cargo.lock needs an update, `cargo update --workspace` makes it"
    assert outcome.stderr.endswith(f"  hint: mend what it names, then build again; {hint}\n")
    assert (folder / "Cargo.lock").read_text() == lock


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
