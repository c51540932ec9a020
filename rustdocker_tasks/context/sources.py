"""What a build in containers gets of the user's sources: every file with its digest, and what is kept out."""

from __future__ import annotations

import os
import re
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rustdocker_tasks.context.ignore import IgnorePatterns, parse_ignore_file
from rustdocker_tasks.errors import UnusableSource
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.inputs.source_tree import NAMES_OF_OTHERS, read_content, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

IGNORE_FILE = ".dockerignore"
# What people keep beside their sources and nobody wants in an image; the patterns are .dockerignore's.
_NEVER = (*sorted(f"**/{name}" for name in NAMES_OF_OTHERS), "**/.env", "**/.env.*", "target")


class SourceFile(NamedTuple):
    """A file of the sources. `path` is relative to the workspace's root, with forward slashes."""

    path: str
    digest: str  # SHA-256 of the content, in hex
    executable: bool
    place: Path
    is_plain: bool  # no link on the way to it, so that a build context brings it as it is


class Sources(Frozen, frozen=True, kw_only=True):
    """The sources by path, in order, and the patterns of the ignore file that lets them and nothing else pass."""

    files: Mapping[str, SourceFile]
    patterns: tuple[str, ...]


def list_sources(root: Path, *, others: Iterable[Path] = ()) -> Sources:
    """Return what the build may read, without `others`; raises UnusableSource."""
    patterns = ignore_patterns(root)
    ignored = IgnorePatterns(patterns)
    left_out = frozenset({str(root / "target"), *map(str, others)})
    found_others: list[str] = []
    real_root = root.resolve()

    @cache
    def is_plain_folder(folder: Path) -> bool:
        return folder.resolve() == real_root / folder.relative_to(root)

    found = []
    for name, status in walk(str(root), left_out, on_other=found_others.append):
        path = os.path.relpath(name, root).replace(os.sep, "/")
        if ignored.ignores(path):
            continue
        content = read_content(name, status)
        if len(content) == 1:  # a pipe or a socket
            continue
        _require_usable(name, content)
        place = Path(name)
        is_plain = not place.is_symlink() and is_plain_folder(place.parent)
        found.append(SourceFile(path, content[1:], content[0] == "x", place, is_plain))
    # Also those that buildx is about to make.
    found_others += [str(folder) for folder in others if folder.is_relative_to(root)]
    folders = {os.path.relpath(folder, root).replace(os.sep, "/") for folder in found_others}
    return Sources(
        files={file.path: file for file in sorted(found)},
        patterns=(*patterns, *(re.sub(r"([\\*?\[])", r"\\\1", folder) for folder in sorted(folders))),
    )


def ignore_patterns(root: Path) -> tuple[str, ...]:
    """Return the patterns of the user's own .dockerignore, and after them ours."""
    try:
        own = (root / IGNORE_FILE).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        own = ""
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableSource(root / IGNORE_FILE, "it cannot be read") from error
    return (*parse_ignore_file(own), *_NEVER)


def render_list(sources: Sources) -> bytes:
    """Return the list that the build compares with what it has: digest, mode, path."""
    return render_rows((file.digest, file.executable, file.path) for file in sources.files.values())


def render_rows(files: Iterable[tuple[str, bool, str]]) -> bytes:
    """Return a list of files, given by digest, whether they are executable, and path."""
    rows = (f"{digest} {'x' if executable else '-'} {path}\n" for digest, executable, path in files)
    return "".join(rows).encode("utf-8", "surrogateescape")


def read_digests(content: bytes) -> dict[str, str]:
    """Return the digests of a list by path."""
    rows = content.decode("utf-8", "surrogateescape").split("\n")[:-1]
    return {path: digest for digest, _, path in (row.split(" ", 2) for row in rows)}


def short_digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:16]


def _require_usable(name: str, content: str) -> None:
    if not content:
        raise UnusableSource(Path(name), "it cannot be read")
    if any(character in name for character in "\n\r\\"):
        raise UnusableSource(Path(name), "a list of files cannot hold this name")
