"""The user's home."""

from __future__ import annotations

from pathlib import Path


def home() -> Path:
    """Return the user's home, the root of all folders for one who has none.

    That is so where HOME is not set and the user's number stands in no list, as in many containers.
    """
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")
