"""What a Cargo project is to us: plain frozen data, read by `project.py`."""

from __future__ import annotations

import os
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from rustdocker_tasks.frozen import Frozen

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


class Target(Frozen, frozen=True, kw_only=True):
    """What cargo can compile of a package."""

    name: str
    kind: TargetKind
    path: Path  # of its crate root; it need not be there
    crate_types: tuple[str, ...]
    edition: str
    required_features: tuple[str, ...] = ()

    @property
    def place(self) -> Path:
        """The path without `..`."""
        return self.path.joinpath(os.path.normpath(self.path))


class DependencyKind(Enum):
    """For what a dependency is needed."""

    NORMAL = "normal"
    DEVELOPMENT = "dev"
    BUILD = "build"


class Dependency(Frozen, frozen=True, kw_only=True):
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
    git_reference: tuple[str, str] | None = None  # `branch`, `tag` or `rev`, and which
    registry: str | None = None  # its name, or its index's address; None: crates.io
    features: tuple[str, ...] = ()
    default_features: bool = True
    optional: bool = False


class About(Frozen, frozen=True, kw_only=True):
    """What a manifest tells people of a package."""

    authors: tuple[str, ...] = ()
    description: str | None = None
    homepage: str | None = None
    documentation: str | None = None
    repository: str | None = None
    license: str | None = None
    license_file: str | None = None


class Package(Frozen, frozen=True, kw_only=True):
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
    inherited_files: tuple[Path, ...] = ()  # what cargo reads of the workspace that it is a member of

    @property
    def folder(self) -> Path:
        return self.manifest.parent

    @property
    def is_proc_macro(self) -> bool:
        return any("proc-macro" in target.crate_types for target in self.targets)

    @property
    def binaries(self) -> tuple[Target, ...]:
        return tuple(target for target in self.targets if target.kind is TargetKind.BINARY)


class PackageId(NamedTuple):
    """What tells a package from all others."""

    name: str
    version: str
    source: str | None  # as Cargo.lock writes it: `registry+https://…`, `git+https://…#…`; None: a folder


class LockedPackage(Frozen, frozen=True, kw_only=True):
    id: PackageId
    checksum: str | None  # SHA-256 of a registry's archive
    dependencies: tuple[PackageId, ...]  # of every kind, platform and feature


class Lock(Frozen, frozen=True, kw_only=True):
    """What a Cargo.lock says."""

    format: int
    packages: tuple[LockedPackage, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(package.id.name for package in self.packages)


class TargetConfig(Frozen, frozen=True, kw_only=True):
    """What cargo's configuration says of one target triple, or of those that a `cfg(…)` covers."""

    linker: str | None
    rustflags: tuple[str, ...]


class SourceConfig(Frozen, frozen=True, kw_only=True):
    """Another place for a source of packages."""

    replace_with: str | None
    directory: Path | None  # of vendored sources


class CargoConfig(Frozen, frozen=True, kw_only=True):
    """What cargo's configuration files say together; paths are absolute."""

    files: tuple[Path, ...] = ()  # the weakest first
    targets: tuple[str, ...] = ()  # what is compiled for without a flag
    target_dir: Path | None = None
    rustflags: tuple[str, ...] = ()
    rustc_wrapper: str | None = None
    by_target: Mapping[str, TargetConfig] = msgspec.field(default_factory=dict)
    env: Mapping[str, str] = msgspec.field(default_factory=dict)
    registries: Mapping[str, str] = msgspec.field(default_factory=dict)  # the index by name
    uses_git: bool = False  # the program fetches what is in repositories, in place of cargo's own
    sources: Mapping[str, SourceConfig] = msgspec.field(default_factory=dict)
    patches: tuple[Path, ...] = ()  # the folders that [patch] names
    profiles: frozenset[str] = frozenset()
    overrides: tuple[Path, ...] = ()  # the folders that `paths` puts in the place of packages
    named_files: tuple[Path, ...] = ()  # what may be a file or folder that compiling needs; most are neither
    secrets: tuple[str, ...] = ()  # the keys of tokens and passwords, with their files

    @property
    def vendored(self) -> tuple[Path, ...]:
        """The folders of packages that stand for those of a registry or of git."""
        return tuple(source.directory for source in self.sources.values() if source.directory is not None)

    @property
    def package_folders(self) -> tuple[Path, ...]:
        """The folders where packages are taken from, in place of others."""
        return (*self.overrides, *self.vendored)


class ToolchainFile(Frozen, frozen=True, kw_only=True):
    """What a rust-toolchain file asks for: a channel, or a toolchain's folder."""

    path: Path
    channel: str | None
    folder: Path | None = None
    components: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


class Project(Frozen, frozen=True, kw_only=True):
    """A workspace, or a package alone, which is a workspace of one."""

    root: Path  # the folder of the workspace's Cargo.toml
    members: tuple[Package, ...]
    default_members: tuple[Package, ...]  # what is meant where the search began, in a member that one alone
    profiles: frozenset[str]  # cargo's own, and those of the root's Cargo.toml; the configuration has more
    patches: tuple[Path, ...]  # the folders of what takes the place of packages: [patch], [replace] and `paths`
    metadata: object  # [workspace.metadata], as written; None if there is none
    text: str  # of the root's manifest
    lock: Lock | None  # None if there is no Cargo.lock
    resolver: str  # of features: 1, 2 or 3
    config: CargoConfig
    repository: Path  # the folder of the repository around `root`, itself where there is none
    own_config: CargoConfig  # of the files of its repository alone: what a build in containers sees
    unseen_config: tuple[Path, ...]  # the other ones, where they say how something is built
    unread_files: tuple[Path, ...]  # configuration and toolchain files of members: they count in its folder alone
    has_sqlx_data: bool  # what sqlx's macros check queries against where no database answers
    toolchain: ToolchainFile | None  # the nearest, None if there is none

    @property
    def locked_packages(self) -> frozenset[str] | None:
        """The names in Cargo.lock, None if there is none."""
        return self.lock.names if self.lock else None
