"""A way to a real server that breaks off in the middle."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path


def reach(address: str) -> socket.socket:
    """Return a connection to an engine, such as `unix:///var/run/docker.sock`."""
    made = socket.socket(socket.AF_UNIX)
    made.connect(address.removeprefix("unix://"))
    return made


@contextmanager
def breaking_relay(server: socket.socket, connect: Callable[[], socket.socket], *, after: int) -> Iterator[None]:
    """Hand connections to `server` on to what `connect` reaches; break each off after so many bytes sent to it."""

    def serve(client: socket.socket) -> None:
        with client, connect() as real:
            back = threading.Thread(target=_forward, args=(real, client, float("inf")), daemon=True)
            back.start()
            _forward(client, real, after)
            back.join()

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    with server:
        server.listen()
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield
        finally:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)


@contextmanager
def breaking_engine(host: str, place: Path, *, after: int) -> Iterator[str]:
    """A real engine, behind a socket that breaks off after so many bytes of one connection; give its address."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(place))
    with breaking_relay(server, partial(reach, host), after=after):
        yield f"unix://{place}"


def _forward(source: socket.socket, sink: socket.socket, limit: float) -> None:
    passed = 0
    with suppress(OSError):
        while passed < limit and (data := source.recv(65_536)):
            sink.sendall(data)
            passed += len(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
