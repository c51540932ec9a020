"""Which packages a change of files touches. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.model import DependencyKind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from rustdocker_tasks.cargo.model import Package, Project


def touched_packages(project: Project, outside: Sequence[Package], changed: Collection[Path]) -> set[str]:
    """Return the names of the members that a program made before the change may not be that of.

    A file belongs to the package in whose folder it lies, and touches all that depend on it by path, tests apart.
    What lies in no package touches all: the workspace's own manifest and lock file, what tells cargo how to work,
    what [patch] puts in the place of packages, and all but `src` of a package in the workspace's own folder.
    That a package reads a file out of another's folder is not seen.
    """
    packages = {package.folder: package for package in (*project.members, *outside)}
    folders: set[Path] = set()
    for path in changed:
        owner = next((folder for folder in path.parents if folder in packages), None)
        if _is_of_all(project, path, owner):
            return {member.name for member in project.members}
        if owner is not None:
            folders.add(owner)
    while more := {p.folder for p in packages.values() if p.folder not in folders and _needs(p, folders)}:
        folders |= more
    return {member.name for member in project.members if member.folder in folders}


def _is_of_all(project: Project, path: Path, owner: Path | None) -> bool:
    if path in project.config.files or any(path.is_relative_to(folder) for folder in project.patches):
        return True
    if not path.is_relative_to(project.root):
        return False
    # Beside a package in the workspace's own folder lies what all may read.
    return owner is None or (owner == project.root and path.relative_to(project.root).parts[0] != "src")


def _needs(package: Package, folders: Collection[Path]) -> bool:
    return any(
        dependency.path in folders
        for dependency in package.dependencies
        if dependency.kind is not DependencyKind.DEVELOPMENT
    )
