"""Our reader against cargo's on real manifests: those of every crate that the examples are made of."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cargo.oracle import differences
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.cargo

WEB = REPOSITORY / "examples" / "web"
ORIGINAL = "Cargo.toml.orig"


@pytest.fixture(scope="session")
def crates() -> list[Path]:
    """The folders of the registry's crates, after those of the example are there."""
    subprocess.run(["cargo", "fetch", "--quiet", "--locked", f"--manifest-path={WEB}/Cargo.toml"], check=True)
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    return sorted(home.glob("registry/src/*/*"))


def copies(crates: list[Path], folder: Path, manifest: str) -> Iterator[Path]:
    """Each crate with this one of its two manifests, away from cargo's own folder."""
    for crate in crates:
        if (crate / manifest).is_file():
            copy = folder / crate.name
            shutil.copytree(crate, copy, symlinks=True, copy_function=os.link)
            (copy / "Cargo.toml").unlink()
            shutil.copyfile(crate / manifest, copy / "Cargo.toml")
            yield copy


@pytest.mark.parametrize("manifest", ["Cargo.toml", ORIGINAL])
def test_we_read_every_crate_of_the_registry_as_cargo_does(
    crates: list[Path], tmp_path: Path, manifest: str
) -> None:
    compared = {folder.name: differences(folder) for folder in copies(crates, tmp_path, manifest)}

    assert len(compared) > 100
    assert {name: lines for name, lines in compared.items() if lines} == {}
