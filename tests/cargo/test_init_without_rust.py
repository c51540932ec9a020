from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from rustdocker_tasks.init import write_project_files
from tests.conftest import MAIN, MANIFEST, write_files

pytestmark = pytest.mark.cargo


def test_rust_that_is_not_here_is_no_reason_to_write_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    folder = write_files(tmp_path, {"Cargo.toml": MANIFEST.format(name="shop"), "src/main.rs": MAIN})
    asked = {"variant": "static", "backend": "host"}  # for which rustc is asked what it can compile for
    write_project_files(folder, asked, for_nox=False, dry=False, say=lambda _: None)

    assert tomli.loads((folder / "Cargo.toml").read_text())["package"]["metadata"]["rustdocker"] == asked
