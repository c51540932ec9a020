"""Test processes that share the engines: most tests go on side by side, and some are alone meanwhile."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Turns:
    """Two locks: who is to be alone shuts the door and waits until the room is empty: nobody waits for ever."""

    def __init__(self, folder: Path) -> None:
        self._door, self._room = folder / "door", folder / "room"

    @contextmanager
    def beside_others(self) -> Iterator[None]:
        with self._room.open("a") as room:
            with _held(self._door):
                fcntl.flock(room, fcntl.LOCK_SH)
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        with _held(self._door), _held(self._room):
            yield

    def is_last(self, count: int) -> bool:
        """Whether all other processes, of so many, have asked this before."""
        with _held(self._door):
            asked = self._door.with_name("asked")
            with asked.open("a") as list_of_them:
                list_of_them.write("x")
            return asked.stat().st_size >= count

    def first_says(self, text: str) -> str:
        """Return what the first of all processes said here."""
        with _held(self._door):
            said = self._door.with_name("said")
            if not said.exists():
                said.write_text(text)
            return said.read_text()


@contextmanager
def _held(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
