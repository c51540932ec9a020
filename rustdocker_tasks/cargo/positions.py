"""On which line of a TOML document a key stands, which a parser's result does not tell. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import tomli

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PART = r"""(?:[^\s."'=\[\]{}#,]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_DOTTED = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_HEADER = re.compile(rf"\[\[?[ \t]*({_DOTTED})[ \t]*\]\]?")
_KEY = re.compile(rf"({_DOTTED})[ \t]*=")
_BLANK = re.compile(r"(?:\s|#[^\n]*)+")
# What a value is made of, as far as its end is concerned: strings, comments, brackets, anything else.
_PIECE = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|'
    r"'''.*?'{3,5}|"
    r'"(?:[^"\\\n]|\\.)*"|'
    r"'[^'\n]*'|#[^\n]*|[\[{]|[\]}]|\n|[^\"'#\[\]{}\n]+",
    re.DOTALL,
)

Path = tuple[str, ...]


@lru_cache(maxsize=4)
def key_lines(text: str) -> Mapping[Path, int]:
    """Return the line, counted from 1, of every table and of every key in one, by the parts of its name.

    Of an array of tables it is the first. Keys inside of an inline table are not told apart. `text` is a document
    that tomli has read.
    """
    lines: dict[Path, int] = {}
    line, counted = 1, 0
    for path, offset in _keys(text):
        line, counted = line + text.count("\n", counted, offset), offset
        lines.setdefault(path, line)
    return lines


def line_of(lines: Mapping[Path, int], path: Path) -> int | None:
    """Return the line of a key, or of the innermost table around it whose line is known."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path)


def _keys(text: str) -> Iterator[tuple[Path, int]]:
    table: Path = ()
    offset = 0
    while offset < len(text):
        if blank := _BLANK.match(text, offset):
            offset = blank.end()
        elif header := _HEADER.match(text, offset):
            table = _parts(header[1])
            yield table, offset
            offset = header.end()
        elif key := _KEY.match(text, offset):
            yield (*table, *_parts(key[1])), offset
            offset = _end_of_value(text, key.end())
        else:
            return  # it is no TOML that we know


def _parts(dotted: str) -> Path:
    return tuple(next(iter(tomli.loads(f"{part} = 0"))) for part in re.findall(_PART, dotted))


def _end_of_value(text: str, offset: int) -> int:
    depth = 0
    while offset < len(text):
        piece = _PIECE.match(text, offset)
        if piece is None:
            return len(text)
        if piece[0] == "\n" and depth == 0:
            return offset
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(piece[0], 0)
        offset = piece.end()
    return offset
