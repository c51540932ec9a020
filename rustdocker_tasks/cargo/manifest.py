"""One Cargo.toml: from its text to a `Package`, with what it inherits from its workspace. Pure.

Source of every rule: the Cargo book, "The Manifest Format" and "Workspaces"; cargo, src/workspace/parser/mod.rs;
checked against `cargo metadata` in tests/cargo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rustdocker_tasks.cargo.dependencies import read_dependencies
from rustdocker_tasks.cargo.document import parse_document, require_64_bits
from rustdocker_tasks.cargo.features import features_problem
from rustdocker_tasks.cargo.model import About, Package, TargetKind
from rustdocker_tasks.cargo.names import (
    EDITIONS,
    FIRST_EDITION,
    is_older,
    is_rust_version,
    is_version,
    name_problem,
    profile_name_problem,
)
from rustdocker_tasks.cargo.schema import Inherited, ManifestTable, PackageTable, WorkspaceTable
from rustdocker_tasks.cargo.targets import PackageFiles, find_targets
from rustdocker_tasks.errors import BrokenManifest
from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from pathlib import Path

_NO_VERSION = "0.0.0"
_LAST_EDITION_WITH_PROJECT = "2021"
# What a manifest without a package cannot have.
_OF_PACKAGES = (
    *(
        "features",
        "lib",
        "bin",
        "example",
        "test",
        "bench",
        "dependencies",
        "dev_dependencies",
        "build_dependencies",
    ),
    *("target", "badges", "lints"),
)


class Manifest(Frozen, frozen=True):
    """A Cargo.toml that was read."""

    path: Path
    table: ManifestTable
    text: str

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def package(self) -> PackageTable | None:
        return self.table.package or self.table.project

    @property
    def workspace(self) -> WorkspaceTable | None:
        return self.table.workspace

    @property
    def members(self) -> list[str]:
        """The patterns of its workspace's members, as written."""
        return (self.workspace.members if self.workspace else None) or []


def parse_manifest(path: Path, text: str) -> Manifest:
    """Return what stands in a Cargo.toml; raises BrokenToml, and BrokenManifest where cargo would refuse."""
    manifest = Manifest(path, parse_document(path, text, ManifestTable), text)
    package, workspace = manifest.package, manifest.workspace
    require_64_bits(path, "package.metadata", package and package.metadata)
    require_64_bits(path, "workspace.metadata", workspace and workspace.metadata)
    if package is None:
        _require_virtual(manifest)
    elif package.workspace is not None and workspace is not None:
        raise BrokenManifest(
            path,
            "cannot configure both `package.workspace` and `[workspace]`, only one can be specified",
            hint="remove one of them",
        )
    elif package.resolver is not None and workspace is not None and workspace.resolver is not None:
        raise BrokenManifest(
            path,
            "cannot specify `resolver` in both `[workspace]` and `[package]`",
            hint="remove it from [package]",
        )
    for resolver in (package and package.resolver, workspace and workspace.resolver):
        if resolver not in {None, "1", "2", "3"}:
            raise BrokenManifest(path, f'`resolver` is "{resolver}"', hint='the resolvers are "1", "2" and "3"')
    for name, entry in ((workspace and workspace.dependencies) or {}).items():
        if not isinstance(entry, str) and entry.optional:
            problem = f"{name} is optional, but workspace dependencies cannot be optional"
            raise BrokenManifest(path, problem, hint="say so where a member uses it")
    for name in manifest.table.profile or {}:
        if problem_of_name := profile_name_problem(name):
            raise BrokenManifest(
                path, f"`{name}` cannot name a profile: {problem_of_name}", hint=f"rename [profile.{name}]"
            )
    return manifest


def _require_virtual(manifest: Manifest) -> None:
    for key in _OF_PACKAGES:
        if getattr(manifest.table, key) is not None:
            raise BrokenManifest(
                manifest.path,
                f"this virtual manifest specifies a `{key.replace('_', '-')}` section, which is not allowed",
                hint="move it to the package that it belongs to",
            )
    if manifest.workspace is None:
        raise BrokenManifest(
            manifest.path,
            "manifest is missing either a `[package]` or a `[workspace]`",
            hint="`cargo init` makes a package of a folder",
        )


def read_package(manifest: Manifest, *, root: Manifest | None, files: PackageFiles) -> Package:
    """Return the package of a manifest that has one.

    `root` is the manifest with the [workspace] that it inherits from, None if there is none. `files` are those
    that targets are inferred from. Raises BrokenManifest where cargo would refuse.
    """
    if manifest.package is None:
        raise BrokenManifest(
            manifest.path,
            "it has a [workspace] and no [package], and yet is named as a package",
            hint="name the folder of one of its members",
        )
    return _PackageReader(manifest, manifest.package, root).read(files)


