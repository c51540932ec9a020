"""What the sources of a project hold now: content by path, read again only where the disk says so.

Nothing is written here, and nothing of the user's is touched.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

# Folders that hold no sources: the mark of Bryan Ford's Cache Directory Tagging Specification (cargo's target
# folder has it), and of PEP 405 for virtual environments.
MARK_OF_CACHES = "CACHEDIR.TAG"
_MARKS_OF_OTHERS = (MARK_OF_CACHES, "pyvenv.cfg")
NAMES_OF_OTHERS = frozenset({".git", ".idea", ".vscode", "__pycache__", "node_modules"})
# What editors and file managers write at any time: it would make everything new.
FILES_OF_OTHERS = (".DS_Store", ".*.sw?", ".#*", "*~")
is_of_others = re.compile("|".join(map(fnmatch.translate, FILES_OF_OTHERS))).match
# What `cargo vendor` writes beside a crate's files: cargo compares all that it names, whatever they are called.
MARK_OF_VENDORED = ".cargo-checksum.json"
# What cannot be read is no unknown content: nobody compiles from it.
_CLOSED = "closed"
# What a link may lead to and nobody compiles: Nix leaves links to all of its packages.
_NO_FILES = ("/proc", "/sys", "/dev", "/nix/store")
# A file written in the same tick of the clock as it was read keeps its times: read such a one again.
# The coarsest clock of a usual file system is FAT's, 2 s.
_TICK = 2_000_000_000


class Row(NamedTuple):
    """One file. Times in nanoseconds.

    `content` is `x` or `-` for who may execute it, and the SHA-256 of its bytes; `closed` if the user may not read
    it, "" if that failed otherwise.
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
    a file with the same inode, size and times is not read again.
    """
    found = [*walk(str(folder), others), *(item for path in extra for item in _extra(str(path), others))]
    return {path: _row(path, status, known.get(path)) for path, status in found}


def walk(
    folder: str, others: frozenset[str], *, on_other: Callable[[str], None] = lambda _: None
) -> Iterator[tuple[str, os.stat_result]]:
    """Return the files in a folder, also behind links, each by every way that leads to it without a circle.

    A folder that holds no sources, or that the user may not enter, is left out, and handed to `on_other`.
    """
    yield from _walk_below(folder, others, on_other, above=())


def _walk_below(
    folder: str,
    others: frozenset[str],
    on_other: Callable[[str], None],
    *,
    above: tuple[tuple[int, int], ...],
    in_vendored: bool = False,
) -> Iterator[tuple[str, os.stat_result]]:
    status = next((status for _, status in _status(folder)), None)
    if status is None or (status.st_dev, status.st_ino) in above:
        return
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        # Cargo will say so if it matters, and what sends files would end at it.
        if above:
            on_other(folder)
        return
    names = {entry.name for entry in entries}
    if above and _is_other(folder, names, others):
        on_other(folder)
        return
    in_vendored = in_vendored or MARK_OF_VENDORED in names
    around = (*above, (status.st_dev, status.st_ino))
    for entry in entries:
        if _is_folder(entry):
            if in_vendored or entry.name not in NAMES_OF_OTHERS:
                yield from _walk_below(entry.path, others, on_other, above=around, in_vendored=in_vendored)
        elif entry.path not in others and (in_vendored or not is_of_others(entry.name)):
            yield from _status(entry.path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _extra(path: str, others: frozenset[str]) -> Iterator[tuple[str, os.stat_result]]:
    if os.path.isdir(path):
        yield from walk(path, others)
    else:
        yield from _status(path)


def _is_other(name: str, files: set[str], others: frozenset[str]) -> bool:
    if name in others or not files.isdisjoint(_MARKS_OF_OTHERS):
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
    content = read_content(path, status)
    if not content and not os.access(path, os.R_OK):
        content = _CLOSED
    return Row(*_signature(status), content)


def _signature(status: os.stat_result) -> tuple[int, int, int, int]:
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def read_content(path: str, status: os.stat_result) -> str:
    """Return the content of a row."""
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
