"""A text file of Cargo's, read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.errors import BrokenManifest

if TYPE_CHECKING:
    from pathlib import Path


def read_text(path: Path) -> str:
    """Return the file's text; raises BrokenManifest."""
    try:
        return path.read_text(encoding="utf-8-sig")  # cargo accepts a byte order mark
    except FileNotFoundError as error:
        hint = "add it, or mend what names its folder: `members`, a path dependency, `package.workspace`"
        raise BrokenManifest(path, "there is no such file", hint=hint) from error
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BrokenManifest(
            path, f"it cannot be read: {problem}", hint=f"make {path} a readable text file"
        ) from error
