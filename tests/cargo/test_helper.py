"""A process that waits for its work: it does it, ends with whoever asks, and is no trouble where nobody does."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
import pytest

from rustdocker_tasks.process import Helper

pytestmark = pytest.mark.cargo

# It writes what it reads, and ends with a code of its own.
ECHOING = (
    "import sys; text = sys.stdin.readline(); print('1/2\\r2/2'); print(text, end=''); sys.exit(7 if text else 9)"
)
# It starts another process, and goes on for ever.
ENDLESS = """import subprocess, sys, time
sys.stdin.readline()
print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid, flush=True)
time.sleep(600)
"""


def helper(script: str) -> Helper:
    return Helper([sys.executable, "-c", script])


def test_it_does_what_a_line_asks_for_and_its_code_is_handed_on() -> None:
    order: list[str] = []

    code = helper(ECHOING).ask(
        '{"a": "é\udcff"}', meanwhile=lambda: order.append("meanwhile"), on_line=order.append
    )

    assert code == 7
    assert order == ["meanwhile", "1/2\r2/2\n", '{"a": "é\udcff"}\n']


def test_an_interrupt_ends_it_and_all_that_it_started() -> None:
    started: list[int] = []

    def interrupt(line: str) -> None:
        started.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        helper(ENDLESS).ask("go", meanwhile=lambda: None, on_line=interrupt)

    assert not psutil.pid_exists(started[0])
    assert psutil.Process().children() == []


def test_one_that_nobody_asks_is_ended_at_once() -> None:
    helper("import time; time.sleep(600)").dismiss()

    assert psutil.Process().children() == []


def test_one_that_has_ended_already_tells_its_code(tmp_path: Path) -> None:
    ended = tmp_path / "ended"
    made = helper(f"import sys; open({str(ended)!r}, 'w'); sys.exit(5)")
    while not ended.exists():
        time.sleep(0.01)

    assert made.ask("go", meanwhile=lambda: None, on_line=print) == 5
