"""Python's garbage collector, kept from looking for garbage among modules that are being imported."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_OBJECTS_BETWEEN = 50_000  # collections; some 2,000 are usual


@contextmanager
def collected_rarely() -> Iterator[None]:
    """Collect seldom within, and never again what is there at the end.

    docker and python-on-whales bring hundreds of thousands of objects: looking through them while they are
    imported, and once more when Python ends, takes a quarter of the time of a build that has nothing to do.
    """
    usual = gc.get_threshold()
    gc.set_threshold(_OBJECTS_BETWEEN, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.freeze()
