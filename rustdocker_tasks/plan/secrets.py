"""Which secrets a build in containers needs to fetch dependencies: their names, never their values. Pure."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rustdocker_tasks.cargo.model import Project

# Source: the Cargo book, "Environment Variables" and "Registry Authentication".
_NAME = re.compile("[A-Za-z0-9_-]+")
_GIT = re.compile(r"git\+(?P<scheme>https?)://(?:[^@/]*@)?(?P<host>[^/?#]+)(?P<path>[^?#]*)")


class RegistryToken(Frozen, frozen=True):
    """What cargo shows to a registry, known by the name that cargo's configuration gives it."""

    registry: str

    @property
    def id(self) -> str:
        """The name of the secret's mount."""
        return f"registry-{self.registry}"

    @property
    def variable(self) -> str:
        return f"CARGO_REGISTRIES_{self.registry.upper().replace('-', '_')}_TOKEN"


class GitCredential(Frozen, frozen=True):
    """What git shows to a server, such as `https://github.com`, for repositories at these addresses."""

    server: str
    addresses: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"git-{sha256(self.server.encode()).hexdigest()[:16]}"


Secret = RegistryToken | GitCredential


def secrets_of(project: Project) -> tuple[Secret, ...]:
    """Return the secrets that a build may need: of the registries and the git servers that the project names."""
    tokens = (RegistryToken(name) for name in sorted(project.own_config.registries) if _NAME.fullmatch(name))
    servers: dict[str, dict[str, None]] = {}
    for match in filter(None, map(_GIT.match, _sources(project))):
        server = f"{match['scheme']}://{match['host']}"
        servers.setdefault(server, {})[f"{server}{match['path']}"] = None
    return (*tokens, *(GitCredential(server, tuple(servers[server])) for server in sorted(servers)))


def _sources(project: Project) -> Iterator[str]:
    """The repositories of dependencies, and those that are the indexes of registries."""
    yield from (package.id.source or "" for package in (project.lock.packages if project.lock else ()))
    # Cargo.lock may be missing, or out of date.
    yield from (f"git+{each.git}" for package in project.members for each in package.dependencies if each.git)
    yield from (f"git+{index}" for index in project.own_config.registries.values())


def needs_ssh(project: Project) -> bool:
    """Return whether a dependency is in a repository that is reached over ssh, with the user's agent."""
    return any(source.startswith("git+ssh://") for source in _sources(project))
