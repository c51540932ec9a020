"""What an engine of this very machine answers first.

It is asked without the docker SDK, which takes a tenth of a second to import, and is imported while buildx works.
"""

from __future__ import annotations

import json
import re
import socket
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from rustdocker_tasks.home import home

if TYPE_CHECKING:
    from collections.abc import Mapping

_USUAL = "unix:///var/run/docker.sock"
_SCHEME = "unix://"
_SECONDS_TO_ANSWER = 5
_PING = b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n"
_VERSION = "api-version"
_NUMBERS = re.compile(r"[0-9]+\.[0-9]+")
_LONGEST = 65_536  # bytes


def ask_version(environment: Mapping[str, str]) -> str | None:
    """Return the version of the API, such as `1.51`, of the engine that docker would take.

    None where it is not reached by a socket of this machine, or does not answer as one does: the SDK knows other
    ways, and what is wrong. Source: the Docker Engine API, "SystemPing".
    """
    address = _address(environment)
    return _ask(address.removeprefix(_SCHEME)) if address.startswith(_SCHEME) else None


@cache
def _ask(path: str) -> str | None:
    """Return what the engine behind a socket answers: it is asked once for all programs of a workspace."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_SECONDS_TO_ANSWER)
            connection.connect(path)
            connection.sendall(_PING)
            answer = _read_all(connection)
    except OSError:
        return None
    status, *headers = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    found = dict(header.lower().split(": ", 1) for header in headers if ": " in header)
    version = found.get(_VERSION, "")
    return version if " 200 " in status and _NUMBERS.fullmatch(version) else None


def _address(environment: Mapping[str, str]) -> str:
    """Return where the engine is reached, an empty text where a context says it."""
    if host := environment.get("DOCKER_HOST"):
        return host
    folder = Path(environment.get("DOCKER_CONFIG") or home() / ".docker")
    try:
        named = json.loads((folder / "config.json").read_bytes()).get("currentContext")
    except (OSError, ValueError, AttributeError):
        named = None
    return "" if environment.get("DOCKER_CONTEXT") or named else _USUAL


def _read_all(connection: socket.socket) -> bytes:
    answer, end = b"", time.monotonic() + _SECONDS_TO_ANSWER
    while len(answer) < _LONGEST and time.monotonic() < end and (more := connection.recv(_LONGEST)):
        answer += more
    return answer
