"""`check`: the image started where nothing is granted."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from functools import partial
from pathlib import Path

import docker
import psutil
import pytest

from tasks.lab.engine import HOST
from tests.conftest import REPOSITORY, Outcome, Write, crate, invoke
from tests.engine.conftest import Built
from tests.engine.relay import breaking_relay, reach

pytestmark = pytest.mark.engine

# What a process may do, and whether it can write where.
TOLD = r"""fn main() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    for line in status.lines().filter(|line| line.starts_with("CapEff") || line.starts_with("NoNewPrivs")) {
        eprintln!("{line}");
    }
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max")
        .or_else(|_| std::fs::read_to_string("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
    eprintln!("memory {}", limit.unwrap().trim());
    for folder in ["/tmp", "/", "/data"] {
        eprintln!("{folder} {}", std::fs::write(format!("{folder}/probe"), "x").is_ok());
    }
}
"""
LISTENS = """fn main() {
    let listening = std::net::TcpListener::bind("0.0.0.0:8080").unwrap();
    for each in listening.incoming() { std::mem::forget(each); }
}
"""


def check(folder: Path, *words: str, **settings: str) -> Outcome:
    return invoke("check", *words, folder=folder, **settings)


def containers(engine: docker.DockerClient) -> list[str]:
    return [str(each.name) for each in engine.containers.list(all=True)]


def test_a_service_on_an_engine_of_another_machine_is_reached_there(write: Write) -> None:
    folder = write(crate("elsewhere", **{"src/main.rs": LISTENS}))
    own = [
        each.address for found in psutil.net_if_addrs().values() for each in found if each.family == socket.AF_INET
    ]
    here = next(each for each in own if not each.startswith("127."))
    server = socket.create_server((here, 0))
    address = f"tcp://{here}:{server.getsockname()[1]}"
    with breaking_relay(server, partial(reach, HOST), after=sys.maxsize):
        done = check(folder, "--wait=5", RUSTDOCKER_EXPOSE="[8080]", DOCKER_HOST=address)

    assert done.result.startswith("ok: it listens on 8080 after ")


def test_nothing_is_granted(write: Write) -> None:
    folder = write(crate("granted-nothing", **{"src/main.rs": TOLD}))

    done = check(folder, "--memory=64M", RUSTDOCKER_VOLUMES='["/data"]')

    assert done.result.startswith("ok: it ended with exit code 0 after ")
    for line in (
        "NoNewPrivs:\t1",
        "CapEff:\t0000000000000000",
        f"memory {64 * 2**20}",
        "/tmp true",
        "/ false",
        "/data true",
    ):
        assert line in done.stderr.splitlines()


@pytest.mark.alone
def test_a_service_listens(web: Built, engine: docker.DockerClient) -> None:
    others = containers(engine)  # such as the one that the README's demo leaves
    done = check(web.folder, "--json")

    told = json.loads(done.result)
    assert (told["listens"], told["exit_code"]) == (["8080/tcp"], None)
    assert not [name for name in containers(engine) if name.startswith("my-rust-app-") and name not in others]


def test_the_tool_among_the_examples_ends_well(tmp_path: Path) -> None:
    folder = shutil.copytree(
        REPOSITORY / "examples/hello", tmp_path / "hello", ignore=shutil.ignore_patterns("target")
    )

    assert check(folder).result.startswith("ok: it ended with exit code 0 after ")


@pytest.mark.alone
@pytest.mark.parametrize(
    ("main", "settings", "found"),
    [
        ("fn main() { std::process::exit(3); }", {}, "it ended with exit code 3"),
        ("fn main() {}", {"RUSTDOCKER_EXPOSE": "[8080]"}, "it ended with exit code 0 before it listened"),
        (
            LISTENS.replace("0.0.0.0", "127.0.0.1"),
            {"RUSTDOCKER_EXPOSE": "[8080]"},
            "nothing listens on port 8080 of the container after 2 s",
        ),
        (
            'fn main() { println!("before"); std::fs::write("/state", "x").unwrap(); }',
            {},
            "it ended with exit code 101",
        ),
    ],
    ids=["exit code", "ends", "loopback", "writes"],
)
def test_a_program_that_does_not_work_is_told_with_its_log(
    write: Write, engine: docker.DockerClient, main: str, settings: dict[str, str], found: str
) -> None:
    done = check(write(crate("does-not-work", **{"src/main.rs": main})), "--wait=2", **settings)

    assert (done.code, done.stdout) == (67, "")
    assert f"does-not-work:0.1.0 does not work where nothing is granted\n  found: {found}\n" in done.stderr
    assert ("Read-only file system" in done.stderr) == ("/state" in main)
    assert ("before" in done.stderr.splitlines()) == ("/state" in main)
    assert not [name for name in containers(engine) if name.startswith("does-not-work-")]


def test_a_program_without_ports_may_go_on_and_is_given_arguments(write: Write) -> None:
    main = """fn main() {
    eprintln!("{:?} {:?}", std::env::args().nth(1), std::env::var("MODE"));
    loop { std::thread::sleep(std::time::Duration::from_secs(60)); }
}
"""
    done = check(write(crate("goes-on", **{"src/main.rs": main})), "--wait=1", "--args=--serve", "--env=MODE=fast")

    assert done.result.startswith("ok: it still runs after 1.")
    assert 'Some("--serve") Ok("fast")' in done.stderr.splitlines()


# Healthy once it has been up for a while: the first answers are no.
SLOWLY_HEALTHY = """fn main() {
    let ready = std::path::Path::new("/tmp/ready");
    if std::env::args().nth(1).as_deref() == Some("--healthy") {
        std::process::exit(if ready.exists() { 0 } else { println!("too early"); 3 });
    }
    std::thread::sleep(std::time::Duration::from_millis(2500));
    LAST
    loop { std::thread::sleep(std::time::Duration::from_secs(60)); }
}
"""


def healthcheck(*command: str) -> dict[str, str]:
    words = ", ".join(f'"{word}"' for word in command)
    return {"RUSTDOCKER_HEALTHCHECK": f'{{ command = [{words}], interval = "1h", start-period = "1h" }}'}


def test_a_healthcheck_is_waited_for(write: Write) -> None:
    main = SLOWLY_HEALTHY.replace("LAST", "std::fs::write(ready, [0]).unwrap();")
    folder = write(crate("slowly", **{"src/main.rs": main}))

    done = check(folder, "--json", **healthcheck("/usr/local/bin/slowly", "--healthy"))

    told = json.loads(done.result)
    assert (told["is_healthy"], told["exit_code"]) == (True, None)
    assert 2.5 < told["seconds"] < 10  # far from its own interval


@pytest.mark.parametrize(
    ("last", "command", "found"),
    [
        ("", ["/usr/local/bin/unwell", "--healthy"], "did not succeed within 4 s: exit code 3: too early\n"),
        ("", ["curl", "--fail", "http://127.0.0.1:8080"], '"curl": executable file not found in $PATH'),
        ("std::process::exit(0);", ["/usr/local/bin/unwell", "--healthy"], "code 0 before it was healthy\n"),
    ],
    ids=["unhealthy", "no such program", "ends"],
)
def test_a_healthcheck_that_does_not_succeed_is_told(
    write: Write, last: str, command: list[str], found: str
) -> None:
    folder = write(crate("unwell", **{"src/main.rs": SLOWLY_HEALTHY.replace("LAST", last)}))

    done = check(folder, "--wait=4", **healthcheck(*command))

    assert (done.code, done.stdout) == (67, "")
    assert found in done.stderr


def test_a_memory_that_is_none_is_refused_before_anything_is_built(write: Write) -> None:
    done = check(write(crate("no-memory")), "--memory=lots")

    assert done.code == 64
    assert "Compiling" not in done.stderr
