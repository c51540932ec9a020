"""Make cargo see what its clock does not show: that an artefact was compiled from other sources.

Cargo compares modification times. A file brought back with its old time (`cp -p`, an unpacked archive) looks
older than the artefact of what was there in between, and cargo ships that. Nor does cargo know the files that
procedural macros read. So before each build the artefacts of a package are dropped with `cargo clean` unless they
are the very ones that an earlier build left here (same stamp), and the content of the sources is still what it was
then, but for Rust files with a newer time that cargo knows to be read. What anybody else made in between
(`cargo build`, another checkout in a shared target folder, a build that was killed) has another stamp.
Nothing of the user's sources is written, and times are only read.
"""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import dataclass, field
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import tomli
from msgspec.structs import replace

from rustdocker_tasks.errors import UnknownCargoLayout
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.host.units import find_units, named_by, read_lines
from rustdocker_tasks.inputs.source_tree import MARK_OF_VENDORED, Row, Rows, scan, settled
from rustdocker_tasks.inputs.words import words_in

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from rustdocker_tasks.host.units import Unit
    from rustdocker_tasks.plan.model import CargoCall

_UNKNOWN = ""
# What counts for the package alone that has it; any other file may be read by build scripts and macros of all.
_OF_ONE_PACKAGE = (".rs", "/Cargo.toml")
# A package's name, as a manifest in cargo's own form has it.
_NAME = re.compile(r'^\[package\]\n(?:[^\[\n].*\n|\n)*?name = "([^"]+)"$', re.MULTILINE)
# Where a variable stands among what any package may read: no file is called so.
_VARIABLE = "\0"
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
    packages: dict[str, list[str]] = {}  # folders by name: path packages that cargo compiled
    triple: str | None = None  # what cargo compiled for when it was not told


class Scope(Frozen, frozen=True, kw_only=True):
    """Whose artefacts are looked at: the folders of each package by name, and the target triples.

    A triple of None stands for this machine, which build scripts and procedural macros are compiled for.
    Two packages may have one name, and cargo's units do not tell them apart.
    """

    root: Path
    profile_folder: str
    folders: Mapping[str, frozenset[Path]]
    triples: frozenset[str | None]
    left_out: frozenset[str]
    vendored: frozenset[str] = frozenset()  # names of packages whose files cargo never looks at again
    root_package: bool = False  # the root's manifest is that of a package
    only_named: bool = False  # of files that are not Rust those alone count that a unit names, as for cargo
    other_sources: tuple[Path, ...] = ()  # files and folders elsewhere that any package may read
    environment: Mapping[str, str] = {}  # digests of variables that build scripts and macros may read, by name

    def including(self, folders: Mapping[str, frozenset[Path]], triple: str | None) -> Scope:
        """Return the scope with what cargo said that it compiled, which our own reader may not know."""
        names = self.folders.keys() | folders.keys()
        none: frozenset[Path] = frozenset()
        merged = {name: self.folders.get(name, none) | folders.get(name, none) for name in names}
        return replace(self, folders=merged, triples=self.triples | {triple})


def make_scope(
    calls: Sequence[CargoCall], *, profile_folder: str, target_dir: Path, build_dir: Path, record: Record
) -> Scope:
    """Return the scope of one call of cargo, as far as Cargo's files and an earlier build tell."""
    call = calls[0]
    folders: dict[str, frozenset[Path]] = {}
    for package in (package for each in calls for package in each.sources):
        folders[package.name] = folders.get(package.name, frozenset()) | {package.folder}
    # Cargo tracks by content what its lock file means, and writes it while it builds.
    left_out = (target_dir, build_dir, call.root / "Cargo.lock")
    vendored = _vendored(call)
    scope = Scope(
        root=call.root,
        profile_folder=profile_folder,
        folders={**vendored, **folders},
        triples=frozenset({None, call.target_triple}),
        left_out=frozenset(map(str, left_out)),
        vendored=frozenset(vendored.keys() - folders.keys()),
        root_package=any(call.root in places for places in folders.values()),
        other_sources=tuple(dict.fromkeys(place for each in calls for place in each.other_sources)),
        environment=call.own_environment,
    )
    known = {
        name: frozenset(map(Path, places))
        for name, places in record.packages.items()
        if call.locked_packages is None or name in call.locked_packages
    }
    return scope.including(known, call.target_triple or record.triple)


def _vendored(call: CargoCall) -> dict[str, frozenset[Path]]:
    """The packages in the folders that stand for a registry, by name: each lies in one of its own."""
    found: dict[str, frozenset[Path]] = {}
    none: frozenset[Path] = frozenset()
    for mark in (mark for folder in call.vendored for mark in folder.glob(f"*/{MARK_OF_VENDORED}")):
        name = _package_name("\n".join(read_lines(mark.with_name("Cargo.toml"))))
        if name and (call.locked_packages is None or name in call.locked_packages):
            found[name] = found.get(name, none) | {mark.parent}
    return found


