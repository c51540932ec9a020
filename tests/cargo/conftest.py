"""What tests of cargo's artefacts share: where cargo keeps its units."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest

from rustdocker_tasks.inputs.lock import locked


@pytest.fixture(scope="session")
def nightly() -> str:
    """A toolchain that knows both places; it is installed where it is not yet."""
    with locked(Path(tempfile.gettempdir()) / "rustdocker-tests-nightly.lock", say=print):
        if subprocess.run(["cargo", "+nightly", "--version"], capture_output=True, check=False).returncode:
            words = ["rustup", "toolchain", "install", "nightly", "--profile=minimal", "--no-self-update"]
            subprocess.run(words, check=True)
    return "nightly"


@pytest.fixture(params=["in common folders", "in folders of their own"])
def units(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have cargo keep its units as it did before 1.100, and as it does since."""
    if request.param == "in folders of their own":
        monkeypatch.setenv("RUSTUP_TOOLCHAIN", request.getfixturevalue("nightly"))
        monkeypatch.setenv("CARGO_UNSTABLE_BUILD_DIR_NEW_LAYOUT", "true")
