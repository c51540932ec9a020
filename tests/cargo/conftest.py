"""What tests of cargo's artefacts share: where cargo keeps its units."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
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
def units(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Have cargo keep its units as it did before 1.100, and as it does since; it is asked where they are."""
    is_new = request.param == "in folders of their own"
    if is_new:
        monkeypatch.setenv("RUSTUP_TOOLCHAIN", request.getfixturevalue("nightly"))
        monkeypatch.setenv("CARGO_UNSTABLE_BUILD_DIR_NEW_LAYOUT", "true")
    else:
        monkeypatch.setenv("__CARGO_TEMPORARY_BUILD_DIR_NEW_LAYOUT_OPT_OUT", "1")
    yield
    common = {path for path in tmp_path.rglob(".fingerprint") if any(path.iterdir())}
    assert not (common if is_new else [*tmp_path.rglob("build/*/*/fingerprint")])
