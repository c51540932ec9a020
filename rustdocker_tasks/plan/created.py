"""The time that an image says it was made at. Pure."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from rustdocker_tasks.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE = "SOURCE_DATE_EPOCH"
_LAST = 253_402_300_799  # of the year 9999, the last that a date of OCI's can be of


def created_at(environment: Mapping[str, str]) -> int:
    """Return seconds since 1970: what SOURCE_DATE_EPOCH says, else 0, so that equal inputs make equal images.

    Raises BadValue for a text that is no such number. Source: reproducible-builds.org, "SOURCE_DATE_EPOCH".
    """
    text = environment.get(_VARIABLE)
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit() and int(text) <= _LAST):
        raise BadValue(
            _VARIABLE,
            value=text,
            where=f"the environment variable {_VARIABLE}",
            problem="it is no number of whole seconds since 1970",
            example="1767225600",
        )
    return int(text)


def as_date(seconds: int) -> str:
    """Return the time as OCI's image-spec writes it, RFC 3339."""
    return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
