"""Which packages a change of files touches. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.model import DependencyKind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from rustdocker_tasks.cargo.model import Package, Project

_OF_ALL = {
    "Cargo.toml",
    "Cargo.lock",
    ".cargo",
    "rust-toolchain",
    "rust-toolchain.toml",
}  # in the workspace's folder


def touched_packages(project: Project, outside: Sequence[Package], changed: Collection[Path]) -> set[str]:
    """Return the names of the members that a program made before the change may not be that of.

    A file belongs to the package in whose folder it lies, and touches all that depend on it by path, tests apart.
    The workspace's own manifest, the lock file, what tells cargo or rustup how to work, and what lies in no
    package, touch all.
    """
    packages = {package.folder: package for package in (*project.members, *outside)}
    folders: set[Path] = set()
    for path in changed:
        owner = next((folder for folder in path.parents if folder in packages), None)
        in_workspace = path.is_relative_to(project.root)
        if in_workspace and (owner is None or path.relative_to(project.root).parts[0] in _OF_ALL):
            return {member.name for member in project.members}
        if owner is not None:
            folders.add(owner)
    while more := {p.folder for p in packages.values() if p.folder not in folders and _needs(p, folders)}:
        folders |= more
    return {member.name for member in project.members if member.folder in folders}


def _needs(package: Package, folders: Collection[Path]) -> bool:
    return any(
        dependency.path in folders
        for dependency in package.dependencies
        if dependency.kind is not DependencyKind.DEVELOPMENT
    )
