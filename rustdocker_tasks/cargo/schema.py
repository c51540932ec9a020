"""What may stand in a Cargo.toml, as cargo types it: the keys that mean something to us.

Unknown keys are no error, as they are none to cargo. Source: cargo, crates/cargo-util-schemas, manifest/mod.rs.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Table(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """A table of a Cargo.toml. A key that is missing is None."""


class Inherited(Table, frozen=True):
    """`key.workspace = true`: the value is the workspace's own."""

    workspace: bool


class PackageTable(Table, frozen=True):
    """[package]."""

    name: str | None = None
    version: str | Inherited | None = None
    edition: str | Inherited | None = None
    rust_version: str | Inherited | None = None
    authors: list[str] | Inherited | None = None
    description: str | Inherited | None = None
    homepage: str | Inherited | None = None
    documentation: str | Inherited | None = None
    repository: str | Inherited | None = None
    license: str | Inherited | None = None
    license_file: str | Inherited | None = None
    readme: str | bool | Inherited | None = None
    keywords: list[str] | Inherited | None = None
    categories: list[str] | Inherited | None = None
    publish: bool | list[str] | Inherited | None = None
    include: list[str] | Inherited | None = None
    exclude: list[str] | Inherited | None = None
    build: str | bool | list[str] | None = None
    links: str | None = None
    default_run: str | None = None
    workspace: str | None = None
    resolver: str | None = None
    autolib: bool | None = None
    autobins: bool | None = None
    autoexamples: bool | None = None
    autotests: bool | None = None
    autobenches: bool | None = None
    metadata: Any = None


class InheritablePackage(Table, frozen=True):
    """[workspace.package]."""

    version: str | None = None
    edition: str | None = None
    rust_version: str | None = None
    authors: list[str] | None = None
    description: str | None = None
    homepage: str | None = None
    documentation: str | None = None
    repository: str | None = None
    license: str | None = None
    license_file: str | None = None
    readme: str | bool | None = None
    keywords: list[str] | None = None
    categories: list[str] | None = None
    publish: bool | list[str] | None = None
    include: list[str] | None = None
    exclude: list[str] | None = None


class DependencyTable(Table, frozen=True):
    """A dependency that is more than a version."""

    workspace: bool | None = None
    version: str | None = None
    path: str | None = None
    git: str | None = None
    branch: str | None = None
    tag: str | None = None
    rev: str | None = None
    registry: str | None = None
    registry_index: str | None = None
    package: str | None = None
    features: list[str] | None = None
    optional: bool | None = None
    default_features: bool | None = None
    default_features_: bool | None = msgspec.field(name="default_features", default=None)


Dependencies = dict[str, str | DependencyTable]


class TargetTable(Table, frozen=True):
    """[lib], and an entry of [[bin]], [[example]], [[test]] and [[bench]]."""

    name: str | None = None
    path: str | None = None
    crate_type: list[str] | None = None
    crate_type_: list[str] | None = msgspec.field(name="crate_type", default=None)
    proc_macro: bool | None = None
    proc_macro_: bool | None = msgspec.field(name="proc_macro", default=None)
    required_features: list[str] | None = None
    edition: str | None = None
    test: bool | None = None
    doctest: bool | None = None
    bench: bool | None = None
    doc: bool | None = None
    harness: bool | None = None


class DependencyTables(Table, frozen=True):
    """The three kinds of dependencies, of a package or of [target.'cfg(…)']."""

    dependencies: Dependencies | None = None
    dev_dependencies: Dependencies | None = None
    dev_dependencies_: Dependencies | None = msgspec.field(name="dev_dependencies", default=None)
    build_dependencies: Dependencies | None = None
    build_dependencies_: Dependencies | None = msgspec.field(name="build_dependencies", default=None)


