"""One build at a time where two would be in each other's way."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

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
    while True:
        with _opened(path) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"waiting for the end of another build, which holds {path}")
                fcntl.flock(file, fcntl.LOCK_EX)
            # Who had it may have removed its folder: then the next one has made a file of its own.
            if _is_at(file, path):
                yield
                return


def _opened(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a")
    except OSError as error:
        raise CannotWrite(path, error.strerror or str(error)) from error


def _is_at(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
