"""What of a project decides its dependencies: manifests, lock file, configuration, and stubs for the sources.

A build of it compiles the dependencies and nothing of the project's own: its result holds until they change.
Left out is all that changes nothing of them: other members, their own versions, tests, metadata. Pure.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import tomli
import tomli_w

from rustdocker_tasks.cargo.model import DependencyKind, TargetKind
from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from rustdocker_tasks.cargo.model import Dependency, LockedPackage, Package, PackageId, Project, Target

_STUB_VERSION = "0.0.0"  # a project's own version is no matter of its dependencies
# A stub is not what the user's own lints are for.
_ALLOW = "#![allow(warnings, missing_docs, unused_crate_dependencies)]\n"
_DEPENDENCIES = ("dependencies", "build-dependencies", "build_dependencies")
_FOR_TESTS = ("dev-dependencies", "dev_dependencies")
_OF_ROOTS = ("cargo-features", "profile", "patch", "replace")
_KINDS = {
    "dependencies": DependencyKind.NORMAL,
    "build-dependencies": DependencyKind.BUILD,
    "dev-dependencies": DependencyKind.DEVELOPMENT,
}
_FIRST_WITH_A_VERSION = 3  # of the lock file's formats
_UNIFIES_ALL = "1"  # the resolver that takes the features that tests ask for


class Skeleton(Frozen, frozen=True, kw_only=True):
    """The text of files by path; `verbatim` are files and folders that are taken as they are."""

    files: Mapping[Path, str]
    packages: tuple[str, ...]  # whose sources are stubs
    real: tuple[str, ...] = ()  # packages that are taken as they are, and may read what is not there
    whole: tuple[Path, ...] = ()  # the folders of those among them that read no file but their own
    verbatim: tuple[Path, ...]


def make_skeleton(
    project: Project, binaries: Sequence[tuple[Package, Target]], outside: Sequence[Package]
) -> Skeleton:
    """Return the skeleton for binaries; `outside` are packages that are compiled with the project's own."""
    return _Maker(project, binaries, outside).make()


