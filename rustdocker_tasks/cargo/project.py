"""Find a Cargo project and read it, without cargo.

Source: the Cargo book, "Workspaces"; cargo, src/workspace/workspace.rs.
"""

from __future__ import annotations

import os
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.cargo.config import make_config
from rustdocker_tasks.cargo.dependencies import patched_folders
from rustdocker_tasks.cargo.lock import parse_lock
from rustdocker_tasks.cargo.manifest import Manifest, parse_manifest, read_package
from rustdocker_tasks.cargo.model import DependencyKind, Package, Project
from rustdocker_tasks.cargo.names import BUILT_IN_PROFILES
from rustdocker_tasks.cargo.surroundings import (
    cargo_home,
    config_files,
    find_repository,
    load_toolchain_file,
    own_files,
    unread_files,
)
from rustdocker_tasks.cargo.targets import CONVENTIONS, PackageFiles
from rustdocker_tasks.cargo.text import read_text
from rustdocker_tasks.errors import BrokenManifest, NoCargoToml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rustdocker_tasks.cargo.model import Lock

MANIFEST = "Cargo.toml"
_WILDCARDS = "*?["
# The tables of cargo's configuration that change what is built, or where packages are from.
_OF_BUILDS = {
    *("build", "target", "env", "profile", "unstable"),
    *("patch", "paths", "source", "registry", "registries"),
}
_SQLX_DATA = (".sqlx", "sqlx-data.json")  # since sqlx 0.7, and before
_RESOLVERS = {"2021": "2", "2024": "3"}  # by the edition of the root's package


def load_project(start: Path) -> Project:
    """Return the project of the nearest Cargo.toml in `start` or a folder above it.

    Raises ProjectError where there is none, one is broken, or cargo would refuse the workspace.
    """
    loader = _Loader()
    here = _find_upward(_normal(start.absolute()))
    root = loader.root_of(here) or here
    members = (
        _Workspace(loader, root).members() if loader.manifest(root).workspace else {here: loader.package(here)}
    )
    if loader.manifest(root).workspace is not None:
        _require_sound(loader, root, members, here=here)
    manifest = loader.manifest(root)
    files = config_files(root)
    config = make_config(files)
    repository = find_repository(root)
    own = own_files(root, files, repository)
    return Project(
        root=root,
        members=tuple(members.values()),
        default_members=tuple([members[here]] if here != root else _default_members(manifest, members)),
        profiles=frozenset({*BUILT_IN_PROFILES, *(manifest.table.profile or {})}),
        patches=(
            *patched_folders(manifest.path, manifest.table),
            *config.patches,
            *(folder for folder in config.overrides if (folder / MANIFEST).is_file()),
        ),
        metadata=manifest.workspace.metadata if manifest.workspace else None,
        text=manifest.text,
        lock=_load_lock(root / "Cargo.lock"),
        resolver=_resolver(manifest, members.get(root)),
        config=config,
        repository=repository,
        own_config=config if len(own) == len(files) else make_config(own),
        unseen_config=tuple(file.path for file in files if file not in own and _OF_BUILDS & file.values.keys()),
        unread_files=unread_files(root, members),
        # Its macros look in their package first. Source: sqlx-macros-core, query/mod.rs.
        has_sqlx_data=any((folder / name).exists() for folder in (root, *members) for name in _SQLX_DATA),
        toolchain=load_toolchain_file(root),
    )


def load_package(folder: Path) -> Package:
    """Return the package of a folder; raises ProjectError."""
    return _Loader().package(_normal(folder))


def load_outside(project: Project) -> tuple[Package, ...]:
    """Return the packages in folders that are compiled with a project's own, and are no members.

    Those are path dependencies, and what [patch] puts in the place of packages. Raises ProjectError.
    """
    loader = _Loader()
    members = {package.folder for package in project.members}
    outside: dict[Path, Package] = {}
    waiting = [d.path for package in project.members for d in package.dependencies if d.path is not None]
    waiting += project.patches
    while waiting:
        folder = waiting.pop(0)
        if folder not in members and folder not in outside:
            outside[folder] = loader.package(folder)
            # Of others' packages cargo never builds the tests.
            wanted = (d for d in outside[folder].dependencies if d.kind is not DependencyKind.DEVELOPMENT)
            waiting += [dependency.path for dependency in wanted if dependency.path is not None]
    _require_no_circle((*project.members, *outside.values()))
    return tuple(outside.values())


