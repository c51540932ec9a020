"""What a build in containers gets of the user's sources: every file with its digest, and what is kept out."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from rustdocker_tasks.context.ignore import IgnorePatterns, parse_ignore_file
from rustdocker_tasks.errors import UnusableSource
from rustdocker_tasks.inputs.source_tree import NAMES_OF_OTHERS, scan

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


def list_sources(root: Path) -> tuple[SourceFile, ...]:
    """Return what the build may read, in the order of the paths; raises UnusableSource."""
    ignored = IgnorePatterns(ignore_patterns(root))
    rows = scan(root, others=frozenset({str(root / "target")}), extra=(), known={})
    real_root = root.resolve()
    found = []
    for name, row in sorted(rows.items()):
        path = os.path.relpath(name, root).replace(os.sep, "/")
        if ignored.ignores(path) or len(row.content) == 1:
            continue
        _require_usable(name, row.content)
        is_plain = Path(name).resolve() == real_root / path
        found.append(SourceFile(path, row.content[1:], row.content[0] == "x", Path(name), is_plain))
    return tuple(found)


def ignore_patterns(root: Path) -> tuple[str, ...]:
    """Return the patterns of the user's own .dockerignore, and after them ours."""
    try:
        own = (root / IGNORE_FILE).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        own = ""
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableSource(root / IGNORE_FILE, "it cannot be read") from error
    return (*parse_ignore_file(own), *_NEVER)


def render_list(sources: tuple[SourceFile, ...]) -> bytes:
    """Return the list that the build compares with what it has: digest, mode, path."""
    rows = (f"{file.digest} {'x' if file.executable else '-'} {file.path}\n" for file in sources)
    return "".join(rows).encode("utf-8", "surrogateescape")


def short_digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:16]


def _require_usable(name: str, content: str) -> None:
    if not content:
        raise UnusableSource(Path(name), "it cannot be read")
    if any(character in name for character in "\n\r\\"):
        raise UnusableSource(Path(name), "a list of files cannot hold this name")
