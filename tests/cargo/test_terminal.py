"""What is printed, where nobody reads on."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import Write, clean_environment, crate, invoke, write_files

pytestmark = pytest.mark.cargo


def told(folder: Path, *words: str, stdout: int) -> subprocess.CompletedProcess[str]:
    """Call a task whose result goes to a descriptor."""
    return subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        cwd=folder,
        env=clean_environment(),
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("settings", "is_coloured"), [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False)]
)
def test_colours_are_for_a_terminal_whose_user_wants_them(
    write: Write,
    settings: dict[str, str],
    is_coloured: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    folder = write(crate())
    environment = {name: value for name, value in clean_environment().items() if name != "NO_COLOR"}
    controller, terminal = pty.openpty()
    words = [sys.executable, "-m", "invoke", "config"]
    subprocess.run(words, cwd=folder, env={**environment, **settings}, stdout=terminal, check=True)
    os.close(terminal)
    shown = b""
    with suppress(OSError):  # how a terminal ends
        while piece := os.read(controller, 4096):
            shown += piece
    os.close(controller)

    assert b"expose" in shown
    assert (b"\x1b[" in shown) == is_coloured


@pytest.mark.parametrize("words", [("config", "--schema"), ("config",)])
def test_a_reader_of_a_pipe_may_have_enough(write: Write, words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = told(write(crate()), *words, stdout=writing)
    os.close(writing)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_result_that_cannot_be_written_is_told(write: Write) -> None:
    with Path("/dev/full").open("w") as full:
        done = told(write(crate()), "plan", stdout=full.fileno())

    assert done.returncode == 70
    assert "  found: OSError: No space left on device\n" in done.stderr


def test_a_folder_s_name_needs_no_locale(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "é", crate())
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = invoke("build", folder=folder, DOCKER_HOST="unix:///nowhere", **locale)

    assert done.code == 0, done.stderr
