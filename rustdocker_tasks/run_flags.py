"""The flags of `run`, as docker has them -> a request to the engine. Pure: the environment is an argument."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from rustdocker_tasks.engine.addresses import EVERYWHERE
from rustdocker_tasks.engine.request import PublishedPort
from rustdocker_tasks.errors import BadFlag
from rustdocker_tasks.image_config import Port, parse_env_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_LONGEST_WAIT = 86_400
_MEMORY = re.compile("(?P<number>[0-9]{1,15})(?P<unit>[kKmMgG]?)i?[bB]?")
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
_LEAST_MEMORY = 6 * 2**20  # bytes; docker refuses less
_MOST_MEMORY = 2**50
_PUBLISHED = re.compile(
    r"(?:(?P<address>\[[0-9a-fA-F:]+\]|[0-9]+(?:\.[0-9]+){3}):)?(?:(?P<host>[0-9]*):)?(?P<container>[0-9]+(?:/[a-z]+)?)"
)


def published_ports(
    flags: Sequence[str], *, exposed: Iterable[Port], exposed_set_by: str
) -> tuple[PublishedPort, ...]:
    """Return the ports of `--port`; those not named there that the image exposes, at the same number here.

    What is published unasked is for this machine alone; `--port` follows docker, for which it is all addresses.
    """
    asked = [_published(flag) for flag in flags]
    named = {port.container_port for port in asked}
    unasked = [
        PublishedPort(container_port=port, host_address=None, host_port=port.number, set_by=exposed_set_by)
        for port in exposed
        if port not in named
    ]
    return (*asked, *unasked)


def _published(flag: str) -> PublishedPort:
    match = _PUBLISHED.fullmatch(flag)
    if match is None or (match["address"] and match["host"] is None):
        raise BadFlag("--port", value=flag, problem="it is not [address:][port:]container-port", example="8080:80")
    try:
        return PublishedPort(
            container_port=Port(match["container"]),
            host_address=(match["address"] or EVERYWHERE).strip("[]"),
            host_port=Port(match["host"]).number if match["host"] else None,
            set_by=f"--port {flag}",
        )
    except ValueError as error:
        raise BadFlag("--port", value=flag, problem=str(error), example="8080:80") from error


def container_environment(
    flags: Sequence[str], files: Mapping[str, str], *, environment: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables of `--env-file` (text by path) and `--env`, of which the latter win.

    `NAME` alone takes the value from `environment`, and is left out where that has none, as docker does.
    """
    lines = [
        (f"--env-file {path}, line {number}", line, _file_name)
        for path, text in files.items()
        for number, line in _env_lines(text)
    ]
    found = {}
    for flag, entry, parse_name in [*lines, *(("--env", entry, parse_env_name) for entry in flags)]:
        name, equals, value = entry.partition("=")
        try:
            parse_name(name)
        except ValueError as error:
            # Without its name an entry may be nothing but a secret: say where it is, not what it is.
            value = "an entry without a name" if not name else "an entry"
            raise BadFlag(flag, value=value, problem=str(error), example="NAME=value") from error
        if equals:
            found[name] = value
        elif name in environment:
            found[name] = environment[name]
    return found


def _file_name(text: str) -> str:
    """Return `text` if it can name a variable in a file, where docker lets it have no blank, else ValueError."""
    if any(map(str.isspace, text)):
        message = "its name holds a blank; a file of variables is no script of a shell"
        raise ValueError(message)
    return parse_env_name(text)


def _env_lines(text: str) -> list[tuple[int, str]]:
    lines = enumerate((line.lstrip() for line in text.splitlines()), start=1)
    return [(number, line) for number, line in lines if line and not line.startswith("#")]


def volumes(flags: Sequence[str], *, folder: Path) -> tuple[str, ...]:
    """Return docker's binds. A source that starts with `.` or `~` is a path of this machine."""
    return tuple(_volume(flag, folder) for flag in flags)


def _volume(flag: str, folder: Path) -> str:
    source, colon, rest = flag.partition(":")
    if not source or not colon or not rest.startswith("/"):
        raise BadFlag(
            "--volume", value=flag, problem="it is not source:/path/in/container[:ro]", example="./data:/data"
        )
    if source.startswith((".", "~")):
        source = str((folder / Path(source).expanduser()).resolve())
    return f"{source}:{rest}"


def seconds_to_wait(flag: str) -> int:
    """Return how long the program has to listen, in seconds, at least one."""
    if not (flag.isascii() and flag.isdigit() and 0 < int(flag) <= _LONGEST_WAIT):
        problem = f"it is no number of seconds from 1 to {_LONGEST_WAIT}"
        raise BadFlag("--wait", value=flag, problem=problem, example="--wait 60")
    return int(flag)


def memory_limit(flag: str) -> int:
    """Return a number of bytes, as docker and Kubernetes write them: 64M, 512Mi, 1g."""
    match = _MEMORY.fullmatch(flag)
    memory = int(match["number"]) * _UNITS[match["unit"].lower()] if match else 0
    if not _LEAST_MEMORY <= memory <= _MOST_MEMORY:
        problem = "it is no number of bytes from 6M on, such as 256M or 1G"
        raise BadFlag("--memory", value=flag, problem=problem, example="--memory 512M")
    return memory


def program_arguments(flag: str | None, remainder: str) -> tuple[str, ...] | None:
    """Return the words of `--args` and of what follows `--`; None if neither is given."""
    if flag is None and not remainder:
        return None
    try:
        return (*shlex.split(flag or ""), *shlex.split(remainder))
    except ValueError as error:
        problem = f"its quotes do not match ({error})"
        raise BadFlag(
            "--args", value=flag or remainder, problem=problem, example="'--name \"two words\"'"
        ) from error
