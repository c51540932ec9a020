"""Which package of Debian has a library, a header or a module of pkg-config: lists of `invoke debian-files`."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA = "data/debian_files.txt.gz"
MODULE, LIBRARY, HEADER = "module", "library", "header"


def find_package(kind: str, name: str) -> str | None:
    """Return the package of Debian trixie that has what compilers ask for, None where none is known.

    A header is known by its path below /usr/include, or by its folder there.
    """
    known = _load()
    package = known.get((kind, name))
    if package is None and kind == HEADER and "/" in name:
        package = known.get((HEADER, name.rsplit("/", 1)[0] + "/"))
    return package


@cache
def _load() -> Mapping[tuple[str, str], str]:
    content = files("rustdocker_tasks").joinpath(DATA).read_bytes()
    rows = (line.split(" ") for line in gzip.decompress(content).decode().splitlines())
    return {(kind, name): package for kind, name, package in rows}
