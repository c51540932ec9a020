"""Layers that one machine leaves in a registry, and another takes from there."""

from __future__ import annotations

import subprocess
import uuid
from pathlib import Path

import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.registry import PASSWORD, TRUSTED
from tests.conftest import MANIFEST, crate, invoke, write_files
from tests.engine.conftest import write_credentials
from tests.engine.workspace import forget_layers

pytestmark = pytest.mark.engine

MAIN = 'fn main() {{ println!("{} {{}}", itoa::Buffer::new().format(1)); }}\n'


@pytest.mark.alone
def test_dependencies_that_another_machine_compiled_come_from_a_registry(tmp_path: Path) -> None:
    name = f"t{uuid.uuid4().hex[:8]}"
    manifest = MANIFEST.format(name=name) + '[dependencies]\nitoa = "1"\n'
    folder = write_files(tmp_path / name, {**crate(name), "Cargo.toml": manifest})
    (folder / "src/main.rs").write_text(MAIN.format("first"))
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=folder, check=True)
    (tmp_path / "docker").mkdir()
    write_credentials(tmp_path / "docker", PASSWORD)
    store = f"{TRUSTED.address}/{name}:cache"
    settings = {
        "RUSTDOCKER_BACKEND": "buildx",
        "RUSTDOCKER_CACHE": "layer",
        "RUSTDOCKER_CACHE_FROM": store,
        "RUSTDOCKER_CACHE_TO": store,
        "DOCKER_HOST": CURRENT_ENGINE,
        "DOCKER_CONFIG": str(tmp_path / "docker"),
    }

    forget_layers()
    cold = invoke("build", folder=folder, **settings)
    (folder / "src/main.rs").write_text(MAIN.format("second"))
    forget_layers()
    node = invoke("run", folder=folder, **settings)

    assert cold.code == 0, cold.stderr
    assert "Compiling itoa" in cold.stderr
    assert node.result == "second 1"
    assert node.compiled == [name]
