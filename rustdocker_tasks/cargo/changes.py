"""Which packages a change of files touches. Pure."""

from __future__ import annotations

import os
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.model import DependencyKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from rustdocker_tasks.cargo.model import Lock, Package, PackageId, Project

# What counts in all folders below. Source: the Cargo book, "Configuration"; the rustup book, "Overrides".
_CARGO_FOLDER, _CARGO_CONFIG = ".cargo", ("config.toml", "config")
_TOOLCHAIN_FILES = ("rust-toolchain.toml", "rust-toolchain")
LOCK = "Cargo.lock"
_WILD = frozenset("*?[")


def touched_packages(
    project: Project,
    outside: Sequence[Package],
    changed: Collection[Path],
    *,
    relocked: Collection[str] | None = None,
) -> set[str]:
    """Return the names of the members that a program made before the change may not be that of.

    A file belongs to the package in whose folder it lies, and touches all that depend on it by path, tests apart.
    What lies in no package touches all: the workspace's own manifest and lock file, what tells cargo how to work
    and which Rust to take, also in the folders above, what [patch] puts in the place of packages, vendored crates,
    files that cargo's configuration names, and all but `src` of a package in the workspace's own folder. A path of
    `changed` may be a folder: git has submodules so. `relocked` are the members whose dependencies another lock
    file has changed; None: who knows. That a package reads a file out of another's folder is not seen.
    """
    packages = {package.folder: package for package in (*project.members, *outside)}
    folders: set[Path] = {member.folder for member in project.members if member.name in (relocked or ())}
    for path in changed:
        if relocked is not None and path == project.root / LOCK:
            continue
        owner = next((folder for folder in path.parents if folder in packages), None)
        if _is_of_all(project, path, owner):
            return {member.name for member in project.members}
        if owner is not None:
            folders.add(owner)
        folders |= {
            package.folder
            for package in packages.values()
            if path in _manifests(package) or any(place.is_relative_to(path) for place in _places(package))
        }
    while more := {p.folder for p in packages.values() if p.folder not in folders and _needs(p, folders)}:
        folders |= more
    return {member.name for member in project.members if member.folder in folders}


def relocked_packages(before: Lock, after: Lock, members: Iterable[str]) -> set[str]:
    """Return those of the members that get other crates by one lock file than by another, also for tests."""
    return {name for name in members if _locked_crates(before, name) != _locked_crates(after, name)}


def _locked_crates(lock: Lock, name: str) -> frozenset[tuple[str, object, frozenset[PackageId]]]:
    """Return what goes into a member, each with what it depends on: two versions may change places."""
    by_id = {each.id: each for each in lock.packages}
    waiting = [identity for identity in by_id if identity.name == name and identity.source is None]
    seen = set(waiting)
    while waiting:
        new = [each for each in by_id[waiting.pop()].dependencies if each not in seen]
        seen.update(new)
        waiting += new
    # What comes from a folder is told by its files, whatever its version.
    return frozenset(
        (
            each.name,
            (each, by_id[each].checksum) if each.source is not None else None,
            frozenset(needed for needed in by_id[each].dependencies if needed.source is not None),
        )
        for each in seen
    )


def _places(package: Package) -> tuple[Path, ...]:
    """A target's file need not lie in the package's folder."""
    return (package.folder, *(target.place for target in package.targets))


def _manifests(package: Package) -> tuple[Path, ...]:
    """What is read of the files that it inherits from; of targets cargo asks only whether they are there."""
    return tuple(file for file in package.inherited_files if file.suffix == ".toml")


def _is_of_all(project: Project, path: Path, owner: Path | None) -> bool:
    of_all = (*project.patches, *project.config.vendored, *project.config.named_files)
    if any(path.is_relative_to(place) or place.is_relative_to(path) for place in of_all):
        return True
    if tells_cargo(project, path):
        return True
    if not path.is_relative_to(project.root):
        return False
    # Beside a package in the workspace's own folder lies what all may read.
    return owner is None or (owner == project.root and path.relative_to(project.root).parts[0] != "src")


def tells_cargo(project: Project, path: Path) -> bool:
    """Whether cargo or rustup, started in the project's folder, reads a file of that name there, or did."""
    root = project.root
    if path in project.config.files:
        return True
    if path.name in _CARGO_CONFIG and path.parent.name == _CARGO_FOLDER:
        return root.is_relative_to(path.parent.parent)
    return path.name in _TOOLCHAIN_FILES and root.is_relative_to(path.parent)


def holds_any(pattern: Path, changed: Collection[Path]) -> bool:
    """Whether a file, folder or pattern may stand for one of the changed files."""
    fixed = fixed_part(pattern)
    return any(path.is_relative_to(fixed) or fixed.is_relative_to(path) for path in changed)


def fixed_part(pattern: Path) -> Path:
    """Return the file or folder that holds all that a pattern stands for."""
    return Path(*takewhile(_WILD.isdisjoint, Path(os.path.normpath(pattern)).parts))


def _needs(package: Package, folders: Collection[Path]) -> bool:
    return any(
        dependency.path in folders
        for dependency in package.dependencies
        if dependency.kind is not DependencyKind.DEVELOPMENT
    )
