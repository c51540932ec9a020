"""The patterns of a .dockerignore, as BuildKit reads them. Pure.

Source: moby/patternmatcher, patternmatcher.go and ignorefile/ignorefile.go. The docker SDK's own reader takes
upper case for lower and does not look into folders below a `**`.
"""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache

from rustdocker_tasks.frozen import Frozen

# Source: Go's path/filepath, "Match", and what docker refused of patterns of each kind.
_CHARACTER = r"(?:\\.|[^\\\]-])"
_WELL_FORMED = re.compile(rf"(?:\\.|[^\\\[]|\[\^?(?:{_CHARACTER}(?:-{_CHARACTER})?)+\])*", re.DOTALL)


def parse_ignore_file(text: str) -> tuple[str, ...]:
    """Return the patterns in the text of an ignore file, cleaned as BuildKit cleans them."""
    patterns = []
    for line in text.splitlines():
        pattern = line.strip()
        if line.startswith("#") or not pattern:
            continue
        negation = "!" if pattern.startswith("!") else ""
        cleaned = posixpath.normpath(pattern.removeprefix("!").strip()).lstrip("/")
        # What was found behind a blank is a comment once it is written at the start of a line.
        patterns.append(negation + re.sub("^#", "[#]", cleaned))
    return tuple(patterns)


def require_pattern(pattern: str) -> None:
    """Raise ValueError for what docker does not take for a pattern."""
    if not _WELL_FORMED.fullmatch(pattern):
        message = "a syntax error in a pattern"
        raise ValueError(message)
    try:
        re.compile(_expression(pattern.removeprefix("!")))
    except re.error as error:
        raise ValueError(str(error)) from error


def literal(path: str) -> str:
    """Return the pattern for one path and no other: no wildcard, comment or negation, and with all its blanks."""
    text = re.sub(r"([\\*?\[])", r"\\\1", path)
    return re.sub(r"^[#!\s]|\s$", r"[\g<0>]", text)


def is_outside(pattern: str) -> bool:
    """Whether a pattern is for what lies outside of its ignore file's folder, of which nothing is sent anyway."""
    return pattern.removeprefix("!").split("/")[0] == ".."


def below(folder: str, pattern: str) -> str:
    """Return a pattern of the ignore file in a folder of the context as one for the context's root."""
    if folder == ".":
        return pattern
    negation = "!" if pattern.startswith("!") else ""
    return f"{negation}{literal(folder)}/{pattern.removeprefix('!')}"


class _Pattern(Frozen, frozen=True):
    matches: re.Pattern[str]
    excludes: bool


class IgnorePatterns:
    """Patterns in order: the last that changes the verdict decides."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = [
            _Pattern(re.compile(_expression(pattern.removeprefix("!"))), excludes=not pattern.startswith("!"))
            for pattern in patterns
        ]
        self._search = lru_cache(maxsize=None)(self._search_anew)

    def ignores(self, path: str) -> bool:
        """Return whether the file at `path`, relative and with forward slashes, is kept out."""
        return self._search(path)[0]

    def _search_anew(self, path: str) -> tuple[bool, tuple[bool, ...]]:
        """Return the verdict on a path, and which patterns matched it or a folder above it.

        As BuildKit has it, a pattern that could not change the verdict is not tried, and so counts as no match for
        what lies below.
        """
        folder = posixpath.dirname(path)
        above = self._search(folder)[1] if folder else (False,) * len(self._patterns)
        verdict, matched = False, []
        for pattern, hit_above in zip(self._patterns, above, strict=True):
            hit = hit_above or (pattern.excludes != verdict and pattern.matches.fullmatch(path) is not None)
            matched.append(hit)
            verdict = pattern.excludes if hit else verdict
        return verdict, tuple(matched)


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
