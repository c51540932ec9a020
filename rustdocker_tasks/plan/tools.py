"""What the build image has to have besides Rust: records of data/tools.toml, and those that are needed. Pure."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec
import tomli

from rustdocker_tasks.cargo.platforms import holds, platform_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rustdocker_tasks.cargo.model import CargoConfig

# Of rustc, and of the C compiler that links for it. Source: the rustc book, "Codegen Options"; gcc(1), "Linking".
_SYSTEM = re.compile("^/usr/(?:local/)?bin/")  # a program in another folder is the project's own
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


def tools_of(config: CargoConfig, triple: str, *, needs_musl_for_c: bool, needs_git: bool) -> tuple[Tool, ...]:
    """Return what a build for a target with this configuration of cargo's needs, in the order of the file."""
    named = set(_linkers(config, triple))
    wanted = {"musl": needs_musl_for_c, "git": needs_git}
    return tuple(tool for name, tool in load_tools().items() if named & {*tool.linkers} or wanted.get(name))


def _linkers(config: CargoConfig, triple: str) -> Iterator[str]:
    """The linkers that the configuration names for a target, without the system's folders."""
    platform = platform_of(triple)
    tables = [table for name, table in config.by_target.items() if holds(name, platform) is not False]
    for flags in (config.rustflags, *(table.rustflags for table in tables)):
        yield from (_SYSTEM.sub("", name) for name in _NAMES_A_LINKER.findall(" ".join(flags)))
    yield from (_SYSTEM.sub("", table.linker) for table in tables if table.linker is not None)
