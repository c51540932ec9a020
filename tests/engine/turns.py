"""Test processes that share the engines: most tests go on side by side, and some are alone meanwhile."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Turns:
    """Two locks: who is to be alone shuts the door and waits until the room is empty: nobody waits for ever."""

    def __init__(self, folder: Path) -> None:
        self._door, self._room, self._book = (folder / name for name in ("door", "room", "book"))

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

    def come(self, text: str) -> str:
        """Note that a process is here; return what the first of them said. It may be anybody's turn."""
        with _held(self._book):
            said = self._book.with_name("said")
            if not said.exists():
                said.write_text(text)
            _count(self._book.with_name("here"), 1)
            return said.read_text()

    def is_last_to_go(self) -> bool:
        """Note that a process ends; return whether no other is here."""
        with _held(self._book):
            return _count(self._book.with_name("here"), -1) == 0


def _count(path: Path, change: int) -> int:
    number = (int(path.read_text()) if path.exists() else 0) + change
    path.write_text(str(number))
    return number


@contextmanager
def _held(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
