"""Ctrl-C at random moments of builds, each of another source: it ends at once, and the next build is right."""

from __future__ import annotations

import os
import random
import signal
import time
import uuid
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import Write, crate, invoke, invoke_in_background

pytestmark = pytest.mark.engine

# Seconds, in which Python starts and Invoke finds the task.
BEFORE_THE_TASK = 0.4


def interrupted_build(folder: Path, log: Path, *, after: float, **settings: str) -> tuple[int, str]:
    """Return exit code and output of a build that Ctrl-C ends, which reaches a whole process group."""
    process = invoke_in_background("build", folder=folder, log=log, **settings)
    time.sleep(after)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    return process.wait(30), log.read_text()


@pytest.mark.parametrize("backend", ["buildx", "host"])
def test_a_build_that_is_interrupted_at_any_moment(write: Write, tmp_path: Path, backend: str) -> None:
    folder = write(crate(f"interrupted-{uuid.uuid4().hex[:8]}"))
    began = time.monotonic()
    assert invoke("build", folder=folder, RUSTDOCKER_BACKEND=backend).code == 0
    whole = time.monotonic() - began
    moments = random.Random(backend)
    for number in range(7):
        (folder / "src/main.rs").write_text(f'fn main() {{ println!("{number}"); }}\n')
        after = moments.uniform(BEFORE_THE_TASK, whole)

        code, told = interrupted_build(folder, tmp_path / f"log-{number}", after=after, RUSTDOCKER_BACKEND=backend)

        # Python, which has done its work and is ending, ends by the signal: a shell calls that 130 too.
        assert code in {130, 0, -signal.SIGINT}, told
        assert "Traceback" not in told

    assert invoke("run", folder=folder, RUSTDOCKER_BACKEND=backend).result == "6"
