"""Make cargo see what its clock does not show: that an artefact was compiled from other sources.

Cargo compares modification times. A file brought back with its old time (`cp -p`, an unpacked archive) looks
older than the artefact of what was there in between, and cargo ships that. Nor does cargo know the files that
procedural macros read. So before each build the artefacts of a package are dropped with `cargo clean` unless

- nothing in the package has been touched since they were compiled, by the kernel's own clock (ctime, which no
  program can set back), and the target folder is the project's own, so that they are of no copy of it, or
- they are the very artefacts that an earlier build left here, and the content is still what it was then, but
  for Rust files with a newer time, which cargo sees by itself.

An artefact that anybody else made in between (`cargo build`, other features, a build that was killed) has
another stamp than the recorded one, and so falls under the first rule.
Nothing of the user's sources is written, and times are only read.
"""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rustdocker_tasks.errors import UnknownCargoLayout
from rustdocker_tasks.host.source_tree import Row, SourceTree, scan, settled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rustdocker_tasks.plan.model import CompileStep

_UNKNOWN = ""
# cargo's own name for a unit: package, dash, 16 hexadecimal digits of a hash.
_UNIT = re.compile(r"(?P<package>.+)-(?P<hash>[0-9a-f]{16})")
_RERUN = re.compile(r"cargo::?rerun-if-changed=(.+)")
# The kernel stamps files with a clock that may be a tick of its timer behind: 10 ms at CONFIG_HZ=100.
_CLOCK_LAG = 20_000_000


class UnitRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What an artefact was compiled from: two indexes into `snapshots`."""

    stamp: int
    package: int
    shared: int


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What an earlier build knew: kept as JSON beside the images, in cargo's target folder."""

    rows: dict[str, Row] = {}
    units: dict[str, UnitRecord] = {}
    snapshots: list[dict[str, str]] = []  # content by path; "" where it is unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One artefact of cargo's: a library, a binary, a build script, or that script's run."""

    path: str
    package: str
    target_triple: str | None  # None: compiled for this machine without being asked to
    stamp: int  # when its compilation began, in ns; 0 if cargo left no sign of it


@dataclass(frozen=True, slots=True)
class Sources:
    """All that cargo may compile from that is in the user's hands."""

    packages: Mapping[str, SourceTree]
    shared: SourceTree  # in the workspace but in no package: any of them may read it (templates, `.sqlx`)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The sources before a build, and whose artefacts cargo must not use."""

    sources: Sources
    units: tuple[Unit, ...]
    stale: tuple[Unit, ...]
    record: Record
    began: int


def inspect(step: CompileStep, *, build_dir: Path, record: Record) -> Inspection:
    """Return what the sources hold, and which units were made of something else."""
    began = time.time_ns() - _CLOCK_LAG
    units = tuple(_units(step, build_dir, step.target_triple))
    sources = _scan(step, build_dir, units, record.rows)
    # In a folder that projects share, a unit may have been compiled from another checkout of this package.
    own = step.root in build_dir.parents
    stale = tuple(unit for unit in units if not _is_fresh(unit, sources, record, own=own))
    return Inspection(sources=sources, units=units, stale=stale, record=record, began=began)


def record_build(step: CompileStep, *, build_dir: Path, before: Inspection) -> Record:
    """Return the record of a build that has just succeeded, to be handed to the next `inspect`.

    Raises UnknownCargoLayout if the artefacts of that build are not found.
    """
    units = tuple(_units(step, build_dir, None))
    if not any(unit.package == step.package and unit.stamp for unit in units):
        raise UnknownCargoLayout(build_dir, package=step.package)
    after = _scan(step, build_dir, units, _rows(before.sources))
    fresh = {unit.path: unit.stamp for unit in before.units if unit not in before.stale}
    snapshots = _Snapshots()
    recorded = {}
    for unit in units:
        earlier = before.record.units.get(unit.path)
        if earlier is not None and earlier.stamp == unit.stamp:
            old = before.record.snapshots
            package, shared = old[earlier.package], old[earlier.shared]
        elif unit.stamp >= before.began or fresh.get(unit.path) == unit.stamp:
            package = _compiled(before.sources.packages[unit.package], after.packages[unit.package], before.began)
            shared = _compiled(before.sources.shared, after.shared, before.began)
        else:
            continue  # for a triple that this build does not concern
        recorded[unit.path] = UnitRecord(
            stamp=unit.stamp, package=snapshots.index(package), shared=snapshots.index(shared)
        )
    now = time.time_ns()
    rows = {path: row for path, row in _rows(after).items() if settled(row, now=now)}
    return Record(rows=rows, units=recorded, snapshots=snapshots.all)


def record_name(root: Path) -> str:
    """Return the file name of a project's record: several projects may share one target folder."""
    return f"sources-{sha256(os.fsencode(root)).hexdigest()[:16]}.json"


def decode_record(content: bytes | None) -> Record:
    """Return the record; without a readable one nothing is known, and the first rule decides."""
    try:
        return msgspec.convert(json.loads(content or b""), type=Record)
    except ValueError:
        return Record()


def encode_record(record: Record) -> bytes:
    # The standard library's JSON, since a file name that is not UTF-8 survives in it.
    return json.dumps(msgspec.to_builtins(record)).encode("ascii")