class WorkspaceTable(Table, frozen=True):
    """[workspace]."""

    members: list[str] | None = None
    default_members: list[str] | None = None
    exclude: list[str] = []
    resolver: str | None = None
    package: InheritablePackage = InheritablePackage()
    dependencies: Dependencies | None = None
    lints: dict[str, dict[str, Any]] | None = None
    metadata: Any = None


class ProfileTable(Table, frozen=True):
    """[profile.…]."""

    inherits: str | None = None
    opt_level: int | str | None = None
    lto: bool | str | None = None
    codegen_units: int | None = None
    debug: bool | int | str | None = None
    strip: bool | str | None = None
    panic: str | None = None
    incremental: bool | None = None
    overflow_checks: bool | None = None
    debug_assertions: bool | None = None
    rpath: bool | None = None
    split_debuginfo: str | None = None


class ManifestTable(DependencyTables, frozen=True):
    """A whole Cargo.toml."""

    package: PackageTable | None = None
    project: PackageTable | None = None
    workspace: WorkspaceTable | None = None
    lib: TargetTable | None = None
    bin: list[TargetTable] | None = None
    example: list[TargetTable] | None = None
    test: list[TargetTable] | None = None
    bench: list[TargetTable] | None = None
    features: dict[str, list[str]] | None = None
    target: dict[str, DependencyTables] | None = None
    profile: dict[str, ProfileTable] | None = None
    patch: dict[str, Dependencies] | None = None
    replace: Dependencies | None = None
    badges: Any = None
    lints: dict[str, Any] | None = None


class LockedEntry(Table, frozen=True):
    """An entry of [[package]] in a Cargo.lock."""

    name: str
    version: str
    source: str | None = None
    checksum: str | None = None
    dependencies: list[str] = []


class LockFile(Table, frozen=True):
    """A whole Cargo.lock; [root] and [metadata] were part of its first version."""

    version: int = 2  # the first two do not say theirs
    package: list[LockedEntry] = []
    root: LockedEntry | None = None
    metadata: dict[str, str] = {}


class BuildConfig(Table, frozen=True):
    """[build] of a configuration file."""

    target: str | list[str] | None = None
    target_dir: str | None = None
    rustflags: str | list[str] | None = None
    rustc_wrapper: str | None = None


class TargetConfigTable(Table, frozen=True):
    """[target.<triple>] and [target.'cfg(…)'] of a configuration file."""

    linker: str | None = None
    rustflags: str | list[str] | None = None


class EnvironmentEntry(Table, frozen=True):
    """An entry of [env] that is more than a value."""

    value: str
    force: bool = False
    relative: bool = False


class RegistryConfig(Table, frozen=True):
    """[registries.<name>] of a configuration file."""

    index: str | None = None


class SourceConfigTable(Table, frozen=True):
    """[source.<name>] of a configuration file."""

    replace_with: str | None = None
    directory: str | None = None


class NetConfig(Table, frozen=True):
    """[net] of a configuration file."""

    git_fetch_with_cli: bool = False


class IncludeEntry(Table, frozen=True):
    """An entry of `include` that is more than a path."""

    path: str
    optional: bool = False


class ConfigTable(Table, frozen=True):
    """A whole .cargo/config.toml. Source: the Cargo book, "Configuration"."""

    build: BuildConfig = BuildConfig()
    target: dict[str, TargetConfigTable] = {}
    env: dict[str, str | EnvironmentEntry] = {}
    registries: dict[str, RegistryConfig] = {}
    net: NetConfig = NetConfig()
    source: dict[str, SourceConfigTable] = {}
    patch: dict[str, Dependencies] = {}
    profile: dict[str, dict[str, Any]] = {}
    include: list[str | IncludeEntry] = []


class ToolchainTable(Table, frozen=True):
    """[toolchain] of a rust-toolchain file."""

    channel: str | None = None
    path: str | None = None
    components: list[str] = []
    targets: list[str] = []
    profile: str | None = None


class ToolchainDocument(Table, frozen=True):
    """A whole rust-toolchain.toml."""

    toolchain: ToolchainTable
