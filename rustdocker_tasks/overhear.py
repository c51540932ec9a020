"""Listen to what another program writes to the user's terminal, which it does not notice."""

from __future__ import annotations

import os
import re
import select
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What moves the cursor and colours. Source: ECMA-48, "Control sequence" and "Operating system command".
_COMMANDS = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
_STDERR = 2
_CHUNK = 65_536
# A program that was started and goes on, such as a compiler's cache, may keep its end open.
_PATIENCE = 1.0  # seconds


@contextmanager
def overheard(on_line: Callable[[str], None]) -> Iterator[int]:
    """Yield a descriptor for the stderr of a process; what it writes goes to ours, and line by line to `on_line`.

    It is a terminal where ours is one, of the same size, so that the process shows what it would show there.
    """
    reader, writer = _terminal() if os.isatty(_STDERR) else os.pipe()
    listener = Thread(target=_pass_on, args=(reader, on_line), daemon=True)
    listener.start()
    try:
        yield writer
    finally:
        os.close(writer)
        listener.join(_PATIENCE)


def _terminal() -> tuple[int, int]:
    import fcntl
    import pty
    import termios
    import tty

    reader, writer = pty.openpty()
    # What it gets is what is passed on: our own terminal does the rest.
    tty.setraw(writer)
    fcntl.ioctl(writer, termios.TIOCSWINSZ, fcntl.ioctl(_STDERR, termios.TIOCGWINSZ, b"\0" * 8))
    return reader, writer


def _pass_on(reader: int, on_line: Callable[[str], None]) -> None:
    rest = b""
    # So Linux says that nobody has the other end of a terminal any more.
    with suppress(OSError):
        while chunk := os.read(reader, _CHUNK):
            _show(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                on_line(_plain(line))
    if rest:
        on_line(_plain(rest))
    os.close(reader)


def _show(content: bytes) -> None:
    while content:
        try:
            content = content[os.write(_STDERR, content) :]
        except BlockingIOError:  # another program may have set the user's terminal so
            select.select([], [_STDERR], [])


def _plain(line: bytes) -> str:
    """Return the line as it is read: without commands, and without what was written over."""
    return _COMMANDS.sub(b"", line).rstrip(b"\r").rpartition(b"\r")[2].decode(errors="replace")
