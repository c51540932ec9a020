"""Which names stand in a text, as whole words."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def words_in(content: bytes, names: Iterable[str]) -> set[str]:
    """Return those of the names, each of letters, digits and `_`, that stand in the content."""
    return {found.decode() for found in _pattern(tuple(names)).findall(content)}


@cache
def _pattern(names: tuple[str, ...]) -> re.Pattern[bytes]:
    return re.compile(rb"\b(?:" + b"|".join(re.escape(name.encode()) for name in names) + rb")\b")
