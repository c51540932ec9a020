from __future__ import annotations

import pytest

from rustdocker_tasks.errors import BadValue
from rustdocker_tasks.plan.created import as_date, created_at


def test_without_a_word_images_are_of_1970() -> None:
    assert created_at({}) == 0
    assert as_date(0) == "1970-01-01T00:00:00Z"


def test_source_date_epoch_is_taken() -> None:
    assert as_date(created_at({"SOURCE_DATE_EPOCH": "1767225600"})) == "2026-01-01T00:00:00Z"
    assert as_date(created_at({"SOURCE_DATE_EPOCH": "253402300799"})) == "9999-12-31T23:59:59Z"


@pytest.mark.parametrize("text", ["", " 1", "-1", "1.5", "today", "٣", "1_000", "253402300800", "2026-01-01"])
def test_what_is_no_number_of_seconds_is_refused(text: str) -> None:
    with pytest.raises(BadValue) as refused:
        created_at({"SOURCE_DATE_EPOCH": text})

    assert refused.value.set_by == "the environment variable SOURCE_DATE_EPOCH"