def _require_no_circle(packages: Iterable[Package]) -> None:
    """Refuse packages that need each other to be compiled; those of tests may, and optional ones cargo judges."""
    by_folder = {package.folder: package for package in packages}
    sorter = TopologicalSorter(
        {
            package.folder: {
                d.path
                for d in package.dependencies
                if d.path in by_folder and d.kind is not DependencyKind.DEVELOPMENT and not d.optional
            }
            for package in by_folder.values()
        }
    )
    try:
        sorter.prepare()
    except CycleError as error:
        circle = [by_folder[folder] for folder in reversed(error.args[1])]
        names = " -> ".join(package.name for package in circle)
        raise BrokenManifest(
            circle[0].manifest,
            f"packages depend on each other in a circle: {names}",
            hint="break the circle",
        ) from error


class _Loader:
    """Reads each manifest once."""

    def __init__(self) -> None:
        self._manifests: dict[Path, Manifest] = {}
        self._packages: dict[Path, Package] = {}

    def manifest(self, folder: Path) -> Manifest:
        if folder not in self._manifests:
            path = folder / MANIFEST
            self._manifests[folder] = parse_manifest(path, read_text(path))
        return self._manifests[folder]

    def package(self, folder: Path) -> Package:
        """Return the package of a folder, which must have one."""
        if folder not in self._packages:
            root = self.root_of(folder)
            package = read_package(
                self.manifest(folder), root=self.manifest(root) if root else None, files=_package_files(folder)
            )
            inherited = tuple(self._inherited_from(root)) if root not in {None, folder} else ()
            self._packages[folder] = replace(package, inherited_files=inherited)
        return self._packages[folder]

    def _inherited_from(self, root: Path) -> Iterator[Path]:
        """A workspace's manifest; of the package in it, without what it says that there is, cargo refuses it."""
        yield root / MANIFEST
        if self.manifest(root).package is not None:
            yield from (target.path for target in self.package(root).targets)

    def root_of(self, folder: Path) -> Path | None:
        """Return the folder of the workspace that a manifest belongs to, None if there is none."""
        own = self._root_named_by(folder, asked_by=folder)
        if own is not None:
            return own
        for above in _above(folder):
            if (above / MANIFEST).exists():
                root = self._root_named_by(above, asked_by=folder)
                if root is not None:
                    return root
        return None

    def _root_named_by(self, folder: Path, *, asked_by: Path) -> Path | None:
        manifest = self.manifest(folder)
        if manifest.workspace is not None:
            return None if folder != asked_by and is_excluded(manifest, asked_by) else folder
        if manifest.package is not None and manifest.package.workspace is not None:
            return _normal(folder / manifest.package.workspace)
        return None


def _above(folder: Path) -> Iterator[Path]:
    """The folders above, as far as cargo looks for a workspace in them."""
    home = cargo_home()
    for above in folder.parents:
        if above.parts[-2:] == ("target", "package") or folder == home:
            return
        yield above
        if above == home:
            return


class _Workspace:
    """The search for a workspace's members."""

    def __init__(self, loader: _Loader, root: Path) -> None:
        self._loader = loader
        self._root = loader.manifest(root)
        self._found: dict[Path, Package] = {}

    def members(self) -> dict[Path, Package]:
        """Return the members by folder: those listed, and path dependencies inside of the workspace."""
        for folder in expand(self._root, self._root.members):
            self._follow(folder)
        self._follow(self._root.folder)
        return self._found

    def _follow(self, folder: Path) -> None:
        waiting = [(folder, False)]
        while waiting:
            place, is_dependency = waiting.pop(0)
            if place in self._found or (is_dependency and not self._is_inside(place)):
                continue
            if is_excluded(self._root, place):
                continue
            if self._loader.manifest(place).package is None:
                continue  # the root may be virtual; of others that is found later
            package = self._loader.package(place)
            self._found[place] = package
            waiting += [(d.path, True) for d in package.dependencies if d.path is not None]

    def _is_inside(self, folder: Path) -> bool:
        root = self._root.folder
        if folder.is_relative_to(root):
            return True
        if self._loader.manifest(folder).package is not None:
            self._loader.package(folder)  # cargo refuses one that is broken, though it is no member
        return self._loader.root_of(folder) == root


def expand(root: Manifest, patterns: Iterable[str]) -> Iterator[Path]:
    """Return the folders that the patterns name; one that matches nothing stands for itself."""
    for pattern in patterns:
        found: list[Path] = []
        if any(character in pattern for character in _WILDCARDS):
            found = sorted(root.folder.glob(pattern))
        yield from (
            [_normal(path) for path in found if path.is_dir()] if found else [_normal(root.folder / pattern)]
        )


