"""What an engine answers on a socket of this machine, against servers that answer otherwise."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from rustdocker_tasks.engine.local_socket import ask_version

PING = b"HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nOstype: linux\r\nContent-Length: 2\r\n\r\nOK"


@contextmanager
def served(answer: bytes) -> Iterator[str]:
    """A socket whose server gives one answer; a test's own folder has too long a name for one."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        path = Path(folder, "docker.sock")
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        yield f"unix://{path}"
        thread.join()


def test_the_version_is_that_of_the_engine_that_docker_host_names() -> None:
    with served(PING) as address:
        assert ask_version({"DOCKER_HOST": address, "DOCKER_CONTEXT": "other"}) == "1.51"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 503 no\r\nApi-Version: 1.51\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nOK",
        b"HTTP/1.1 200 OK\r\nApi-Version: latest\r\n\r\n",
        b"\xff\xff",
    ],
)
def test_another_answer_than_an_engine_s_is_none(answer: bytes) -> None:
    with served(answer) as address:
        assert ask_version({"DOCKER_HOST": address}) is None


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "ssh://docker@host", "unix:///nowhere/docker.sock"])
def test_what_no_socket_of_this_machine_answers_is_left_to_the_sdk(address: str) -> None:
    assert ask_version({"DOCKER_HOST": address}) is None


def test_a_context_of_docker_s_is_left_to_the_sdk(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"currentContext": "elsewhere"}')
    assert ask_version({"DOCKER_CONFIG": str(tmp_path)}) is None
    assert ask_version({"DOCKER_CONTEXT": "elsewhere", "HOME": str(tmp_path)}) is None
