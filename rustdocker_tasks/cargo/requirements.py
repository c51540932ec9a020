"""Whether a version is one that a requirement asks for. Pure.

Source: the Cargo book, "Specifying Dependencies"; the crate semver, src/eval.rs.
"""

from __future__ import annotations

import re

_COMPARATOR = re.compile(r"\s*(?P<operator>=|>=|>|<=|<|~|\^)?\s*(?P<parts>[0-9xX*][^\s]*)\s*")
_ANY = {"x", "X", "*"}


def matches(requirement: str | None, version: str) -> bool:
    """Return whether the version is asked for; both are such as cargo accepts, None asks for any."""
    if requirement is None or requirement.strip() in _ANY:
        return True
    numbers, pre_release = _parse(version)
    comparators = [match for text in requirement.split(",") if (match := _COMPARATOR.fullmatch(text))]
    # A pre-release is taken only where one of the same version is asked for.
    if pre_release and not any(_asks_for_pre_release(match["parts"], numbers) for match in comparators):
        return False
    return all(_fits(match, numbers, pre_release) for match in comparators)


def _asks_for_pre_release(parts: str, numbers: tuple[int, ...]) -> bool:
    wanted, pre_release = _parse(parts)
    return bool(pre_release) and wanted == numbers


def _fits(match: re.Match[str], numbers: tuple[int, ...], pre_release: str) -> bool:
    wanted, wanted_pre = _parse(match["parts"])
    operator = match["operator"] or ("=" if _ANY & set(match["parts"].split(".")) else "^")
    own, limit = _order(numbers, pre_release), _order(_filled(wanted), wanted_pre)
    is_within = numbers[: len(wanted)] == wanted  # as far as numbers are written
    is_whole = len(wanted) == len(numbers)
    fixed = {"~": min(len(wanted), 2), "^": _fixed_by_caret(wanted)}.get(operator, 0)
    return {
        "=": is_within and (not is_whole or pre_release == wanted_pre),
        "<": own < limit,
        "<=": own <= limit or (is_within and not is_whole),
        ">": own > limit and (is_whole or not is_within),
        ">=": own >= limit,
    }.get(operator, own >= limit and numbers[:fixed] == _filled(wanted)[:fixed])


def _fixed_by_caret(wanted: tuple[int, ...]) -> int:
    """All up to the first that is not zero, of those that are written."""
    for place, number in enumerate(wanted):
        if number:
            return place + 1
    return len(wanted)


def _filled(numbers: tuple[int, ...]) -> tuple[int, ...]:
    return (*numbers, 0, 0, 0)[:3]


def _parse(text: str) -> tuple[tuple[int, ...], str]:
    """Return the numbers, up to a wildcard, and the pre-release of a version or a part of one."""
    core, _, pre_release = text.partition("+")[0].partition("-")
    numbers: list[int] = []
    for part in core.split("."):
        if part in _ANY:
            break
        numbers.append(int(part))
    return tuple(numbers), pre_release


def _order(numbers: tuple[int, ...], pre_release: str) -> tuple[object, ...]:
    """Return a key in semver's order: a pre-release is before its version, in it numbers before words."""
    words = [part for part in pre_release.split(".") if part]
    return numbers, not words, tuple((not w.isdigit(), int(w) if w.isdigit() else 0, w) for w in words)
