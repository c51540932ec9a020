"""What another program writes to stderr is shown as it is, and read."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest

from rustdocker_tasks.overhear import overheard

pytestmark = pytest.mark.cargo

WORDS = "one\\n\\033[1m\\033[32mtwo\\033[0m\\r\\nbar 1\\rbar 22\\rthree\\n\\303\\251 and \\377\\nno end"
LINES = ["one", "two", "three", "é and \ufffd", "no end"]
LISTEN = """
import subprocess, sys
from rustdocker_tasks.overhear import overheard
lines = []
with overheard(lines.append) as stderr:
    subprocess.run(["sh", "-c", sys.argv[1]], stderr=stderr, check=True)
print(lines)
"""


def test_what_is_written_arrives_as_it_is_and_is_read_without_commands(capfd: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    with overheard(lines.append) as stderr:
        subprocess.run(["printf", WORDS], stdout=stderr, check=True)

    assert lines == LINES
    shown = capfd.readouterr().err
    assert shown.startswith("one\n\x1b[1m\x1b[32mtwo\x1b[0m")
    assert shown.endswith("no end")


def test_more_than_a_pipe_holds_arrives(capfd: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    with overheard(lines.append) as stderr:
        subprocess.run(["seq", "200000"], stdout=stderr, check=True)

    assert lines == [str(number) for number in range(1, 200_001)]
    assert capfd.readouterr().err.count("\n") == 200_000


def test_a_process_that_stays_does_not_hold_the_task_up() -> None:
    with overheard(lambda _: None) as stderr:
        staying = subprocess.Popen(["sleep", "60"], stderr=stderr)
    try:
        assert staying.poll() is None
    finally:
        staying.kill()
        staying.wait()


def test_on_a_terminal_the_process_sees_one_of_the_same_size() -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    script = "test -t 2 && stty size <&2 >&2"
    done = subprocess.run(
        [sys.executable, "-c", LISTEN, script], stdout=subprocess.PIPE, stderr=theirs, text=True, check=True
    )
    shown = os.read(ours, 1000)
    os.close(ours)
    os.close(theirs)

    assert done.stdout == "['33 77']\n"
    assert shown == b"33 77\r\n"
