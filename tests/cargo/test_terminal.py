"""What is printed, where nobody reads on."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import Write, clean_environment, crate

pytestmark = pytest.mark.cargo


@pytest.mark.parametrize("words", [("config", "--schema"), ("config",)])
def test_a_reader_of_a_pipe_may_have_enough(write: Write, words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        cwd=write(crate()),
        env=clean_environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)

    assert (done.returncode, done.stderr) == (0, "")
