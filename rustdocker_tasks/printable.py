"""Text of others, made safe to show: names in files may hold a terminal's commands."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return `text` with all control characters but line breaks escaped."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)
