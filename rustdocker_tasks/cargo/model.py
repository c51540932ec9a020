"""What a Cargo project is to us: plain frozen data, read by `project.py`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class TargetKind(Enum):
    """What a target is; the value is cargo's word for it, a library's own are its crate types."""

    LIBRARY = "lib"
    BINARY = "bin"
    EXAMPLE = "example"
    TEST = "test"
    BENCHMARK = "bench"
    BUILD_SCRIPT = "custom-build"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What cargo can compile of a package."""

    name: str
    kind: TargetKind
    path: Path  # of its crate root; it need not be there
    crate_types: tuple[str, ...]
    edition: str
    required_features: tuple[str, ...] = ()


class DependencyKind(Enum):
    """For what a dependency is needed."""

    NORMAL = "normal"
    DEVELOPMENT = "dev"
    BUILD = "build"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """A dependency as the manifest declares it, inheritance done.

    It is a path's, a repository's (`git`) or a registry's. `requirement` is the version asked for, None for any.
    """

    name: str  # in the manifest; crates are renamed by `package`
    package: str
    kind: DependencyKind
    condition: str | None  # the platform: a triple or `cfg(…)`; None: always
    requirement: str | None
    path: Path | None = None
    git: str | None = None
    registry: str | None = None  # None: crates.io
    features: tuple[str, ...] = ()
    default_features: bool = True
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a manifest tells people of a package."""

    authors: tuple[str, ...] = ()
    description: str | None = None
    homepage: str | None = None
    documentation: str | None = None
    repository: str | None = None
    license: str | None = None
    license_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    name: str
    version: str
    manifest: Path
    edition: str
    rust_version: str | None
    targets: tuple[Target, ...]
    features: Mapping[str, tuple[str, ...]]  # as written, without those that optional dependencies imply
    dependencies: tuple[Dependency, ...]
    default_run: str | None
    links: str | None
    about: About
    metadata: object  # [package.metadata], as written; None if there is none
    text: str  # of the manifest: only there can be seen on which line something stands

    @property
    def folder(self) -> Path:
        return self.manifest.parent

    @property
    def binaries(self) -> tuple[Target, ...]:
        return tuple(target for target in self.targets if target.kind is TargetKind.BINARY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A workspace, or a package alone, which is a workspace of one."""

    root: Path  # the folder of the workspace's Cargo.toml
    members: tuple[Package, ...]
    default_members: tuple[Package, ...]  # what is meant where the search began, in a member that one alone
    profiles: frozenset[str]  # cargo's own, and those of the root's Cargo.toml
    patches: tuple[Path, ...]  # the folders that [patch] and [replace] name
    metadata: object  # [workspace.metadata], as written; None if there is none
    text: str  # of the root's manifest
    locked_packages: frozenset[str] | None  # the names in Cargo.lock, None if there is none