@dataclass(slots=True)
class _Snapshots:
    all: list[dict[str, str]] = field(default_factory=list)

    def index(self, content: dict[str, str]) -> int:
        if content not in self.all:
            self.all.append(content)
        return self.all.index(content)


def _is_fresh(unit: Unit, sources: Sources, record: Record, *, own: bool) -> bool:
    if not 0 < unit.stamp <= time.time_ns():
        return False  # a stamp in the future: the clock was set back, so no time can be trusted
    trees = (sources.packages[unit.package], sources.shared)
    if own and all(tree.newest_change < unit.stamp for tree in trees):
        return True
    known = record.units.get(unit.path)
    if known is None or known.stamp != unit.stamp:
        return False
    snapshots = (record.snapshots[known.package], record.snapshots[known.shared])
    return all(
        _cargo_sees(path, tree.rows.get(path), unit)
        for snapshot, tree in zip(snapshots, trees, strict=True)
        for path in _differences(snapshot, tree)
    )


def _differences(snapshot: Mapping[str, str], tree: SourceTree) -> Iterator[str]:
    now = tree.contents
    for path in snapshot.keys() | now.keys():
        if snapshot.get(path, _UNKNOWN) == _UNKNOWN or snapshot[path] != now.get(path):
            yield path


def _cargo_sees(path: str, row: Row | None, unit: Unit) -> bool:
    return row is not None and path.endswith(".rs") and row.modified > unit.stamp


def _compiled(before: SourceTree, after: SourceTree, began: int) -> dict[str, str]:
    """The content that a unit of this build was made of; unknown where a file changed meanwhile."""
    content = before.contents
    return {
        path: row.content if row.changed < began or content.get(path) == row.content else _UNKNOWN
        for path, row in after.rows.items()
    }


def _rows(sources: Sources) -> dict[str, Row]:
    return {path: row for tree in (*sources.packages.values(), sources.shared) for path, row in tree.rows.items()}


def _scan(step: CompileStep, build_dir: Path, units: tuple[Unit, ...], known: Mapping[str, Row]) -> Sources:
    # Cargo tracks by content what its lock file means, and writes it while it builds.
    left_out = (build_dir, step.root / "Cargo.lock", *(package.folder for package in step.sources))
    others = frozenset(map(str, left_out))
    trees: dict[str, SourceTree] = {}
    for package in step.sources:
        named = {
            path
            for unit in units
            if unit.package == package.name
            for path in _named_files(unit, bases=(step.root, package.folder))
            if build_dir not in path.parents
        }
        tree = scan(package.folder, others=others - {str(package.folder)}, extra=sorted(named), known=known)
        # Two packages may have one name, and cargo's units do not tell them apart.
        twin = trees.get(package.name, SourceTree({}, 0))
        trees[package.name] = SourceTree({**twin.rows, **tree.rows}, max(twin.newest_change, tree.newest_change))
    return Sources(trees, _scan_shared(step.root, others, known))


def _scan_shared(root: Path, others: frozenset[str], known: Mapping[str, Row]) -> SourceTree:
    if str(root) in others:
        return SourceTree({}, 0)
    return scan(root, others=others, extra=(), known=known)


def _units(step: CompileStep, build_dir: Path, target_triple: str | None) -> Iterator[Unit]:
    """The release units of the user's packages: for this machine, and for the triple, or for any with None."""
    packages = {package.name for package in step.sources}
    for folder in sorted((*build_dir.glob("release/.fingerprint"), *build_dir.glob("*/release/.fingerprint"))):
        profile = folder.parent
        triple = None if profile.parent == build_dir else profile.parent.name
        if triple is not None and target_triple not in (None, triple):
            continue
        for entry in os.scandir(folder):
            match = _UNIT.fullmatch(entry.name)
            if match and match["package"] in packages:
                yield Unit(
                    path=entry.path,
                    package=match["package"],
                    target_triple=triple,
                    stamp=_stamp(profile, entry.name),
                )


def _stamp(profile: Path, unit: str) -> int:
    for place in (".fingerprint", "build"):
        try:
            return (profile / place / unit / "invoked.timestamp").stat().st_mtime_ns
        except FileNotFoundError:
            continue
    return 0


def _named_files(unit: Unit, *, bases: tuple[Path, ...]) -> Iterator[Path]:
    """The files that rustc or a build script named as read, of which some lie outside the package.

    Relative ones start at the workspace or at the package; the one that is not there is of no account.
    """
    profile = Path(unit.path).parent.parent
    name = Path(unit.path).name
    for listing in (*profile.glob(f"deps/*-{name[-16:]}.d"), *(profile / "build" / name).glob("*.d")):
        for line in _lines(listing):
            # The lines `file:` name each input once, alone: no list to take apart.
            if line.endswith(":") and not line.startswith("#"):
                yield from (_normal(base / line[:-1].replace("\\ ", " ")) for base in bases)
    for line in _lines(profile / "build" / name / "output"):
        if match := _RERUN.fullmatch(line):
            yield from (_normal(base / match[1]) for base in bases)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return []


def _normal(path: Path) -> Path:
    return Path(os.path.normpath(path))
