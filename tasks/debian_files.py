"""The list of what Debian's packages for compiling hold, made of Debian's own lists of files."""

from __future__ import annotations

import gzip
import re
import urllib.request
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from invoke.context import Context
from invoke.tasks import task

from rustdocker_tasks.debian_files import DATA, HEADER, LIBRARY, MODULE
from tasks.lab.debian import mirror

_KINDS = (
    (MODULE, re.compile(r"usr/(?:lib/(?:x86_64-linux-gnu/)?|share/)pkgconfig/([^/\s]+)\.pc")),
    (LIBRARY, re.compile(r"usr/lib/(?:x86_64-linux-gnu/)?lib([^/\s]+)\.(?:so|a)")),
    (HEADER, re.compile(r"usr/include/(?:x86_64-linux-gnu/)?([^/\s]+\.h)")),
)
_FOLDER = re.compile(r"usr/include/(?:x86_64-linux-gnu/)?([^/\s]+/)[^/]+\.h")


@task(auto_shortflags=False, help={"release": "The name of the Debian release."})
def debian_files(_: Context, release: str = "trixie") -> None:
    """Write anew which package of Debian has which library, header and module of pkg-config."""
    found: dict[tuple[str, str], set[str]] = {}
    for path, packages in _listed(release):
        for key in _keys(path):
            if key[1].endswith("/") and found.get(key, {*packages}) != {*packages}:
                # Packages that share a folder tell nothing; of those that all have all of its files, any does.
                found[key] = set()
            else:
                found.setdefault(key, set()).update(packages)
    rows = (
        f"{kind} {name} {min(packages, key=lambda each: (len(each), each))}\n"
        for (kind, name), packages in sorted(found.items())
        if packages
    )
    content = gzip.compress("".join(rows).encode(), mtime=0)
    Path(str(files("rustdocker_tasks").joinpath(DATA))).write_bytes(content)


def _keys(path: str) -> Iterator[tuple[str, str]]:
    for kind, pattern in _KINDS:
        if match := pattern.fullmatch(path):
            yield kind, match[1]
    if match := _FOLDER.fullmatch(path):
        yield HEADER, match[1]


def _listed(release: str) -> Iterator[tuple[str, list[str]]]:
    """Every file with its packages for development, as Debian lists them."""
    for architecture in ("amd64", "all"):
        address = f"{mirror()}/dists/{release}/main/Contents-{architecture}.gz"
        with urllib.request.urlopen(address) as answer, gzip.open(answer, "rt", errors="replace") as lines:
            for line in lines:
                path, _, places = line.rstrip("\n").rpartition(" ")
                names = [place.rpartition("/")[2] for place in places.split(",")]
                if develops := [name for name in names if "-dev" in name]:
                    yield path.rstrip(), develops
