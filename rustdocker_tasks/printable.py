"""Values as text that can be shown: names in files may hold a terminal's commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_MEGABYTE = 1_000_000


def printable(text: str) -> str:
    """Return `text` with all control characters but line breaks escaped."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def megabytes(size: int) -> str:
    """Return a number of bytes for reading."""
    return f"{size / _MEGABYTE:.1f} MB"


def aligned(rows: Sequence[tuple[str, str]]) -> str:
    """Return a line for each row, all second columns below each other."""
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)


def as_bake(value: object) -> str:
    """Return a value as bake's files have it: as JSON, but for what stands for an expression there.

    Source: the Docker docs, "Expression evaluation in Bake".
    """
    import json

    return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def as_json(value: object) -> str:
    import json

    return json.dumps(value, indent=2)
