"""What the lab promises to later tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from tasks.lab.images import RUST_MUSL
from tests.conftest import crate, write_files

pytestmark = pytest.mark.engine


def test_the_second_build_image_compiles_for_arm64(tmp_path: Path) -> None:
    write_files(tmp_path, crate())
    words = ["docker", "run", "--rm", f"--volume={tmp_path}:/app", "--workdir=/app"]
    words += ["--env=CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc", RUST_MUSL]

    subprocess.run([*words, "cargo", "build", "--target=aarch64-unknown-linux-gnu"], check=True)

    with (tmp_path / "target/aarch64-unknown-linux-gnu/debug/app").open("rb") as program:
        assert ELFFile(program).get_machine_arch() == "AArch64"
