"""A defect of this tool."""

from __future__ import annotations

from rustdocker_tasks.errors.base import DefectError


class Unexpected(DefectError):
    def __init__(self, error: Exception) -> None:
        """The error's own text stays out, but for the system's word: nobody knows what is in it."""
        problem = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
        super().__init__(
            "rustdocker-tasks met something that it does not know how to handle",
            found=f"{type(error).__name__}{problem}",
            set_by="a defect of rustdocker-tasks, or something odd in the project or on this machine",
            hint="run again as `invoke --debug …` for the whole story, and report it",
        )
