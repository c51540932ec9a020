"""Versions and requirements, as the Cargo book has them in "Specifying Dependencies"."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustdocker_tasks.cargo.requirements import matches


@pytest.mark.parametrize(
    ("requirement", "first", "last", "after"),
    [
        ("1.2.3", "1.2.3", "1.99.0", "2.0.0"),
        ("^1.2.3", "1.2.3", "1.99.0", "2.0.0"),
        ("1.2", "1.2.0", "1.99.0", "2.0.0"),
        ("1", "1.0.0", "1.99.0", "2.0.0"),
        ("0.2.3", "0.2.3", "0.2.99", "0.3.0"),
        ("0.0.3", "0.0.3", "0.0.3", "0.0.4"),
        ("0.0", "0.0.0", "0.0.99", "0.1.0"),
        ("0", "0.0.0", "0.99.0", "1.0.0"),
        ("~1.2.3", "1.2.3", "1.2.99", "1.3.0"),
        ("~1.2", "1.2.0", "1.2.99", "1.3.0"),
        ("~1", "1.0.0", "1.99.0", "2.0.0"),
        ("1.*", "1.0.0", "1.99.0", "2.0.0"),
        ("1.2.*", "1.2.0", "1.2.99", "1.3.0"),
        ("=1.2.3", "1.2.3", "1.2.3", "1.2.4"),
        ("=1.2", "1.2.0", "1.2.99", "1.3.0"),
        (">=1.2, <1.5", "1.2.0", "1.4.99", "1.5.0"),
        (">1.2, <=1.5", "1.3.0", "1.5.99", "1.6.0"),
        ("> 1.2.3, < 2", "1.2.4", "1.99.0", "2.0.0"),
        ("=1.2.3-rc.1", "1.2.3-rc.1", "1.2.3-rc.1", "1.2.3"),
        (">=1.2.3-rc.2, <1.3.0", "1.2.3-rc.2", "1.2.99", "1.3.0"),
    ],
)
def test_a_requirement_begins_and_ends(requirement: str, first: str, last: str, after: str) -> None:
    assert matches(requirement, first)
    assert matches(requirement, last)
    assert not matches(requirement, after)


@pytest.mark.parametrize(
    ("requirement", "before"),
    [
        ("1.2.3", "1.2.2"),
        ("0.2.3", "0.2.2"),
        ("~1.2.3", "1.2.2"),
        (">1.2", "1.2.9"),
        (">=1.2.3-rc.2", "1.2.3-rc.1"),
        ("1.2.3", "1.2.4-rc.1"),
        ("1", "2.0.0-rc.1"),
        (">=1.0.0-rc.1", "1.1.0-rc.1"),
    ],
)
def test_what_is_not_asked_for_is_not_taken(requirement: str, before: str) -> None:
    assert not matches(requirement, before)


@pytest.mark.parametrize("requirement", [None, "*", "x"])
def test_any_version(requirement: str | None) -> None:
    assert matches(requirement, "0.1.0")


NUMBERS = st.tuples(*[st.integers(0, 3)] * 3)


@given(NUMBERS, NUMBERS)
def test_a_caret_is_two_comparisons(wanted: tuple[int, ...], version: tuple[int, ...]) -> None:
    major, minor, patch = wanted
    above = (major + 1, 0, 0) if major else (0, minor + 1, 0) if minor else (0, 0, patch + 1)
    text = ".".join(map(str, version))

    expected = wanted <= version < above

    assert matches(".".join(map(str, wanted)), text) == expected
    assert matches(f">={'.'.join(map(str, wanted))}, <{'.'.join(map(str, above))}", text) == expected
