"""What the build image has to have besides Rust, and who asks for it: Debian's packages. Pure."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec
import tomli
from msgspec.structs import replace

from rustdocker_tasks.cargo.platforms import holds, platform_of
from rustdocker_tasks.debian_files import LIBRARY, find_package
from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rustdocker_tasks.cargo.model import CargoConfig

_SYSTEM = re.compile("^/usr/(?:local/)?bin/")  # a program in another folder is the project's own
# Of rustc, and of the C compiler that links for it. Source: the rustc book, "Codegen Options"; gcc(1), "Linking".
_NAMES_A_LINKER = re.compile(r"(?:-fuse-ld=|--ld-path=|linker=)(\S+)")


class Tool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record of data/tools.toml: a program, and the package of Debian that brings it."""

    package: str
    program: str | None = None  # None: that it is there does not say enough
    linkers: tuple[str, ...] = ()


class BuildPackage(Frozen, frozen=True, kw_only=True):
    """A package of Debian that the build image has to have."""

    package: str
    program: str | None = None  # the package is not needed where this program is there
    because: str  # who asks for it
    libraries: tuple[str, ...] = ()  # what it is linked as, where Debian's lists have another package for that


_SHARED_LIBRARY = re.compile(r"lib(.+?)\.so(?:\.[0-9.]+)?")


def who_asks_for(file: str, packages: Iterable[BuildPackage]) -> str | None:
    """Return who asks for a shared library, a crate or a setting, by the package that was installed to link it.

    `file` is its name, `libpq.so.5`.
    """
    match = _SHARED_LIBRARY.fullmatch(file)
    if match is None:
        return None
    package = find_package(LIBRARY, match[1])
    return next((each.because for each in packages if match[1] in each.libraries or each.package == package), None)


@cache
def load_tools() -> Mapping[str, Tool]:
    """Return the tools by name."""
    text = files("rustdocker_tasks").joinpath("data/tools.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomli.loads(text), type=dict[str, Tool])


def tool_package(name: str, because: str) -> BuildPackage:
    tool = load_tools()[name]
    return BuildPackage(package=tool.package, program=tool.program, because=because)


def tools_of(config: CargoConfig, triple: str, asked: Mapping[str, str | None]) -> tuple[BuildPackage, ...]:
    """Return what a build for a target with this configuration of cargo's needs, in the order of the file.

    `asked` says of further tools who asks for them, None for nobody.
    """
    named = set(_linkers(config, triple))
    linkers = (name for name, tool in load_tools().items() if named & {*tool.linkers})
    reasons = dict.fromkeys(linkers, "a linker of cargo's configuration")
    reasons |= {name: reason for name, reason in asked.items() if reason is not None}
    return tuple(tool_package(name, reasons[name]) for name in load_tools() if name in reasons)


def without_duplicates(packages: Iterable[BuildPackage]) -> tuple[BuildPackage, ...]:
    """Return each package once, with all who ask for it."""
    by_name: dict[str, BuildPackage] = {}
    for each in packages:
        first = by_name.setdefault(each.package, each)
        # Those of a list may have been put together before.
        asked = dict.fromkeys((*first.because.split(", "), *each.because.split(", ")))
        by_name[each.package] = replace(first, because=", ".join(asked))
    return tuple(by_name.values())


def _linkers(config: CargoConfig, triple: str) -> Iterator[str]:
    """The linkers that the configuration names for a target, without the system's folders."""
    platform = platform_of(triple)
    tables = [table for name, table in config.by_target.items() if holds(name, platform) is not False]
    for flags in (config.rustflags, *(table.rustflags for table in tables)):
        yield from (_SYSTEM.sub("", name) for name in _NAMES_A_LINKER.findall(" ".join(flags)))
    yield from (_SYSTEM.sub("", table.linker) for table in tables if table.linker is not None)
