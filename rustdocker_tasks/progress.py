"""What a user sees of work while it goes on: lines that stay, and one that says what is being done now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

Say = Callable[[str], None]


class Step(Frozen, frozen=True, kw_only=True):
    """What is being done now. `done` of `total` of cargo's units are compiled: crates, and their build scripts.

    None where that is not known.
    """

    name: str
    done: int | None = None
    total: int | None = None
    detail: str = ""


class LiveProgress(Protocol):
    """Progress of one piece of work."""

    def say(self, line: str) -> None:
        """Show a line that stays."""

    def show(self, step: Step) -> None:
        """Show what is being done now, in place of what was shown before."""


class Progress(Protocol):
    """Where work tells what it does."""

    def say(self, line: str) -> None:
        """Show a line that stays."""

    def live(self) -> AbstractContextManager[LiveProgress]:
        """Show steps until the context ends; within it only its own `say` may be used."""
