"""What every error has, and the families."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.exceptions import Exit

from rustdocker_tasks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

# The shell's own convention: 128 + the signal's number.
INTERRUPTED = 130
TERMINATED = 143


class RustDockerError(Exit):
    """An error in four parts; `str()` of it is what the user reads.

    Invoke ends with it, shows the message and exits with the code; who calls a task can catch it.
    """

    exit_code: int

    def __init__(self, what: str, *, found: str, set_by: str, hint: str) -> None:
        self.what = what
        self.found = found
        self.set_by = set_by
        self.hint = hint
        super().__init__(str(self), self.exit_code)

    def __str__(self) -> str:
        parts = (("found", self.found), ("set by", self.set_by), ("hint", self.hint))
        return printable("\n".join([self.what, *(_part(name, text) for name, text in parts)]))


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the one of `names` that `name` is most likely a slip of, if any is close."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(names), n=1)), None)


def _part(name: str, text: str) -> str:
    return f"  {name}: " + text.replace("\n", "\n    ")


class SettingsError(RustDockerError):
    exit_code = 64


class ProjectError(RustDockerError):
    exit_code = 65


class CompileError(RustDockerError):
    exit_code = 66


class ImageError(RustDockerError):
    exit_code = 67


class EngineError(RustDockerError):
    exit_code = 68


class DefectError(RustDockerError):
    exit_code = 70  # EX_SOFTWARE of sysexits.h
