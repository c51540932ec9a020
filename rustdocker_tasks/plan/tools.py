"""What the build image has to have besides Rust: records of data/tools.toml, and those that are needed. Pure."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec
import tomli

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rustdocker_tasks.cargo.model import CargoConfig

# Of rustc, and of the C compiler that links for it. Source: the rustc book, "Codegen Options"; gcc(1), "Linking".
_NAMES_A_LINKER = re.compile(r"(?:-fuse-ld=|--ld-path=|linker=)(\S+)")


class Tool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A program, and the package of Debian that brings it."""

    program: str
    package: str
    linkers: tuple[str, ...] = ()


@cache
def load_tools() -> Mapping[str, Tool]:
    """Return the tools by name."""
    text = files("rustdocker_tasks").joinpath("data/tools.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomli.loads(text), type=dict[str, Tool])


def tools_of(config: CargoConfig, *, needs_musl_for_c: bool, needs_git: bool) -> tuple[Tool, ...]:
    """Return what a build with this configuration of cargo's needs, in the order of the file."""
    named = set(_linkers(config))
    wanted = {"musl": needs_musl_for_c, "git": needs_git}
    return tuple(tool for name, tool in load_tools().items() if named & {*tool.linkers} or wanted.get(name))


def _linkers(config: CargoConfig) -> Iterator[str]:
    """The linkers that the configuration names, without their folders; those of other systems are left out."""
    tables = [table for name, table in config.by_target.items() if "-linux" in name or name.startswith("cfg(")]
    for flags in (config.rustflags, *(table.rustflags for table in tables)):
        yield from (name.rpartition("/")[2] for name in _NAMES_A_LINKER.findall(" ".join(flags)))
    yield from (table.linker.rpartition("/")[2] for table in tables if table.linker is not None)