def _package_name(manifest: str) -> str | None:
    # `cargo vendor` writes manifests in cargo's own form, and there may be hundreds.
    if match := _NAME.search(manifest):
        return match[1]
    try:
        name = tomli.loads(manifest)["package"]["name"]
    except (tomli.TOMLDecodeError, KeyError, TypeError):
        return None  # cargo will say what is wrong with it
    return str(name)


class Sources(Frozen, frozen=True):
    """All that cargo may compile from that is in the user's hands."""

    packages: Mapping[str, Rows]
    shared: Rows  # what any package may read: all of the workspace that is in no package, and others' data
    named: Mapping[str, frozenset[str]]  # by package: the files that its units say they were made of
    variables: frozenset[str]  # those of the environment that units name, so that cargo compares them


class Inspection(Frozen, frozen=True, kw_only=True):
    """The sources before a build, and whose artefacts cargo must not use."""

    sources: Sources
    stale: tuple[Unit, ...]
    record: Record
    began: int


def inspect(scope: Scope, *, build_dir: Path, record: Record) -> Inspection:
    """Return what the sources hold, and which units were made of something else."""
    began = time.time_ns() - _CLOCK_LAG
    units = _units(scope, build_dir)
    sources = _scan(scope, units, record.rows)
    is_compared = cache(partial(_is_compared, sources))  # a package has several units
    stale = tuple(unit for unit in units if not _is_fresh(unit, sources, record, scope, is_compared))
    return Inspection(sources=sources, stale=stale, record=record, began=began)


def record_build(
    scope: Scope, *, build_dir: Path, before: Inspection, triple: str | None, made: Collection[str]
) -> Record:
    """Return the record of a build that has just ended, to be handed to the next `inspect`.

    What did not compile may stand in it: cargo itself knows that it did not. `triple` is what cargo compiled for
    when it was not told, `made` are the packages whose programs it made.
    Raises UnknownCargoLayout if the artefacts of those are not found.
    """
    units = _units(scope, build_dir)
    unseen = sorted(set(made) - {unit.package for unit in units if unit.stamp})
    if unseen:
        raise UnknownCargoLayout(build_dir, package=unseen[0])
    after = _scan(scope, units, _all_rows(before.sources))
    # What an earlier build recorded stays, also of a triple that this one does not concern.
    old = before.record.snapshots
    recorded = {
        path: (unit.stamp, old[unit.package], old[unit.shared]) for path, unit in before.record.units.items()
    }
    for unit in units:
        earlier = before.record.units.get(unit.path)
        is_known = earlier is not None and earlier.stamp == unit.stamp
        # One that is neither is somebody else's, made while this build was under way.
        if not is_known and unit.stamp >= before.began:
            package = _compiled(before.sources.packages[unit.package], after.packages[unit.package], before.began)
            shared = _compiled(before.sources.shared, after.shared, before.began)
            recorded[unit.path] = (unit.stamp, package, shared)
    snapshots = _Snapshots()
    now = time.time_ns()
    return Record(
        rows={path: row for path, row in _all_rows(after).items() if settled(row, now=now)},
        units={
            path: UnitRecord(stamp=stamp, package=snapshots.index(package), shared=snapshots.index(shared))
            for path, (stamp, package, shared) in recorded.items()
            if Path(path).exists()
        },
        snapshots=snapshots.all,
        packages={
            name: sorted(map(str, folders))
            for name, folders in scope.folders.items()
            if name not in scope.vendored
        },
        triple=triple,
    )


def record_name(root: Path) -> str:
    """Return the file name of a project's record: several projects may share one target folder."""
    return f"sources-{sha256(os.fsencode(root)).hexdigest()[:16]}.json"


def decode_record(content: bytes | None) -> Record:
    """Return the record; without a readable one nothing is known, and so every artefact is stale."""
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


def _is_fresh(
    unit: Unit, sources: Sources, record: Record, scope: Scope, is_compared: Callable[[str, str], bool]
) -> bool:
    known = record.units.get(unit.path)
    if known is None or not unit.stamp or known.stamp != unit.stamp:
        return False
    rows, named = sources.packages[unit.package], sources.named[unit.package]
    if unit.package in scope.vendored:
        return not any(_differences(record.snapshots[known.package], rows))
    root_manifest = str(scope.root / "Cargo.toml") if scope.root_package else None
    shared = [
        path
        for path in _differences(record.snapshots[known.shared], sources.shared)
        if path != root_manifest and not is_compared(path, unit.package)
    ]
    return all(
        _cargo_sees(path, rows.get(path), unit, named)
        for path in _differences(record.snapshots[known.package], rows)
        if _counts(path, named, scope)
    ) and all(
        # Rust files of the root package are that package's own affair, unless this one says that it reads them.
        (scope.root_package and path.endswith(".rs") and path not in named)
        or _cargo_sees(path, sources.shared.get(path), unit, named)
        for path in shared
        if _counts(path, named, scope)
    )


