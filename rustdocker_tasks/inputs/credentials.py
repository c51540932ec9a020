"""What this machine shows to registries and git servers: read here, for the secrets of a build and nobody else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from subprocess import CalledProcessError
from typing import TYPE_CHECKING

import tomli

from rustdocker_tasks.cargo.surroundings import cargo_home
from rustdocker_tasks.plan.secrets import GitCredential, RegistryToken
from rustdocker_tasks.process import read_output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rustdocker_tasks.plan.secrets import Secret

# Of two, cargo takes the first. Source: the Cargo book, "Registry Authentication".
_FILES = ("credentials", "credentials.toml")


def find_credentials(secrets: Iterable[Secret]) -> dict[str, str]:
    """Return the contents of the secrets that are known here, by their IDs."""
    found = {secret.id: _value(secret) for secret in secrets}
    return {identity: value for identity, value in found.items() if value}


def find_known_hosts() -> Path | None:
    """Return the user's list of ssh servers, None if there is none."""
    path = Path.home() / ".ssh" / "known_hosts"
    return path if path.is_file() else None


def _value(secret: Secret) -> str | None:
    match secret:
        case RegistryToken():
            return os.environ.get(secret.variable) or _from_file(secret.registry)
        case GitCredential():
            return _from_git(secret.server)


def _from_file(registry: str) -> str | None:
    for name in _FILES:
        path = cargo_home() / name
        if path.is_file():
            try:
                token = tomli.loads(path.read_text(encoding="utf-8"))["registries"][registry]["token"]
            except (OSError, ValueError, KeyError, TypeError):
                return None  # cargo will say what is wrong with its file
            return str(token)
    return None


def _from_git(server: str) -> str | None:
    """Ask git, and so its helpers, without a question to the user; the first line is the server.

    Source: git-credential(1).
    """
    if shutil.which("git") is None:
        return None
    scheme, _, host = server.partition("://")
    silent = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "SSH_ASKPASS": "true"}
    try:
        answer = read_output(
            ("git", "-c", "credential.interactive=false", "credential", "fill"),
            environment={**os.environ, **silent},
            given=f"protocol={scheme}\nhost={host}\n\n",
            quiet=True,
        )
    except CalledProcessError:
        return None
    told = dict(line.split("=", 1) for line in answer.splitlines() if "=" in line)
    if not told.get("password"):
        return None
    return f"{server}\nusername={told.get('username', '')}\npassword={told['password']}\n"
