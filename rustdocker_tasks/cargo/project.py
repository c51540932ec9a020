"""Find a Cargo project and read it, without cargo: the only module here that touches the disk."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.manifest import Table, parse_lock, parse_package, parse_toml, table
from rustdocker_tasks.cargo.model import Package, Project
from rustdocker_tasks.errors import BrokenManifest, NoCargoToml

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST = "Cargo.toml"


@dataclass(frozen=True, slots=True)
class _Manifest:
    path: Path
    document: Table

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def workspace(self) -> Table:
        return table(self.path, self.document, "workspace")

    @property
    def is_workspace(self) -> bool:
        return "workspace" in self.document

    @property
    def is_package(self) -> bool:
        return "package" in self.document


def load_project(start: Path) -> Project:
    """Return the project of the nearest Cargo.toml in `start` or a folder above it.

    Raises ProjectError where there is none, one is broken, or cargo would refuse the workspace.
    """
    nearest = _load_manifest(_find_upward(start.absolute()))
    root = _load_root(nearest)
    members, outside = _load_packages(root)
    if nearest.is_package and nearest.folder not in members:
        raise BrokenManifest(
            nearest.path,
            f"this package believes it's in the workspace of {root.path}, which does not list it",
            hint=f"add it to `members` or `exclude` in {root.path}, or give it a [workspace] of its own",
        )
    return Project(
        root=root.folder,
        here=nearest.folder,
        members=tuple(members.values()),
        default_members=tuple(_default_members(root, members)),
        outside=outside,
        metadata=table(root.path, root.workspace, "metadata"),
        locked_packages=_load_lock(root.folder / "Cargo.lock"),
    )


def _load_lock(path: Path) -> frozenset[str] | None:
    return parse_lock(path, _read(path)) if path.is_file() else None


def _find_upward(start: Path) -> Path:
    for folder in (start, *start.parents):
        if (folder / MANIFEST).is_file():
            return folder / MANIFEST
    raise NoCargoToml(start)


def _load_manifest(path: Path) -> _Manifest:
    return _Manifest(path, parse_toml(path, _read(path)))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # cargo accepts a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        raise BrokenManifest(
            path, f"it cannot be read: {error}", hint=f"make {path} a readable text file"
        ) from error


def _load_root(manifest: _Manifest) -> _Manifest:
    if manifest.is_workspace:
        return manifest
    pointer = table(manifest.path, manifest.document, "package").get("workspace")
    if isinstance(pointer, str):
        return _load_manifest(_normal(manifest.folder / pointer) / MANIFEST)
    for folder in manifest.folder.parents:
        if (folder / MANIFEST).is_file():
            candidate = _load_manifest(folder / MANIFEST)
            if candidate.is_workspace:
                return manifest if _is_excluded(candidate, manifest.folder) else candidate
    return manifest


def _load_packages(root: _Manifest) -> tuple[dict[Path, Package], tuple[Package, ...]]:
    """Return the members by folder, and the path dependencies that are no members."""
    members: dict[Path, Package] = {}
    outside: dict[Path, Package] = {}
    listed = _listed_members(root)
    waiting = list(listed)
    while waiting:
        folder = waiting.pop(0)
        if folder in members or folder in outside:
            continue
        inside = root.folder in (folder, *folder.parents) and not _is_excluded(root, folder)
        is_member = inside or folder in listed
        # One of another workspace inherits from that.
        package = _load_package(folder, root if is_member else _load_root(_load_manifest(folder / MANIFEST)))
        (members if is_member else outside)[folder] = package
        waiting += package.path_dependencies
    return members, tuple(outside.values())


def _load_package(folder: Path, root: _Manifest) -> Package:
    manifest = root if folder == root.folder else _load_manifest(folder / MANIFEST)
    return parse_package(
        manifest.path,
        manifest.document,
        workspace=root.workspace,
        workspace_root=root.folder,
        sources=frozenset(_sources(folder)),
    )


def _sources(folder: Path) -> Iterator[PurePosixPath]:
    """The files that binaries are inferred from: `src/*`, `src/bin/*` and `src/bin/*/main.rs`."""
    for pattern in ("src/main.rs", "src/bin/*.rs", "src/bin/*/main.rs"):
        for path in folder.glob(pattern):
            if path.is_file() and not path.name.startswith("."):
                yield PurePosixPath(path.relative_to(folder).as_posix())


def _listed_members(root: _Manifest) -> list[Path]:
    listed = [root.folder] if root.is_package else []
    return listed + [path for path in _expand(root, "members") if not _is_excluded(root, path)]


def _expand(root: _Manifest, key: str) -> Iterator[Path]:
    """The folders that the patterns at `key` name; one without a pattern need not be there."""
    for pattern in _patterns(root, key):
        if any(character in pattern for character in "*?["):
            yield from sorted(_normal(path) for path in root.folder.glob(pattern) if path.is_dir())
        else:
            yield _normal(root.folder / pattern)


def _normal(path: Path) -> Path:
    return Path(os.path.normpath(path))


def _patterns(root: _Manifest, key: str) -> list[str]:
    value = root.workspace.get(key, [])
    if not isinstance(value, list) or not all(isinstance(pattern, str) for pattern in value):
        raise BrokenManifest(root.path, f"`{key}` is not a list of strings", hint=f'write it as {key} = ["…"]')
    return value


def _is_excluded(root: _Manifest, folder: Path) -> bool:
    named = [_normal(root.folder / pattern) for pattern in _patterns(root, "members")]
    if any(path in (folder, *folder.parents) for path in named):
        return False  # what is listed by name outranks `exclude`
    excluded = [_normal(root.folder / pattern) for pattern in _patterns(root, "exclude")]
    return any(path in (folder, *folder.parents) for path in excluded)


def _default_members(root: _Manifest, members: dict[Path, Package]) -> Iterator[Package]:
    if "default-members" in root.workspace:
        wanted = set(_expand(root, "default-members"))
        yield from (package for folder, package in members.items() if folder in wanted)
    elif root.is_package:
        yield members[root.folder]
    else:
        yield from members.values()
