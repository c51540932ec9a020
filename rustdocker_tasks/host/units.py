"""What cargo keeps in its target folder, as far as we look at it: units, and the files that they name as read.

Source: cargo 1.95, src/core/compiler/fingerprint and build_runner/compilation_files.rs.
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
# Cargo's mark in a unit's folder, before the library's name.
_LIBRARY = "dep-lib-"
_RERUN = re.compile(r"cargo::?rerun-if-(?P<kind>changed|env-changed)=(?P<name>.+)")
_OF_ENVIRONMENT = re.compile("# env-dep:([^=]+)")


class Unit(Frozen, frozen=True, kw_only=True):
    """One artefact of cargo's: a library, a binary, a build script, or that script's run."""

    path: str
    package: str
    stamp: int  # when its compilation began, in ns; 0 if cargo left no sign of it


def find_triples(build_dir: Path, *, profile_folder: str) -> frozenset[str]:
    """Return the target triples for which a profile has units."""
    return frozenset(
        folder.parent.parent.name for folder in build_dir.glob(f"*/{glob.escape(profile_folder)}/.fingerprint")
    )


def find_units(
    build_dir: Path, *, profile_folder: str, triples: Iterable[str | None], packages: Container[str]
) -> Iterator[Unit]:
    """Return the units of packages in a profile's folder, for this machine (None) and for target triples."""
    for triple in triples:
        profile = build_dir.joinpath(*([triple] if triple else []), profile_folder)
        if not (profile / ".fingerprint").is_dir():
            continue
        for entry in os.scandir(profile / ".fingerprint"):
            match = _UNIT.fullmatch(entry.name)
            if match and match["package"] in packages:
                yield Unit(path=entry.path, package=match["package"], stamp=_stamp(profile, entry.name))


def _stamp(profile: Path, unit: str) -> int:
    for place in (".fingerprint", "build"):
        try:
            return (profile / place / unit / "invoked.timestamp").stat().st_mtime_ns
        except FileNotFoundError:
            continue
    return 0


class Named(NamedTuple):
    """What rustc or a build script named as read, of which some files lie outside the package."""

    files: list[str]
    variables: list[str]


def named_by(unit: Unit) -> Named:
    """Return what a unit's compiler or script named."""
    profile = Path(unit.path).parent.parent
    name = Path(unit.path).name
    named = Named([], [])
    # What is linked for C, of a `cdylib` or `dylib`, has no hash in its name.
    for_c = [
        profile / "deps" / f"{mark.name.removeprefix(_LIBRARY).replace('-', '_')}.d"
        for mark in Path(unit.path).glob(f"{_LIBRARY}*")
    ]
    for listing in (*profile.glob(f"deps/*-{name[-16:]}.d"), *for_c, *(profile / "build" / name).glob("*.d")):
        for line in read_lines(listing):
            # The lines `file:` name each input once, alone: no list to take apart.
            if line.endswith(":") and not line.startswith("#"):
                named.files.append(line[:-1].replace("\\ ", " "))
            elif match := _OF_ENVIRONMENT.match(line):
                named.variables.append(match[1])
    for line in read_lines(profile / "build" / name / "output"):
        if match := _RERUN.fullmatch(line):
            (named.files if match["kind"] == "changed" else named.variables).append(match["name"])
    return named


def features_of(program: Path, inode: int) -> list[str] | None:
    """Return the features that a program of cargo's was compiled with, None where nothing tells.

    Beside the programs lie those of all units, each a second name of the same file.
    """
    crate = program.name.replace("-", "_")
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
