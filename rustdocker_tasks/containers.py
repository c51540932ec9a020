"""Run, stop and show the containers of a project."""

from __future__ import annotations

import re
import sys
import time
from contextlib import contextmanager
from secrets import token_hex
from threading import Timer
from typing import TYPE_CHECKING

from rustdocker_tasks.engine.probe import is_listening
from rustdocker_tasks.engine.request import Verdict
from rustdocker_tasks.errors import NoContainer, NotHealthy, NotListening

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rustdocker_tasks.engine.daemon import Daemon
    from rustdocker_tasks.engine.request import HealthProbe, Running, RunRequest
    from rustdocker_tasks.progress import Say

_SECONDS_BETWEEN_PROBES = 0.05
_SECONDS_TO_END = 1
# A command-line tool has ended by then.
_SECONDS_TO_WONDER = 3
_UNREACHED = "no port of it is published: if it is a server, name its port, such as `expose = [8080]`"
_KILLED = 137  # 128 + SIGKILL
_ROOT_LABEL = "rustdocker.root"
_PACKAGE_LABEL = "rustdocker.package"
_NAME_LABEL = "rustdocker.name"


def labels_of(root: Path, *, package: str | None, name: str | None) -> dict[str, str]:
    """Return the labels of a project's containers; with a package or a program only those of it."""
    chosen = {_PACKAGE_LABEL: package, _NAME_LABEL: name}
    return {_ROOT_LABEL: str(root), **{label: value for label, value in chosen.items() if value}}


def container_name(program: str) -> str:
    """Return a name that is free; chosen by us, since an interrupted start must be undone by it."""
    allowed = re.sub(r"[^a-zA-Z0-9_.-]", "-", program).lstrip("_.-")
    return f"{allowed or 'app'}-{token_hex(4)}"


def run_attached(engine: Daemon, request: RunRequest, *, wait_seconds: int, say: Say) -> int:
    """Run the container in front of the user and return its program's exit code.

    Its output goes to stdout and stderr. It is stopped and removed whatever happens.
    """
    try:
        engine.create(request)
        join = engine.stream_output(request.name, out=sys.stdout.buffer, err=sys.stderr.buffer)
        running = engine.start(request)
        try:
            _wait_until_listening(engine, running, request, wait_seconds, say)
        except NotListening as error:
            say(str(error))  # it may be slow, and the user is looking on
        with _told_if_unreached(request, say):
            code = engine.wait(running.name)
        join()
    except KeyboardInterrupt:
        say("stopping the container; Ctrl-C again kills it")
        raise
    finally:
        _remove(engine, request.name, say)
    return code


@contextmanager
def _told_if_unreached(request: RunRequest, say: Say) -> Iterator[None]:
    """Say that no port is published, if there is none and the program goes on."""
    timer = Timer(_SECONDS_TO_WONDER, say, [_UNREACHED])
    timer.daemon = True
    if not request.ports:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def check_container(engine: Daemon, request: RunRequest, *, wait_seconds: int, say: Say) -> Verdict:
    """Start the container, and return what it did until it listened on all its ports, ended, or the time was over.

    Where the request has a healthcheck, that is to succeed in the same time. Its log goes to stderr, and it is
    removed whatever happens.
    """
    began = time.monotonic()
    code: int | None = None
    problem: NotListening | NotHealthy | None = None
    try:
        engine.create(request)
        running = engine.start(request)
        try:
            if request.waits_for_ports:
                code = _wait_until_listening(engine, running, request, wait_seconds, say)
            elif request.health is None:
                code = _wait_for_end(engine, running, wait_seconds)
            if code is None and request.health is not None:
                code = _wait_until_healthy(engine, request.name, request.health, began, wait_seconds)
        except (NotListening, NotHealthy) as error:
            problem = error
        finally:
            engine.stream_log(request.name, follow=False, out=sys.stderr.buffer, err=sys.stderr.buffer)()
        seconds = time.monotonic() - began
        listens = () if code is not None or problem else tuple(running.addresses)
        is_healthy = None if request.health is None else code is None and problem is None
        return Verdict(listens=listens, exit_code=code, is_healthy=is_healthy, problem=problem, seconds=seconds)
    finally:
        # Nobody waits for what it would do at its end.
        engine.remove(request.name, seconds=_SECONDS_TO_END)


