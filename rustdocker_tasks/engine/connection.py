"""Reaching the engine that the user's docker speaks to."""

from __future__ import annotations

import os
import re
from functools import cache

from rustdocker_tasks.engine.daemon import Daemon
from rustdocker_tasks.errors import NoEngine

_SECONDS_TO_ANSWER = 600  # loading a large image into a busy engine takes minutes
# What decides which engine it is, and how it is reached.
_VARIABLES = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "HOME")


def connect() -> Daemon:
    """Return the engine that DOCKER_HOST or docker's current context names; raises NoEngine."""
    return _connect(tuple(os.environ.get(name) for name in _VARIABLES))


@cache
def _connect(_: tuple[str | None, ...]) -> Daemon:
    import docker.errors

    variable = next((name for name in ("DOCKER_HOST", "DOCKER_CONTEXT") if os.environ.get(name)), None)
    try:
        _require_context()
        client = docker.from_env(timeout=_SECONDS_TO_ANSWER)
        client.ping()
    except (docker.errors.DockerException, OSError, ValueError) as error:
        raise NoEngine(
            address=_without_user(os.environ[variable]) if variable else "the engine of docker's current context",
            problem=_without_user(_reason(error)),
            set_by=variable or "docker's own default",
        ) from error
    return Daemon(client)


def _require_context() -> None:
    """Refuse a DOCKER_CONTEXT that is not there: the SDK would take the default engine instead."""
    import docker.errors
    from docker.context import ContextAPI

    name = os.environ.get("DOCKER_CONTEXT")
    if name and not os.environ.get("DOCKER_HOST") and ContextAPI.get_context(name) is None:
        message = "docker has no context of this name"
        raise docker.errors.DockerException(message)


def _reason(error: BaseException) -> str:
    """The innermost cause: the SDK wraps it in three layers of its own words."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    if isinstance(error, NameError):
        return "an ssh address needs another package: `pip install 'docker[ssh]'`"
    return getattr(error, "strerror", None) or str(error)


def _without_user(address: str) -> str:
    """The address without user and password, which belong in no message."""
    return re.sub(r"(?<=//)[^/]*@", "", address)
