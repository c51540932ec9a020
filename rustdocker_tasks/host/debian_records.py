"""The records of the Debian packages that an image's libraries are of, for scanners and licences.

As in distroless images: a package's record in /var/lib/dpkg/status.d, with the digests of its files that are
there, its copyright file, and the system's own name. Where the machine is no Debian there are none.
"""

from __future__ import annotations

import os
import re
import shutil
from hashlib import md5
from pathlib import Path, PurePosixPath
from subprocess import CalledProcessError
from typing import TYPE_CHECKING

from rustdocker_tasks.inputs.root_files import Entry
from rustdocker_tasks.process import read_output

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rustdocker_tasks.host.program import Library

_RECORDS = PurePosixPath("/var/lib/dpkg/status.d")
_OS_RELEASE = PurePosixPath("/etc/os-release")
# `libc6:amd64: /lib/x86_64-linux-gnu/libc.so.6`; a file that several packages have names them all.
_OWNED = re.compile(r"(?P<package>[a-z0-9][a-z0-9.+-]*(?::[a-z0-9-]+)?)(?:, [^ ]+)*: (?P<path>/.*)")


def record_entries(libraries: Sequence[Library]) -> Iterator[Entry]:
    """Return the files that say of which packages the libraries are."""
    if shutil.which("dpkg-query") is None:
        return
    by_package: dict[str, list[Library]] = {}
    names = {library: {str(library.source), os.path.realpath(library.source)} for library in libraries}
    owners = parse_owners(_ask("--search", *sorted(set().union(*names.values()))))
    for library in libraries:
        package = next((owners[name] for name in sorted(names[library]) if name in owners), None)
        if package is not None:
            by_package.setdefault(package, []).append(library)
    for package, own in by_package.items():
        yield from _of_package(package, own)
    if by_package and Path(_OS_RELEASE).is_file():
        yield _file(_OS_RELEASE, Path(_OS_RELEASE).read_bytes())


def parse_owners(told: str) -> Mapping[str, str]:
    """Return the packages by file, of what `dpkg-query --search` prints. Source: dpkg-query(1)."""
    matches = map(_OWNED.fullmatch, told.splitlines())
    return {match["path"]: match["package"] for match in matches if match is not None}


def _of_package(package: str, libraries: Sequence[Library]) -> Iterator[Entry]:
    name = package.partition(":")[0]
    sums = (
        f"{md5(library.source.read_bytes(), usedforsecurity=False).hexdigest()}  "
        f"{str(library.destination).removeprefix('/')}\n"
        for library in libraries
    )
    yield _file(_RECORDS / name, _ask("--status", package).encode())
    yield _file(_RECORDS / f"{name}.md5sums", "".join(sums).encode())
    licence = Path("/usr/share/doc", name, "copyright")
    if licence.is_file():
        yield _file(PurePosixPath(licence), licence.read_bytes())


def _file(path: PurePosixPath, content: bytes) -> Entry:
    return Entry(path=path, mode=0o644, content=content)


def _ask(*words: str) -> str:
    """Return what dpkg prints, which fails where it knows nothing of one of several files."""
    try:
        return read_output(("dpkg-query", *words), environment={**os.environ, "LC_ALL": "C.UTF-8"}, quiet=True)
    except CalledProcessError as error:
        return str(error.stdout)
