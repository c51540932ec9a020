"""Ctrl-C at random moments of builds, each of another source: it ends at once, and the next build is right."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
import uuid
from contextlib import suppress
from pathlib import Path

import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.registry import PASSWORD, TRUSTED
from tests.conftest import MANIFEST, Write, crate, invoke, invoke_in_background, write_files
from tests.engine.conftest import write_credentials
from tests.engine.workspace import forget_layers

pytestmark = pytest.mark.engine

# Seconds, in which Python starts and Invoke finds the task.
BEFORE_THE_TASK = 0.4


def interrupted_build(
    folder: Path, log: Path, *, after: float, by: int = signal.SIGINT, **settings: str
) -> tuple[int, str]:
    """Return exit code and output of a build that Ctrl-C ends, which reaches a whole process group."""
    process = invoke_in_background("build", folder=folder, log=log, **settings)
    time.sleep(after)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, by)
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


@pytest.mark.alone
@pytest.mark.parametrize("store", ["./layers", f"{TRUSTED.address}/interrupted:{{}}"], ids=["folder", "registry"])
def test_a_build_that_is_killed_while_it_leaves_layers(tmp_path: Path, store: str) -> None:
    name = f"left-{uuid.uuid4().hex[:8]}"
    manifest = MANIFEST.format(name=name) + '[dependencies]\nitoa = "1"\n'
    # Beside what a build writes here.
    folder = write_files(tmp_path / name, crate(name, **{"Cargo.toml": manifest}))
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=folder, check=True)
    (tmp_path / "docker").mkdir()
    write_credentials(tmp_path / "docker", PASSWORD)
    settings = {
        "RUSTDOCKER_BACKEND": "buildx",
        "RUSTDOCKER_CACHE": "layer",
        "RUSTDOCKER_CACHE_FROM": store.format(name),
        "RUSTDOCKER_CACHE_TO": store.format(name),
        "DOCKER_HOST": CURRENT_ENGINE,
        "DOCKER_CONFIG": str(tmp_path / "docker"),
    }
    began = time.monotonic()
    assert invoke("build", folder=folder, **settings).code == 0
    whole = time.monotonic() - began
    moments = random.Random(store)
    for number in range(4):
        # Other dependencies, and so other layers; the half in which they are left is the second.
        (folder / "src/main.rs").write_text(f'fn main() {{ println!("{number}"); }}\n')
        (folder / "Cargo.toml").write_text(f"{manifest}[profile.release]\nopt-level = {number}\n")
        after = moments.uniform(whole / 2, whole)

        code, _ = interrupted_build(folder, tmp_path / "log", after=after, by=signal.SIGKILL, **settings)

        assert code in {0, -signal.SIGKILL}
    forget_layers()

    assert invoke("run", folder=folder, **settings).result == "3"
