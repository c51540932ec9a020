"""What cargo lets a name, a version and an edition be. Pure.

Source: cargo, crates/cargo-util-schemas, restricted_names.rs; src/workspace/features.rs for editions.
"""

from __future__ import annotations

import re

EDITIONS = {"2015": (1, 0), "2018": (1, 31), "2021": (1, 56), "2024": (1, 85)}  # edition -> the first Rust with it
FIRST_EDITION = "2015"
BUILT_IN_PROFILES = ("dev", "release", "test", "bench")

_NUMBER = r"(?:0|[1-9][0-9]*)"
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?")
_RUST_VERSION = re.compile(rf"{_NUMBER}(?:\.{_NUMBER}(?:\.{_NUMBER})?)?")
_PART = rf"(?:{_NUMBER}|[xX*])"
_COMPARATOR = re.compile(
    rf"(?:=|>=|>|<=|<|~|\^)?\s*{_NUMBER}(?:\.{_PART}(?:\.{_PART}(?:-{_IDENTIFIERS})?(?:\+{_IDENTIFIERS})?)?)?"
)
_RESERVED_FOR_CARGO = frozenset({"deps", "examples", "build", "incremental"})

_RESERVED_PROFILES = frozenset(
    {
        *("build-override", "build", "check", "clean", "config", "fetch", "fix", "install", "metadata", "package"),
        *("publish", "report", "root", "run", "rust", "rustc", "rustdoc", "target", "tmp", "uninstall"),
    }
)


def name_problem(name: str) -> str | None:
    """Return what is wrong with the name of a package or dependency, None if nothing is."""
    if not name:
        return "it is empty"
    if name[0].isdigit():
        return "it starts with a digit"
    if not (name[0] == "_" or name[0].isidentifier()) or not all(
        c == "-" or f"a{c}".isidentifier() for c in name[1:]
    ):
        return "only letters, digits, `-` and `_` can stand in it"
    return None


def feature_name_problem(name: str) -> str | None:
    if not name:
        return "it is empty"
    if name.startswith("dep:"):
        return "it starts with `dep:`"
    if not f"a{name[0]}".isidentifier() or not all(c in "-+." or f"a{c}".isidentifier() for c in name):
        return "only letters, digits, `-`, `_`, `+` and `.` can stand in it"
    return None


def binary_name_problem(name: str) -> str | None:
    if name in _RESERVED_FOR_CARGO:
        return "cargo has a folder of that name beside its binaries"
    return None


def profile_name_problem(name: str) -> str | None:
    if not all(c.isalnum() or c in "_-" for c in name):
        return "only letters, digits, `-` and `_` can stand in it"
    if name.lower() in _RESERVED_PROFILES or name.lower().startswith("cargo"):
        return "cargo keeps that name for itself"
    return None


def is_version(text: str) -> bool:
    """Whether the text is a whole version, as semver has it."""
    match = _VERSION.fullmatch(text)
    # A number in a pre-release has no leading zero.
    parts = (match[1] or "").split(".") if match else ()
    return match is not None and not any(p.isdigit() and len(p) > 1 and p.startswith("0") for p in parts)


def is_rust_version(text: str) -> bool:
    return _RUST_VERSION.fullmatch(text) is not None


def is_requirement(text: str) -> bool:
    """Whether the text asks for versions: comparators with commas between them, or `*`."""
    if text.strip() in {"*", "x", "X"}:
        return True
    parts = [part.strip() for part in text.split(",")]
    return all(_COMPARATOR.fullmatch(part) for part in parts)


def is_older(rust_version: str, than: tuple[int, int]) -> bool:
    """Whether a `rust-version`, such as 1.56, is before a release of Rust."""
    numbers = [int(part) for part in rust_version.split(".")]
    return (*numbers, 0)[:2] < than
