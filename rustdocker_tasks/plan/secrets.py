"""Which secrets a build in containers needs to fetch dependencies: their names, never their values. Pure."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rustdocker_tasks.cargo.model import Project

# Source: the Cargo book, "Environment Variables" and "Registry Authentication".
_NAME = re.compile("[A-Za-z0-9_-]+")
_INDEX = re.compile("CARGO_REGISTRIES_([A-Z0-9_]+)_INDEX")
_WITH_GIT = "CARGO_NET_GIT_FETCH_WITH_CLI"
# A password, or a name that is as long as a server's tokens: some take one in its place. An organisation's, as in
# Azure's addresses, begins the path too.
_KEYED = re.compile(r"(?:git\+)?https?://(?:[^/@:]*:[^/@]+|(?P<name>[^/@:]{20,}))@[^/]+/(?!(?P=name)/)")
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


def secrets_of(project: Project, environment: Mapping[str, str]) -> tuple[Secret, ...]:
    """Return the secrets that a build may need: of the registries and the git servers that the project names.

    `environment` is cargo's own, which may name registries too.
    """
    names = _registries(project, environment)
    tokens = (RegistryToken(name) for name in sorted(names) if _NAME.fullmatch(name))
    servers: dict[str, dict[str, None]] = {}
    for match in filter(None, map(_GIT.match, _sources(project, environment))):
        server = f"{match['scheme']}://{match['host']}"
        servers.setdefault(server, {})[f"{server}{match['path']}"] = None
    return (*tokens, *(GitCredential(server, tuple(servers[server])) for server in sorted(servers)))


def _registries(project: Project, environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the registries' indexes by name."""
    own = project.own_config.registries
    known = {RegistryToken(name).variable for name in own}
    named = {
        match[1].lower().replace("_", "-"): index
        for variable, index in environment.items()
        if (match := _INDEX.fullmatch(variable))
    }
    return {**own, **{name: index for name, index in named.items() if RegistryToken(name).variable not in known}}


def _sources(project: Project, environment: Mapping[str, str]) -> Iterator[str]:
    """The repositories of dependencies, and those that are the indexes of registries."""
    yield from (package.id.source or "" for package in (project.lock.packages if project.lock else ()))
    # Cargo.lock may be missing, or out of date.
    yield from (f"git+{each.git}" for package in project.members for each in package.dependencies if each.git)
    indexes = _registries(project, environment).values()
    yield from (f"git+{index}" for index in indexes if not index.startswith("sparse+"))


def needs_git(project: Project, environment: Mapping[str, str]) -> bool:
    """Return whether the program git is to fetch a dependency: cargo's own serves where nobody says so."""
    asked = environment.get(_WITH_GIT, str(project.own_config.uses_git)).lower() == "true"
    return asked and any(source.startswith("git+") for source in _sources(project, environment))


def keys_in_addresses(project: Project) -> tuple[str, ...]:
    """Return where an address of a repository holds what opens it: in manifests and in Cargo.lock."""
    declared = (
        f"the address of `{each.name}` in {package.manifest}"
        for package in project.members
        for each in package.dependencies
        if each.git and _KEYED.match(each.git)
    )
    locked = (
        f"the address of `{package.id.name}` in {project.root / 'Cargo.lock'}"
        for package in (project.lock.packages if project.lock else ())
        if _KEYED.match(package.id.source or "")
    )
    return tuple(dict.fromkeys((*declared, *locked)))


def needs_ssh(project: Project, environment: Mapping[str, str]) -> bool:
    """Return whether a dependency is in a repository that is reached over ssh, with the user's agent."""
    return any(source.startswith("git+ssh://") for source in _sources(project, environment))