class _Maker:
    def __init__(
        self, project: Project, binaries: Sequence[tuple[Package, Target]], outside: Sequence[Package]
    ) -> None:
        self._project = project
        self._raw_root = tomli.loads(project.text)
        self._binaries = [binary for _, binary in binaries]
        self._asked = {package.folder for package, _ in binaries}
        self._by_folder = {each.folder: each for each in (*project.members, *outside)}
        self._members = {each.folder for each in project.members}
        # Crates of registries may be compiled with what [patch] gives: that cannot be a stub.
        self._real = set(self._reached(folder for folder in project.patches))
        # A member's manifest that is as it is names what its tests need too, and cargo looks for it.
        of_tests = (
            d.path for folder in self._real & self._members for d in self._by_folder[folder].dependencies if d.path
        )
        self._needed = {*self._reached([*self._asked, *of_tests]), *self._real}
        self._keep_version = set(self._asked_for_by_version())
        self._manifests = {
            folder: self._manifest(self._by_folder[folder]) for folder in sorted(self._needed - self._real)
        }

    def make(self) -> Skeleton:
        root = self._project.root
        files = {root / "Cargo.toml": self._root_manifest()}
        for folder, manifest in self._manifests.items():
            if folder != root:
                files[folder / "Cargo.toml"] = tomli_w.dumps(manifest)
            files.update(self._stubs(self._by_folder[folder]))
        if self._project.lock is not None:
            files[root / "Cargo.lock"] = self._lock_file()
        return Skeleton(
            files=files,
            packages=tuple(sorted(self._by_folder[folder].name for folder in self._manifests)),
            real=tuple(sorted(self._by_folder[folder].name for folder in self._real)),
            whole=tuple(sorted(folder for folder in self._real if not self._may_look_around(folder))),
            verbatim=tuple(sorted(self._verbatim())),
        )

    def _may_look_around(self, folder: Path) -> bool:
        """Whether compiling a package may read a file that is not there, and do without: scripts and macros may.

        Which crates of a registry are macros its lock file does not tell.
        """
        package = self._by_folder[folder]
        used = (each.path for each in package.dependencies if each.kind is not DependencyKind.DEVELOPMENT)
        others = [self._by_folder.get(path) if path is not None else None for path in used]
        has_script = any(target.kind is TargetKind.BUILD_SCRIPT for target in package.targets)
        return has_script or any(other is None or other.is_proc_macro for other in others)

    def _verbatim(self) -> set[Path]:
        config = self._project.own_config
        of_strangers = [
            file for folder in self._real - self._members for file in self._by_folder[folder].inherited_files
        ]
        root = self._project.root
        return {
            *config.files,
            *config.named_files,
            *self._real,
            *(f for f in of_strangers if f != root / "Cargo.toml"),
        }

    def _reached(self, folders: Iterable[Path]) -> Iterator[Path]:
        """The packages in folders, and those that they name by path."""
        waiting = [*folders]
        found = set()
        while waiting:
            folder = waiting.pop()
            if folder in found or folder not in self._by_folder:
                continue
            found.add(folder)
            yield folder
            each = self._by_folder[folder]
            waiting += [d.path for d in each.dependencies if d.path is not None and self._counts(d.kind, each)]

    def _asked_for_by_version(self) -> Iterator[Path]:
        """The packages that a manifest which is as it is may ask for by version, and those of one name."""
        root_is_real = self._project.root in self._real
        for folder in self._real:
            yield from (d.path for d in self._by_folder[folder].dependencies if d.path is not None)
        by_name: dict[str, list[Path]] = {}
        for folder in self._needed:
            by_name.setdefault(self._by_folder[folder].name, []).append(folder)
        for folders in by_name.values():
            if len(folders) > 1 or root_is_real:
                yield from folders

    def _version(self, package: Package) -> str:
        return package.version if package.folder in self._keep_version else _STUB_VERSION

    def _counts(self, kind: DependencyKind, package: Package) -> bool:
        """Whether dependencies of a kind have a say; those of tests only with the first resolver."""
        return kind is not DependencyKind.DEVELOPMENT or (
            self._project.resolver == _UNIFIES_ALL and package.folder in self._asked
        )

    def _root_manifest(self) -> str:
        """The workspace's manifest, without the package in it where that is not needed."""
        root = self._project.root
        raw = self._raw_root
        if root in self._real:
            return self._project.text
        made = {key: raw[key] for key in _OF_ROOTS if key in raw}
        made = {**self._manifests.get(root, {}), **made}
        if "workspace" in raw:
            made["workspace"] = self._workspace(raw["workspace"])
        return tomli_w.dumps(made)

    def _workspace(self, raw: dict[str, Any]) -> dict[str, Any]:
        root = self._project.root
        made: dict[str, Any] = {
            "resolver": self._project.resolver,
            "members": sorted(os.path.relpath(f, root) for f in self._needed & self._members if f != root),
            "exclude": raw.get("exclude", []),
        }
        if self._real & self._members:
            # They are as they are, and may inherit anything.
            inherited: dict[str, Any] = {key: raw[key] for key in ("package", "lints") if key in raw}
            return {**made, **inherited, **self._shared(raw, None)}
        return {**made, **self._shared(raw, self._inherited())}

    def _shared(self, raw: dict[str, Any], wanted: set[str] | None) -> dict[str, Any]:
        """The dependencies that members inherit, of those that are wanted."""
        entries = {
            name: self._without_version(entry, self._project.root)
            for name, entry in raw.get("dependencies", {}).items()
            if wanted is None or name in wanted
        }
        return {"dependencies": entries} if entries else {}

    def _inherited(self) -> set[str]:
        return {
            name
            for manifest in self._manifests.values()
            for table in _dependency_tables(manifest)
            for name, entry in table.items()
            if isinstance(entry, dict) and entry.get("workspace")
        }

    def _manifest(self, package: Package) -> dict[str, Any]:
        raw = tomli.loads(package.text)
        keeps_tests = self._counts(DependencyKind.DEVELOPMENT, package)
        kinds = (*_DEPENDENCIES, *(_FOR_TESTS if keeps_tests else ()))
        made: dict[str, Any] = {
            **({"cargo-features": raw["cargo-features"]} if "cargo-features" in raw else {}),
            "package": self._package_table(package, raw.get("package") or raw.get("project") or {}),
        }
        for target in self._targets(package):
            if target.kind is TargetKind.LIBRARY:
                made["lib"] = _library(target, package.folder)
            elif target.kind is TargetKind.BINARY:
                made.setdefault("bin", []).append(
                    {"name": target.name, "path": _from(package.folder, target.path)}
                )
        if "features" in raw:
            features = raw["features"]
            made["features"] = features if keeps_tests else _without_dependencies_of_tests(features, package)
        if "target" in raw:
            made["target"] = {
                platform: self._dependencies(table, kinds, package, condition=platform)
                for platform, table in raw["target"].items()
            }
        if "workspace" in raw and package.folder != self._project.root:
            made["workspace"] = {}  # of its own: nobody may take it for a member of this one
        return {**made, **self._dependencies(raw, kinds, package)}

    def _dependencies(
        self, raw: dict[str, Any], keys: Iterable[str], package: Package, *, condition: str | None = None
    ) -> dict[str, Any]:
        def declared(name: str, key: str) -> Dependency:
            wanted = (name, _KINDS[key.replace("_", "-")], condition)
            return next(d for d in package.dependencies if (d.name, d.kind, d.condition) == wanted)

        return {
            key: {
                name: self._entry(entry, package, partial(declared, name, key)) for name, entry in raw[key].items()
            }
            for key in keys
            if key in raw
        }

    def _package_table(self, package: Package, raw: dict[str, Any]) -> dict[str, Any]:
        script = next((t for t in package.targets if t.kind is TargetKind.BUILD_SCRIPT), None)
        # Of a workspace that is left out nothing can be inherited; a workspace's resolver stands in its own table.
        keys = ["links", *(["workspace"] if package.folder in self._members else [])]
        keys += [] if "workspace" in self._raw_root else ["resolver"]
        kept: dict[str, Any] = {key: raw[key] for key in keys if key in raw}
        return {
            "name": package.name,
            "version": self._version(package),
            "edition": package.edition,
            **({"rust-version": package.rust_version} if package.rust_version else {}),
            **kept,
            "build": _from(package.folder, script.path) if script else False,
            **dict.fromkeys(("autobins", "autoexamples", "autotests", "autobenches"), False),
        }

    def _targets(self, package: Package) -> Iterator[Target]:
        """What is compiled of a package: its library and build script, and the binary asked for."""
        for target in package.targets:
            is_always = target.kind in {TargetKind.LIBRARY, TargetKind.BUILD_SCRIPT}
            if is_always or target in self._binaries:
                yield target
        if package.folder not in self._asked and not any(t.kind is TargetKind.LIBRARY for t in package.targets):
            yield from package.binaries  # any of them may be an artefact that another needs

    def _stubs(self, package: Package) -> Iterator[tuple[Path, str]]:
        for target in self._targets(package):
            yield (
                target.place,
                _ALLOW if target.kind is TargetKind.LIBRARY else f"{_ALLOW}fn main() {{}}\n",
            )

    def _entry(self, entry: Any, package: Package, declared: Callable[[], Dependency]) -> Any:
        """A dependency; what a package inherits from another workspace than this is written out."""
        is_inherited = isinstance(entry, dict) and entry.get("workspace")
        if is_inherited and package.folder not in self._members:
            entry = _resolved(declared(), package.folder)
        return self._without_version(entry, package.folder)

    def _without_version(self, entry: Any, base: Path) -> Any:
        """A package whose version is left out cannot be asked for by one."""
        if not isinstance(entry, dict) or "path" not in entry:
            return entry
        folder = base.joinpath(os.path.normpath(base / entry["path"]))
        is_masked = folder in self._by_folder and folder not in {*self._real, *self._keep_version}
        return {key: value for key, value in entry.items() if key != "version" or not is_masked}

    def _lock_file(self) -> str:
        """The lock file without what only others need."""
        lock = self._project.lock
        assert lock is not None  # noqa: S101 - asked by the caller
        entries = {entry.id: entry for entry in lock.packages}
        own = {(each.name, each.version): each for each in self._by_folder.values()}
        without = self._manifests.keys() - self._keep_version
        masked = {(self._by_folder[f].name, self._by_folder[f].version) for f in without}
        kept: dict[PackageId, list[PackageId]] = {}
        waiting = [
            entry.id
            for entry in lock.packages
            if entry.id.source is None and (package := own.get(entry.id[:2])) and package.folder in self._needed
        ]
        while waiting:
            identity = waiting.pop()
            if identity in kept or identity not in entries:
                continue
            package = own.get(identity[:2]) if identity.source is None else None
            kept[identity] = [i for i in entries[identity].dependencies if self._is_followed(i, package)]
            waiting += kept[identity]
        by_name: dict[str, list[PackageId]] = {}
        for identity in kept:
            by_name.setdefault(identity.name, []).append(identity)
        tables = [_lock_entry(entries[i], kept[i], by_name, masked) for i in sorted(kept, key=_sort_key)]
        version = {"version": lock.format} if lock.format >= _FIRST_WITH_A_VERSION else {}
        return tomli_w.dumps({**version, "package": tables})

    def _is_followed(self, identity: PackageId, user: Package | None) -> bool:
        if user is None or user.folder in self._real:
            return True
        return any(d.package == identity.name and self._counts(d.kind, user) for d in user.dependencies)


