"""Work for the time in which we only wait for another process."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Found = TypeVar("_Found")


class Meanwhile(Generic[_Found]):
    """A value that a thread gets ready once it is told to start; without that, whoever asks for it gets it."""

    def __init__(self, find: Callable[[], _Found]) -> None:
        self._find = find
        self._thread: Thread | None = None
        self._found: list[_Found] = []

    def start(self) -> None:
        """Begin; a second time changes nothing."""
        if self._thread is None:
            self._thread = Thread(target=self._prepare, daemon=True)
            self._thread.start()

    def result(self) -> _Found:
        """Return the value; raises what its search raises."""
        if self._thread is not None:
            self._thread.join()
        return self._found[0] if self._found else self._find()

    def _prepare(self) -> None:
        try:
            self._found.append(self._find())
        except Exception:  # noqa: BLE001 - `result` searches again, and raises it where somebody listens
            return
