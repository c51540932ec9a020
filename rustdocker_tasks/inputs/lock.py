"""One build at a time where two would be in each other's way."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rustdocker_tasks.errors import CannotWrite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rustdocker_tasks.progress import Say


@contextmanager
def locked(path: Path, *, say: Say) -> Iterator[None]:
    """Hold the lock of the file at `path`, which is made if it is not there, in the block.

    Where another process has it, a line says so before it is waited for. The lock ends with its process, however
    that ends. Raises CannotWrite.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    except OSError as error:
        raise CannotWrite(path, error.strerror or str(error)) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for the end of another build, which holds {path}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