def _is_compared(sources: Sources, path: str, package: str) -> bool:
    """Whether it is a variable that cargo compares for some unit, and that does not stand in the package's Rust.

    One that is named in one place may be read unsaid in another.
    """
    name = path.removeprefix(_VARIABLE)
    if name == path or name not in sources.variables:
        return False
    rust = (Path(each) for each in sources.packages[package] if each.endswith(".rs"))
    return not any(words_in(each.read_bytes(), (name,)) for each in rust if each.is_file())


def _counts(path: str, named: frozenset[str], scope: Scope) -> bool:
    if not scope.only_named or path.endswith(_OF_ONE_PACKAGE) or path.startswith(_VARIABLE):
        return True
    # A script may name a folder.
    return _is_below(Path(path), named)


def _differences(snapshot: Mapping[str, str], rows: Rows) -> Iterator[str]:
    for path in snapshot.keys() | rows.keys():
        row = rows.get(path)
        if snapshot.get(path, _UNKNOWN) == _UNKNOWN or row is None or snapshot[path] != row.content:
            yield path


def _cargo_sees(path: str, row: Row | None, unit: Unit, named: frozenset[str]) -> bool:
    return row is not None and path.endswith(".rs") and row.modified > unit.stamp and path in named


def _compiled(before: Rows, after: Rows, began: int) -> dict[str, str]:
    """The content that a unit of this build was made of; unknown where a file changed meanwhile."""
    return {
        path: row.content if _was_compiled(row, before.get(path), began) else _UNKNOWN
        for path, row in after.items()
    }


def _was_compiled(row: Row, earlier: Row | None, began: int) -> bool:
    if row == earlier or row.changed < began:
        return True
    # A build script may write again what was there. With an old time it was brought back from something else.
    return earlier is not None and earlier.content == row.content and row.modified >= began


def _all_rows(sources: Sources) -> dict[str, Row]:
    return {path: row for rows in (*sources.packages.values(), sources.shared) for path, row in rows.items()}


def _scan(scope: Scope, units: tuple[Unit, ...], known: Mapping[str, Row]) -> Sources:
    places = {folder for folders in scope.folders.values() for folder in folders}
    others = scope.left_out | frozenset(map(str, places))
    shared = scan(scope.root, others=others - {str(scope.root)}, extra=scope.other_sources, known=known)
    known = {**known, **shared}
    packages: dict[str, Rows] = {}
    named: dict[str, frozenset[str]] = {}
    variables: set[str] = set()
    for name, folders in scope.folders.items():
        own_units = [named_by(unit) for unit in units if unit.package == name]
        variables |= {variable for each in own_units for variable in each.variables}
        bases = (scope.root, *folders)
        inputs = {
            path
            for each in own_units
            # Relative ones start at the workspace or at the package; the one that is not there is of no account.
            for path in (_normal(base / file) for file in each.files for base in bases)
            # Made by cargo itself, or a folder that holds all of the project.
            if not _is_below(path, scope.left_out) and path not in (scope.root, *scope.root.parents)
        }
        rows: dict[str, Row] = {}
        for folder in folders:
            rows |= scan(folder, others=others - {str(folder)}, extra=sorted(inputs), known=known)
        packages[name] = rows
        named[name] = frozenset(map(str, inputs))
    own = (rows for name, rows in packages.items() if name not in scope.vendored)
    data = {path: row for rows in own for path, row in rows.items() if not path.endswith(_OF_ONE_PACKAGE)}
    environment = {f"{_VARIABLE}{name}": Row(0, 0, 0, 0, digest) for name, digest in scope.environment.items()}
    return Sources(packages, {**shared, **data, **environment}, named, frozenset(variables))


def _is_below(path: Path, folders: frozenset[str]) -> bool:
    return any(str(parent) in folders for parent in (path, *path.parents))


def _units(scope: Scope, build_dir: Path) -> tuple[Unit, ...]:
    found = find_units(
        build_dir, profile_folder=scope.profile_folder, triples=scope.triples, packages=scope.folders
    )
    return tuple(found)


def _normal(path: Path) -> Path:
    return Path(os.path.normpath(path))
