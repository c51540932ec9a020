"""Whether what a manifest says of a platform is true of a target triple. Pure.

Source: the Rust reference, "Conditional compilation"; the Cargo book, "Platform specific dependencies".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from typing_extensions import Self

_TOKEN = re.compile(r'\s*(?:(?P<word>[A-Za-z_][A-Za-z0-9_]*)|"(?P<text>[^"]*)"|(?P<mark>[(),=]))')
_ARCHITECTURES = {
    "i586": "x86",
    "i686": "x86",
    "riscv64gc": "riscv64",
    "powerpc64le": "powerpc64",
}
_WIDTHS = {"x86": "32", "arm": "32", "mips": "32", "powerpc": "32", "wasm32": "32", "riscv32": "32"}
_BIG_ENDIAN = {"s390x", "powerpc64", "powerpc", "sparc64", "mips", "mips64"}
_FAMILIES = {"windows": "windows", "wasi": "wasm", "unknown": "wasm"}
_WITH_ALL_ATOMICS = {"x86_64", "aarch64", "x86", "riscv64", "powerpc64", "s390x"}
_ATOMICS = {"8", "16", "32", "64", "ptr"}
# Parts of a triple that are no vendor to rustc: `oe` is OpenEmbedded.
_VENDORS = {"oe": "unknown"}
_SYSTEMS = {"darwin": "macos"}
_TRIPLE = re.compile(r"[A-Za-z0-9_]+(?:-[A-Za-z0-9_.]+){1,3}")
_ABIS = ("eabihf", "eabi", "x32")


class TargetTriple(str):
    """The name of a target of Linux, such as `x86_64-unknown-linux-musl`; ValueError otherwise."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if not _TRIPLE.fullmatch(text):
            message = "a target triple is architecture-vendor-system-environment"
            raise ValueError(message)
        if platform_of(text).values["target_os"] != "linux":
            message = "an image holds a program for Linux"
            raise ValueError(message)
        return super().__new__(cls, text)


def linux_triple(machine: str, *, musl: bool = False) -> str:
    """Return the triple of Linux for a machine's architecture, with either C library."""
    return f"{machine}-unknown-linux-{'musl' if musl else 'gnu'}"


def is_musl(triple: str) -> bool:
    return platform_of(triple).values["target_env"] == "musl"


class Platform(Frozen, frozen=True, kw_only=True):
    """A target triple and what `cfg(…)` can ask of it, by name."""

    triple: str
    values: dict[str, str]


def platform_of(triple: str) -> Platform:
    """Return what a triple, such as `x86_64-unknown-linux-gnu`, says of its platform."""
    architecture, *rest = triple.split("-")
    vendor, system, environment = (*rest, "", "", "")[:3] if len(rest) > 1 else ("unknown", *rest, "")[:3]
    arch = "arm" if architecture.startswith("arm") else _ARCHITECTURES.get(architecture, architecture)
    for abi in _ABIS:
        environment = environment.removesuffix(abi)
    system = _SYSTEMS.get(system, system)
    return Platform(
        triple=triple,
        values={
            "target_arch": arch,
            "target_vendor": _VENDORS.get(vendor, vendor),
            "target_os": system,
            "target_env": environment,
            "target_family": _FAMILIES.get(system, "unix"),
            "target_pointer_width": _WIDTHS.get(arch, "64"),
            "target_endian": "big" if architecture in _BIG_ENDIAN else "little",
        },
    )


def holds(condition: str | None, platform: Platform) -> bool | None:
    """Return whether a condition, `cfg(…)` or a triple, is true; None where the triple does not tell.

    What does not tell are compiler flags and features of processors.
    """
    if condition is None:
        return True
    text = condition.strip()
    if not text.startswith("cfg("):
        return text == platform.triple
    tokens = [match.groupdict() for match in _TOKEN.finditer(text)]
    value, _ = _evaluate(tokens, 2, platform)
    return value


_Tokens = list[dict[str, "str | None"]]


def _evaluate(tokens: _Tokens, place: int, platform: Platform) -> tuple[bool | None, int]:
    """Return the value of the predicate that starts at a place, and the place behind it."""
    if place >= len(tokens):
        return None, place
    word = tokens[place]["word"] or ""
    following = tokens[place + 1]["mark"] if place + 1 < len(tokens) else None
    if following == "(":
        values = []
        place += 2
        while place < len(tokens) and tokens[place]["mark"] != ")":
            if tokens[place]["mark"] == ",":
                place += 1
                continue
            value, place = _evaluate(tokens, place, platform)
            values.append(value)
        return _combine(word, values), place + 1
    if following == "=":
        text = tokens[place + 2]["text"] if place + 2 < len(tokens) else None
        return _compare(word, text or "", platform), place + 3
    return _named(word, platform), place + 1


def _combine(word: str, values: list[bool | None]) -> bool | None:
    if word == "not":
        return None if not values or values[0] is None else not values[0]
    if word == "all":
        return False if False in values else (None if None in values else True)
    return True if True in values else (None if None in values else False)


def _compare(name: str, text: str, platform: Platform) -> bool | None:
    if name == "target_has_atomic" and platform.values["target_arch"] in _WITH_ALL_ATOMICS:
        return text in _ATOMICS
    return platform.values[name] == text if name in platform.values else None


def _named(name: str, platform: Platform) -> bool | None:
    if name in {"unix", "windows"}:
        return platform.values["target_family"] == name
    return {"true": True, "false": False}.get(name)