def is_excluded(root: Manifest, folder: Path) -> bool:
    """Whether a workspace's `exclude` keeps the folder out. What is listed by name outranks it."""
    named = [_normal(root.folder / pattern) for pattern in root.members]
    excluded = [_normal(root.folder / pattern) for pattern in (root.workspace.exclude if root.workspace else ())]
    return any(map(folder.is_relative_to, excluded)) and not any(map(folder.is_relative_to, named))


def _require_sound(loader: _Loader, root: Path, members: dict[Path, Package], *, here: Path) -> None:
    """Refuse what cargo refuses of a workspace as a whole."""
    manifest = loader.manifest(root)
    names: dict[str, Package] = {}
    for folder, package in members.items():
        other = names.setdefault(package.name, package)
        if other is not package:
            raise BrokenManifest(
                package.manifest,
                f"two packages named `{package.name}` are in this workspace, the other in {other.manifest}",
                hint="rename one of them, or exclude it",
            )
        if loader.manifest(folder).workspace is not None and folder != root:
            raise BrokenManifest(
                package.manifest,
                f"multiple workspace roots found in the same workspace: this one and {manifest.path}",
                hint=f"exclude it in {manifest.path}, or remove its [workspace]",
            )
        if (own := loader.root_of(folder)) != root:
            problem = (
                f"package `{package.name}` is a member of the wrong workspace: of {own or 'none'}, not {root}"
            )
            raise BrokenManifest(package.manifest, problem, hint=f"mend `members` or `exclude` in {manifest.path}")
    if here not in members and loader.manifest(here).package is not None:
        raise BrokenManifest(
            here / MANIFEST,
            f"this package believes it's in the workspace of {manifest.path}, which does not list it",
            hint=f"add it to `members` or `exclude` in {manifest.path}, or give it a [workspace] of its own",
        )


def _default_members(root: Manifest, members: dict[Path, Package]) -> Iterator[Package]:
    workspace = root.workspace
    if workspace is None or workspace.default_members is None:
        yield from [members[root.folder]] if root.folder in members else members.values()
        return
    listed = set(expand(root, root.members))
    for folder in dict.fromkeys(expand(root, workspace.default_members)):
        if folder in members:
            yield members[folder]
        elif folder != root.folder and not (folder in listed and is_excluded(root, folder)):
            raise BrokenManifest(
                root.path,
                f"package `{folder}` is listed in default-members but is not a member",
                hint="add it to `members`, or remove it from `default-members`",
            )


def _resolver(manifest: Manifest, own: Package | None) -> str:
    """Return which resolver the root chooses. Source: the Cargo book, "Resolver versions"."""
    workspace = manifest.workspace.resolver if manifest.workspace else None
    package = manifest.package.resolver if manifest.package else None
    return workspace or package or (_RESOLVERS.get(own.edition, "1") if own else "1")


def _find_upward(start: Path) -> Path:
    for folder in (start, *start.parents):
        if (folder / MANIFEST).is_file():
            return folder
    raise NoCargoToml(start)


def _load_lock(path: Path) -> Lock | None:
    return parse_lock(path, read_text(path)) if path.is_file() else None


def _package_files(folder: Path) -> PackageFiles:
    source = {f"src/{name}" for name, _ in _entries(folder / "src") if name.endswith(".rs")}
    legacy = {"src/bin/main.rs"} if (folder / "src/bin/main.rs").exists() else set()
    build = {"build.rs"} if (folder / "build.rs").is_file() else set()
    return PackageFiles(
        exists=frozenset(source | legacy | build),
        inferred={convention.folder: tuple(_crate_roots(folder, convention.folder)) for convention in CONVENTIONS},
    )


def _crate_roots(package: Path, folder: str) -> Iterator[tuple[str, str]]:
    """The names and paths of the targets that cargo sees in a folder: `name.rs` and `name/main.rs`."""
    for name, is_folder in _entries(package / folder):
        if name.startswith("."):
            continue
        if is_folder:
            if (package / folder / name / "main.rs").exists():
                yield name, f"{folder}/{name}/main.rs"
        elif name.endswith(".rs"):
            yield name.removesuffix(".rs"), f"{folder}/{name}"


def _entries(folder: Path) -> list[tuple[str, bool]]:
    """The names in a folder, and whether each is a folder itself, which a link to one is not to cargo."""
    try:
        with os.scandir(folder) as entries:
            return sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    except OSError:
        return []


def _normal(path: Path) -> Path:
    return Path(os.path.normpath(path))
