"""What the sources of a project hold now: content by path, read again only where the disk says so.

Nothing is written here, and nothing of the user's is touched.
"""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

# Folders that hold no sources: the mark of Bryan Ford's Cache Directory Tagging Specification (cargo's target
# folder has it), and of PEP 405 for virtual environments.
_MARKS_OF_OTHERS = ("CACHEDIR.TAG", "pyvenv.cfg")
NAMES_OF_OTHERS = frozenset({".git", "__pycache__", "node_modules"})
_NO_FILES = ("/proc", "/sys", "/dev")  # what a link may lead to and nobody compiles
# A file written in the same tick of the clock as it was read keeps its times: read such a one again.
# The coarsest clock of a usual file system is FAT's, 2 s.
_TICK = 2_000_000_000


class Row(NamedTuple):
    """One file. Times in nanoseconds.

    `content` is `x` or `-` for who may execute it, and the SHA-256 of its bytes; "" if it cannot be read.
    """

    inode: int
    size: int
    modified: int
    changed: int  # ctime: set by the kernel at each change of the file, and by nobody else
    content: str

    def same_file(self, status: os.stat_result) -> bool:
        return (self.inode, self.size, self.modified, self.changed) == _signature(status)


# The files of a package by absolute path.
Rows = dict[str, Row]


def scan(folder: Path, *, others: frozenset[str], extra: Iterable[Path], known: Mapping[str, Row]) -> Rows:
    """Return what is in `folder` and the `extra` files and folders.

    `others` are folders and files left out, such as packages inside this one. `known` are rows of an earlier scan:
    a file with the same inode, size and times is not read again. A file that cannot be read has the content "".
    """
    found = [*_walk(str(folder), others), *(item for path in extra for item in _extra(str(path), others))]
    return {path: _row(path, status, known.get(path)) for path, status in found}


def _walk(folder: str, others: frozenset[str]) -> Iterator[tuple[str, os.stat_result]]:
    seen: set[tuple[int, int]] = set()
    for name, folders, files in os.walk(folder, followlinks=True):
        identity = next(((status.st_dev, status.st_ino) for _, status in _status(name)), None)
        if identity in {None, *seen} or (name != folder and _is_other(name, files, others)):
            folders.clear()
            continue
        seen.add(cast("tuple[int, int]", identity))
        folders[:] = sorted(f for f in folders if f not in NAMES_OF_OTHERS)
        for file in files:
            path = os.path.join(name, file)
            if path not in others:
                yield from _status(path)


def _extra(path: str, others: frozenset[str]) -> Iterator[tuple[str, os.stat_result]]:
    if os.path.isdir(path):
        yield from _walk(path, others)
    else:
        yield from _status(path)


def _is_other(name: str, files: list[str], others: frozenset[str]) -> bool:
    if name in others or any(mark in files for mark in _MARKS_OF_OTHERS):
        return True
    return os.path.islink(name) and os.path.realpath(name).startswith(_NO_FILES)


def _status(path: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        yield path, os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return  # a dangling link, or a file that has just gone: it has no content
    except OSError:
        # A loop of links and the like: cargo will say so if it matters.
        return


def _row(path: str, status: os.stat_result, known: Row | None) -> Row:
    if known is not None and known.same_file(status) and known.content:
        return known
    content = _content(path, status)
    return Row(*_signature(status), content)


def _signature(status: os.stat_result) -> tuple[int, int, int, int]:
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _content(path: str, status: os.stat_result) -> str:
    mode = "x" if status.st_mode & 0o111 else "-"
    digest = sha256()
    if not stat.S_ISREG(status.st_mode):
        return mode  # a pipe or socket has no content, and opening it could wait for ever
    try:
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError:
        return ""
    return mode + digest.hexdigest()


def settled(row: Row, *, now: int) -> bool:
    """Whether a later change of the file must show in its times. `now` is the time of the scan, in ns."""
    return row.changed < now - _TICK
