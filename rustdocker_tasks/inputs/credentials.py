"""What this machine shows to registries and git servers: read here, for the secrets of a build and nobody else."""

from __future__ import annotations

import os
import re
from subprocess import CalledProcessError
from typing import TYPE_CHECKING
from urllib.parse import unquote

import tomli

from rustdocker_tasks.cargo.surroundings import cargo_home
from rustdocker_tasks.errors import NoCargo
from rustdocker_tasks.home import home
from rustdocker_tasks.plan.secrets import GitCredential, RegistryToken
from rustdocker_tasks.process import read_output

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rustdocker_tasks.plan.secrets import Secret

# Of two, cargo takes the first. Source: the Cargo book, "Registry Authentication".
_FILES = ("credentials", "credentials.toml")
_WITH_PASSWORD = re.compile(r"(?P<scheme>https?)://(?P<user>[^:@/]*):(?P<password>[^@/]+)@(?P<host>[^/?#\s]+)")


def find_credentials(secrets: Iterable[Secret]) -> dict[str, str]:
    """Return the contents of the secrets that are known here, by their IDs."""
    found = {secret.id: _value(secret) for secret in secrets}
    return {identity: value for identity, value in found.items() if value}


def find_known_hosts() -> Path | None:
    """Return the user's list of ssh servers, None if there is none."""
    path = home() / ".ssh" / "known_hosts"
    return path if os.path.isfile(path) else None  # noqa: PTH113 - one that nobody may look at is none


def _value(secret: Secret) -> str | None:
    match secret:
        case RegistryToken():
            return os.environ.get(secret.variable) or _from_file(secret.registry)
        case GitCredential():
            return _from_helper(secret.server) or _from_helper_of_path(secret) or _from_rewriting(secret)


def _from_file(registry: str) -> str | None:
    for name in _FILES:
        path = cargo_home() / name
        if path.is_file():
            try:
                registries = tomli.loads(path.read_text(encoding="utf-8"))["registries"]
                # A variable of cargo's tells neither case nor dashes.
                known = next((name for name in registries if _spelt(name) == _spelt(registry)), registry)
                token = registries[registry if registry in registries else known]["token"]
            except (OSError, ValueError, KeyError, TypeError):
                return None  # cargo will say what is wrong with its file
            return str(token)
    return None


def _spelt(registry: str) -> str:
    return registry.lower().replace("_", "-")


def _from_helper(server: str, path: str = "") -> str | None:
    """Ask git, and so its helpers, without a question to the user. Source: git-credential(1)."""
    scheme, _, host = server.partition("://")
    given = f"protocol={scheme}\nhost={host}\n" + (f"path={path}\n" if path else "")
    answer = _ask_git("-c", "credential.interactive=false", "credential", "fill", given=f"{given}\n")
    told = dict(line.split("=", 1) for line in answer.splitlines() if "=" in line)
    return _answer(server, told.get("username", ""), told.get("password"))


def _from_helper_of_path(secret: GitCredential) -> str | None:
    """Ask for the repositories: a helper may be one of theirs alone, as Azure's is. Source: gitcredentials(7)."""
    # Few have any, and a project may have many repositories.
    names = r"^credential\.(.+\.)?usehttppath$|^credential\..+\.helper$"
    if not _ask_git("config", "--name-only", "--get-regexp", names):
        return None
    paths = (address.removeprefix(secret.server).lstrip("/") for address in secret.addresses)
    return next((found for path in paths if (found := _from_helper(secret.server, path))), None)


def _from_rewriting(secret: GitCredential) -> str | None:
    """Take what `url.<base>.insteadOf` puts into an address, as jobs of CI have it. Source: git-config(1)."""
    # Few have any, and a project may have many repositories.
    rewrites = _ask_git("config", "--name-only", "--get-regexp", r"^url\..*\.insteadof$")
    for address in secret.addresses if rewrites else ():
        match = _WITH_PASSWORD.match(_ask_git("ls-remote", "--get-url", "--", address))
        # A container asks the server that the project names, which another one's password is no business of.
        if match and f"{match['scheme']}://{match['host']}" == secret.server:
            return _answer(secret.server, unquote(match["user"]), unquote(match["password"]))
    return None


def _answer(server: str, user: str, password: str | None) -> str | None:
    """Return what a credential helper answers, after a line with its server."""
    return f"{server}\nusername={user}\npassword={password}\n" if password else None


def _ask_git(*words: str, given: str = "") -> str:
    """Return what git says, nothing where it fails or is not there."""
    silent = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "SSH_ASKPASS": "true"}
    try:
        return read_output(("git", *words), environment={**os.environ, **silent}, given=given, quiet=True)
    except (CalledProcessError, NoCargo):
        return ""