class _PackageReader:
    def __init__(self, manifest: Manifest, package: PackageTable, root: Manifest | None) -> None:
        self._manifest = manifest
        self._package = package
        self._root = root

    def read(self, files: PackageFiles) -> Package:
        path, table, package = self._manifest.path, self._manifest.table, self._package
        workspace = self._root.workspace if self._root else None
        name, version, edition, rust_version = self._name(), self._version(), self._edition(), self._rust_version()
        if rust_version and is_older(rust_version, EDITIONS[edition]):
            raise self._broken(
                f"rust-version {rust_version} is older than what the edition {edition} needs", "raise rust-version"
            )
        if table.project is not None and edition > _LAST_EDITION_WITH_PROJECT:
            raise self._broken("`[project]` is not supported as of edition 2024", "call it [package]")
        targets = find_targets(path, table, package, name=name, edition=edition, files=files)
        dependencies = read_dependencies(
            path,
            table,
            edition=edition,
            workspace=workspace,
            root=self._root.folder if self._root else self._manifest.folder,
        )
        features = {key: tuple(values) for key, values in (table.features or {}).items()}
        self._require_sound(targets_have_build_script=any(t.kind is TargetKind.BUILD_SCRIPT for t in targets))
        if problem := features_problem(features, dependencies):
            raise self._broken(problem, "mend [features]")
        if package.default_run is not None and package.default_run not in {
            target.name for target in targets if target.kind is TargetKind.BINARY
        }:
            raise self._broken(
                f"default-run target `{package.default_run}` not found", "name one of the package's binaries"
            )
        return Package(
            name=name,
            version=version,
            manifest=path,
            edition=edition,
            rust_version=rust_version,
            targets=targets,
            features=features,
            dependencies=dependencies,
            default_run=package.default_run,
            links=package.links,
            about=self._about(),
            metadata=package.metadata,
            text=self._manifest.text,
        )

    def _name(self) -> str:
        name = self._package.name
        if name is None:
            raise self._broken("[package] has no name", 'add name = "…" to [package]')
        if problem := name_problem(name):
            raise self._broken(f"`{name}` cannot name a package: {problem}", "rename it")
        return name

    def _version(self) -> str:
        version: str | None = self._value("version")
        if version is None:
            # A package that says nothing is not published.
            if self._value("publish") not in (None, False, []):
                raise self._broken(
                    "`package.publish` requires `package.version`", 'add version = "…" to [package]'
                )
            return _NO_VERSION
        version = version.strip()
        if not is_version(version):
            raise self._broken(f"`{version}` is no version", 'a version has three numbers: version = "0.1.0"')
        return version

    def _edition(self) -> str:
        edition: str = self._value("edition") or FIRST_EDITION
        if edition not in EDITIONS:
            raise self._broken(f"`{edition}` is no edition", f"the editions are {', '.join(EDITIONS)}")
        return edition

    def _rust_version(self) -> str | None:
        rust_version: str | None = self._value("rust-version")
        if rust_version is not None and not is_rust_version(rust_version):
            raise self._broken(f"rust-version `{rust_version}` is none", 'write it as rust-version = "1.85"')
        return rust_version

    def _about(self) -> About:
        values = {key: self._value(key.replace("_", "-")) for key in About.__struct_fields__}
        return About(**{**values, "authors": tuple(values["authors"] or ())})

    def _require_sound(self, *, targets_have_build_script: bool) -> None:
        """What is checked and not kept."""
        for key in ("readme", "keywords", "categories", "publish", "include", "exclude"):
            self._value(key)
        if self._package.links is not None and not targets_have_build_script:
            raise self._broken(
                f"package specifies that it links to `{self._package.links}` but has no build script",
                "add build.rs, or remove `links`",
            )
        lints = self._manifest.table.lints or {}
        if lints.get("workspace") is True:
            if len(lints) > 1:
                raise self._broken("cannot override `workspace.lints` in `lints`", "remove one of them")
            if self._root is None or self._root.workspace is None or self._root.workspace.lints is None:
                raise self._missing("lints", "[workspace.lints]")

    def _value(self, key: str) -> Any:
        """Return the value at a key of [package], the workspace's own where it is inherited."""
        field = key.replace("-", "_")
        value = getattr(self._package, field)
        if not isinstance(value, Inherited):
            return value
        if value.workspace is not True:
            raise self._broken(f"`workspace` cannot be false, as in `{key}`", "leave it out")
        shared = self._root.workspace.package if self._root and self._root.workspace else None
        inherited = getattr(shared, field) if shared else None
        if inherited is None and not (field == "readme" and self._root):
            raise self._missing(key, "[workspace.package]")
        return inherited

    def _missing(self, key: str, table: str) -> BrokenManifest:
        root = self._root.path if self._root else "the root Cargo.toml, which this package does not have"
        return self._broken(
            f"`{key}` is to come from the workspace, which does not set it", f"add {key} to {table} in {root}"
        )

    def _broken(self, problem: str, hint: str) -> BrokenManifest:
        return BrokenManifest(self._manifest.path, problem, hint=hint)