def _without_dependencies_of_tests(
    features: Mapping[str, Sequence[str]], package: Package
) -> dict[str, list[str]]:
    """Return the features without what they switch on of dependencies that are left out."""
    of_tests = {d.name for d in package.dependencies if d.kind is DependencyKind.DEVELOPMENT}
    left_out = of_tests - {d.name for d in package.dependencies if d.kind is not DependencyKind.DEVELOPMENT}
    return {
        name: [
            value for value in values if "/" not in value or value.partition("/")[0].rstrip("?") not in left_out
        ]
        for name, values in features.items()
    }


def _resolved(dependency: Dependency, folder: Path) -> dict[str, Any]:
    """Return the entry of a dependency, whatever it inherits."""
    told = {
        "package": dependency.package if dependency.package != dependency.name else None,
        "version": dependency.requirement,
        "path": _from(folder, dependency.path) if dependency.path is not None else None,
        "git": dependency.git,
        **dict([dependency.git_reference] if dependency.git_reference else []),
        "registry-index" if "://" in (dependency.registry or "") else "registry": dependency.registry,
        "features": list(dependency.features) or None,
        "default-features": None if dependency.default_features else False,
        "optional": dependency.optional or None,
    }
    return {key: value for key, value in told.items() if value is not None}


def _dependency_tables(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for each in [manifest, *manifest.get("target", {}).values()]:
        for key in (*_DEPENDENCIES, *_FOR_TESTS):
            yield each.get(key, {})


def _library(target: Target, folder: Path) -> dict[str, Any]:
    # A library's kinds decide how its dependencies are compiled, with link-time optimization on.
    is_macro = "proc-macro" in target.crate_types
    kind = {"proc-macro": True} if is_macro else {"crate-type": list(target.crate_types)}
    return {"name": target.name, "path": _from(folder, target.path), **kind}


def _lock_entry(
    entry: LockedPackage,
    dependencies: Sequence[PackageId],
    by_name: Mapping[str, Sequence[PackageId]],
    masked: set[tuple[str, str]],
) -> dict[str, Any]:
    table: dict[str, Any] = {"name": entry.id.name, "version": _version(entry.id, masked)}
    if entry.id.source is not None:
        table["source"] = entry.id.source
    if entry.checksum is not None:
        table["checksum"] = entry.checksum
    if dependencies:
        table["dependencies"] = [_reference(identity, by_name[identity.name], masked) for identity in dependencies]
    return table


def _reference(identity: PackageId, named: Sequence[PackageId], masked: set[tuple[str, str]]) -> str:
    """As much as tells it from the others of its name, as cargo writes it."""
    if len(named) == 1:
        return identity.name
    version = _version(identity, masked)
    if sum(other.version == identity.version for other in named) == 1 or identity.source is None:
        return f"{identity.name} {version}"
    return f"{identity.name} {version} ({identity.source.partition('#')[0]})"


def _version(identity: PackageId, masked: set[tuple[str, str]]) -> str:
    return _STUB_VERSION if identity.source is None and identity[:2] in masked else identity.version


def _sort_key(identity: PackageId) -> tuple[str, str, str]:
    return identity.name, identity.version, identity.source or ""


def _from(folder: Path, path: Path) -> str:
    return os.path.relpath(path, folder)
