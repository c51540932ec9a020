"""What cargo keeps in its target folder, as far as we look at it: units, and the files that they name as read.

Units have common folders, and since cargo 1.100 each one of its own: build/PACKAGE/HASH. Source: cargo 1.95,
src/core/compiler/fingerprint and build_runner/compilation_files.rs; cargo 1.100, src/compiler/layout.rs.
"""

from __future__ import annotations

import glob
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

# cargo's own name for a unit: package, dash, 16 hexadecimal digits of a hash.
_UNIT = re.compile(r"(?P<package>.+)-(?P<hash>[0-9a-f]{16})")
_HASH = re.compile("[0-9a-f]{16}")
# Cargo's mark in a unit's folder, before the library's name.
_LIBRARY = "dep-lib-"
_RERUN = re.compile(r"cargo::?rerun-if-(?P<kind>changed|env-changed)=(?P<name>.+)")
_OF_ENVIRONMENT = re.compile("# env-dep:([^=]+)")


class Unit(Frozen, frozen=True, kw_only=True):
    """One artefact of cargo's: a library, a binary, a build script, or that script's run."""

    path: str  # of a folder, which is of this unit alone
    package: str
    stamp: int  # when its compilation began, in ns; 0 if cargo left no sign of it


def find_triples(build_dir: Path, *, profile_folder: str) -> frozenset[str]:
    """Return the target triples for which a profile has units."""
    profile = f"*/{glob.escape(profile_folder)}"
    found = (*build_dir.glob(f"{profile}/.fingerprint"), *build_dir.glob(f"{profile}/build/*/*/fingerprint"))
    return frozenset(folder.relative_to(build_dir).parts[0] for folder in found)


def find_units(
    build_dir: Path, *, profile_folder: str, triples: Iterable[str | None], packages: Container[str]
) -> Iterator[Unit]:
    """Return the units of packages in a profile's folder, for this machine (None) and for target triples."""
    for triple in triples:
        profile = build_dir.joinpath(*([triple] if triple else []), profile_folder)
        for name in _names(profile / ".fingerprint"):
            match = _UNIT.fullmatch(name)
            if match and match["package"] in packages:
                stamp = _stamp(profile / ".fingerprint" / name, profile / "build" / name)
                yield Unit(path=str(profile / ".fingerprint" / name), package=match["package"], stamp=stamp)
        for package in _names(profile / "build"):
            folder = profile / "build" / package
            for name in filter(_HASH.fullmatch, _names(folder) if package in packages else ()):
                stamp = _stamp(folder / name / "fingerprint", folder / name / "run")
                yield Unit(path=str(folder / name), package=package, stamp=stamp)


def _names(folder: Path) -> list[str]:
    """Return what is in a folder, nothing if it is none."""
    try:
        return [entry.name for entry in os.scandir(folder)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _stamp(*places: Path) -> int:
    for place in places:
        try:
            return (place / "invoked.timestamp").stat().st_mtime_ns
        except FileNotFoundError:
            continue
    return 0


class Named(NamedTuple):
    """What rustc or a build script named as read, of which some files lie outside the package."""

    files: list[str]
    variables: list[str]


def named_by(unit: Unit) -> Named:
    """Return what a unit's compiler or script named."""
    named = Named([], [])
    dep_infos, told = _read_by(Path(unit.path))
    for listing in dep_infos:
        for line in read_lines(listing):
            # The lines `file:` name each input once, alone: no list to take apart.
            if line.endswith(":") and not line.startswith("#"):
                named.files.append(line[:-1].replace("\\ ", " "))
            elif match := _OF_ENVIRONMENT.match(line):
                named.variables.append(match[1])
    for line in read_lines(told):
        if match := _RERUN.fullmatch(line):
            (named.files if match["kind"] == "changed" else named.variables).append(match["name"])
    return named


def _read_by(unit: Path) -> tuple[list[Path], Path]:
    """Return where a unit's compiler named what it read, and where its script did."""
    if _HASH.fullmatch(unit.name):
        # A script that was run has a folder of its own for what it makes, which may look the same.
        return [*unit.glob("out/*.d")] if not (unit / "run").exists() else [], unit / "run" / "stdout"
    profile, name = unit.parent.parent, unit.name
    # What is linked for C, of a `cdylib` or `dylib`, has no hash in its name.
    for_c = [
        profile / "deps" / f"{mark.name.removeprefix(_LIBRARY).replace('-', '_')}.d"
        for mark in unit.glob(f"{_LIBRARY}*")
    ]
    script = profile / "build" / name
    return [*profile.glob(f"deps/*-{name[-16:]}.d"), *for_c, *script.glob("*.d")], script / "output"


def features_of(program: Path, inode: int) -> list[str] | None:
    """Return the features that a program of cargo's was compiled with, None where nothing tells.

    Beside the programs lie those of all units, each a second name of the same file.
    """
    crate = program.name.replace("-", "_")
    own = program.parent.glob(f"build/*/*/out/{crate}")
    unit_folder = next((path.parent.parent for path in own if path.stat().st_ino == inode), None)
    if unit_folder is not None:
        return next((_features(path.read_bytes()) for path in unit_folder.glob("fingerprint/bin-*.json")), None)
    deps = program.parent / "deps"
    entries = list(os.scandir(deps)) if deps.is_dir() else []
    names = (_UNIT.fullmatch(entry.name) for entry in entries if entry.inode() == inode)
    unit = next((name["hash"] for name in names if name and name["package"] == crate), None)
    told = program.parent.glob(f".fingerprint/*-{unit}/bin-*.json") if unit else ()
    return next((_features(path.read_bytes()) for path in told), None)


def _features(fingerprint: bytes) -> list[str] | None:
    try:
        return [str(each) for each in json.loads(json.loads(fingerprint)["features"])]
    except (ValueError, KeyError):
        return None  # cargo empties it before it compiles, and writes it afterwards


def read_lines(path: Path) -> list[str]:
    """Return a file's lines, none if it is not there."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return []
