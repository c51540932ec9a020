"""Cargo.lock, of any version of its format: text -> packages and what each depends on. Pure.

Source: cargo, src/cargo/core/resolver/encode.rs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.document import parse_document
from rustdocker_tasks.cargo.model import Lock, LockedPackage, PackageId
from rustdocker_tasks.cargo.schema import LockFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from rustdocker_tasks.cargo.model import Package
    from rustdocker_tasks.cargo.schema import LockedEntry

# `name`, `name version` or `name version (source)`: as much as tells it from the others.
_DEPENDENCY = re.compile(r"(?P<name>\S+)(?: (?P<version>\S+))?(?: \((?P<source>.+)\))?")


def parse_lock(path: Path, text: str) -> Lock:
    """Return what a lock file says; raises BrokenToml, BrokenManifest."""
    file: LockFile = parse_document(path, text, LockFile)
    entries = [*([file.root] if file.root else []), *file.package]
    by_name: dict[str, list[PackageId]] = {}
    for entry in entries:
        by_name.setdefault(entry.name, []).append(_id(entry))
    return Lock(
        format=file.version,
        packages=tuple(
            LockedPackage(
                id=_id(entry),
                checksum=entry.checksum or _checksum_of_version_1(entry, file.metadata),
                dependencies=tuple(_dependencies(entry, by_name)),
            )
            for entry in entries
        ),
    )


def find_unlocked(lock: Lock, members: Iterable[Package]) -> str | None:
    """Return what of the members a lock file surely lacks, such as `app 0.2.0`; None if it may be up to date.

    Versions that do not meet a requirement are left to cargo.
    """
    locked = {entry.id[:2]: entry for entry in lock.packages if entry.id.source is None}
    for package in members:
        entry = locked.get((package.name, package.version))
        if entry is None:
            return f"{package.name} {package.version}"
        known = {identity.name for identity in entry.dependencies}
        for dependency in package.dependencies:
            if dependency.package not in {*known, package.name}:
                return f"{dependency.package}, on which {package.name} depends"
    return None


def _id(entry: LockedEntry) -> PackageId:
    return PackageId(entry.name, entry.version, entry.source)


def _checksum_of_version_1(entry: LockedEntry, metadata: Mapping[str, str]) -> str | None:
    checksum = metadata.get(f"checksum {entry.name} {entry.version} ({entry.source})")
    return None if checksum == "<none>" else checksum


def _dependencies(entry: LockedEntry, by_name: Mapping[str, Sequence[PackageId]]) -> Iterator[PackageId]:
    """What is named and is not in the file, cargo passes over too."""
    for text in entry.dependencies:
        match = _DEPENDENCY.fullmatch(text)
        if match is None:
            continue
        for known in by_name.get(match["name"], ()):
            if match["version"] in (None, known.version) and _is_same(match["source"], known.source):
                yield known


def _is_same(wanted: str | None, source: str | None) -> bool:
    """Whether a source is the one that is named; of a git repository some versions leave out the commit."""
    return wanted is None or wanted == source or (source is not None and source.partition("#")[0] == wanted)