def _wait_for_end(engine: Daemon, running: Running, seconds: int) -> int | None:
    """Return the program's exit code, None if it still runs after that time."""
    deadline = time.monotonic() + seconds
    while (code := engine.exit_code(running.name)) is None and time.monotonic() < deadline:
        time.sleep(_SECONDS_BETWEEN_PROBES)
    return code


def _wait_until_healthy(engine: Daemon, name: str, probe: HealthProbe, began: float, seconds: int) -> int | None:
    """Return None once the healthcheck has succeeded, the program's exit code if it ended before."""
    while True:
        health, code = engine.health(name), engine.exit_code(name)
        if code is not None or health.succeeds:
            return code
        if time.monotonic() > began + seconds:
            found = health.told or "it has not ended yet"
            raise NotHealthy(probe.command, seconds=seconds, found=found, set_by=probe.set_by)
        time.sleep(_SECONDS_BETWEEN_PROBES)


def run_detached(engine: Daemon, request: RunRequest, *, wait_seconds: int, say: Say) -> tuple[str, int | None]:
    """Start the container, wait until its program listens or ends, and return its ID and exit code.

    The exit code is None while the program runs. One that has ended, or that does not listen in time, is
    removed, and its log goes to stderr. Without a TCP port there is nothing to wait for.
    """
    keep = False
    try:
        engine.create(request)
        running = engine.start(request)
        if not request.waits_for_ports:
            keep = True
            if not request.ports:
                say(_UNREACHED)
            return running.identity, None
        try:
            code = _wait_until_listening(engine, running, request, wait_seconds, say)
            keep = code is None
            if code is not None:
                say(f"the program ended with exit code {code} before it listened")
        finally:
            if not keep:
                engine.stream_log(running.name, follow=False, out=sys.stderr.buffer, err=sys.stderr.buffer)()
        return running.identity, code
    finally:
        if not keep:
            _remove(engine, request.name, say)


def _remove(engine: Daemon, name: str, say: Say) -> None:
    if engine.remove(name) == _KILLED:
        say(
            f"{name} was killed: as a container's first process a program must handle SIGTERM, or its "
            "`stop-signal`, to end in time"
        )


def _wait_until_listening(
    engine: Daemon, running: Running, request: RunRequest, seconds: int, say: Say
) -> int | None:
    """Return None once the program listens on all its TCP ports, its exit code if it ended before."""
    deadline = time.monotonic() + seconds
    waiting = dict(running.addresses)
    while True:
        waiting = {port: address for port, address in waiting.items() if not is_listening(address)}
        # After the probe: a connection to a program that is about to end may have stayed open for a moment.
        code = engine.exit_code(running.name)
        if code is not None:
            return code
        if not waiting:
            say_addresses(running.addresses, say)
            return None
        if time.monotonic() > deadline:
            ports = [port for port in request.ports if port.container_port in waiting]
            raise NotListening([p.short for p in ports], seconds=seconds, set_by=ports[0].set_by)
        time.sleep(_SECONDS_BETWEEN_PROBES)


def say_addresses(addresses: Mapping[str, tuple[str, int]], say: Say) -> None:
    """Tell where a container's TCP ports can be reached."""
    for port, (host, number) in addresses.items():
        say(f"port {port.removesuffix('/tcp')} of the container answers at {host}:{number}")


def stop_containers(engine: Daemon, labels: Mapping[str, str], *, dry: bool, say: Say) -> None:
    """Stop and remove all containers with these labels; with `dry` only say which."""
    names = engine.find(labels)
    for name in names:
        if dry:
            say(f"would stop and remove {name}")
        else:
            _remove(engine, name, say)
            say(f"stopped and removed {name}")
    if not names:
        say("nothing to stop: no container of this project is there")


def show_log(engine: Daemon, labels: Mapping[str, str], *, follow: bool, what: str, say: Say) -> None:
    """Copy the log of the newest container to stdout and stderr; raises NoContainer."""
    names = engine.find(labels)
    if not names:
        raise NoContainer(what)
    if len(names) > 1:
        say(f"{names[0]} is the newest of {len(names)}; `docker logs` shows the others: {', '.join(names[1:])}")
    engine.stream_log(names[0], follow=follow, out=sys.stdout.buffer, err=sys.stderr.buffer)()
