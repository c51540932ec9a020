"""The patterns of a .dockerignore, as BuildKit reads them. Pure.

Source: moby/patternmatcher, patternmatcher.go and ignorefile/ignorefile.go. The docker SDK's own reader takes
upper case for lower and does not look into folders below a `**`.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from functools import lru_cache


def parse_ignore_file(text: str) -> tuple[str, ...]:
    """Return the patterns in the text of an ignore file, cleaned as BuildKit cleans them."""
    patterns = []
    for line in text.splitlines():
        pattern = line.strip()
        if line.startswith("#") or not pattern:
            continue
        negation = "!" if pattern.startswith("!") else ""
        cleaned = posixpath.normpath(pattern.removeprefix("!").strip()).lstrip("/")
        patterns.append(negation + cleaned)
    return tuple(patterns)


@dataclass(frozen=True, slots=True)
class _Pattern:
    matches: re.Pattern[str]
    excludes: bool


class IgnorePatterns:
    """Patterns in order: the last that matches a path, or a folder above it, decides."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = [
            _Pattern(re.compile(_expression(pattern.removeprefix("!"))), excludes=not pattern.startswith("!"))
            for pattern in patterns
        ]
        self._matched_by = lru_cache(maxsize=None)(self._search)

    def ignores(self, path: str) -> bool:
        """Return whether the file at `path`, relative and with forward slashes, is kept out."""
        matched = self._matched_by(path)
        return next(
            (p.excludes for p, hit in zip(reversed(self._patterns), reversed(matched), strict=True) if hit), False
        )

    def _search(self, path: str) -> tuple[bool, ...]:
        folder = posixpath.dirname(path)
        above = self._matched_by(folder) if folder else (False,) * len(self._patterns)
        return tuple(
            hit or p.matches.fullmatch(path) is not None for p, hit in zip(self._patterns, above, strict=True)
        )


def _expression(pattern: str) -> str:
    """Return the regular expression for a pattern: Go's filepath.Match, and `**` for any number of folders."""
    made, at = [], 0
    while at < len(pattern):
        character = pattern[at]
        if pattern.startswith("**", at):
            at += 2
            if pattern.startswith("/", at):
                at += 1
            made.append(".*" if at >= len(pattern) else "(?:.*/)?")
            continue
        if character == "[" and (end := pattern.find("]", at + 2)) > 0:
            inside = pattern[at + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            made.append(f"[{inside}]")
            at = end + 1
            continue
        if character == "\\" and at + 1 < len(pattern):
            at += 1
            made.append(re.escape(pattern[at]))
        else:
            made.append({"*": "[^/]*", "?": "[^/]"}.get(character) or re.escape(character))
        at += 1
    return "".join(made)
