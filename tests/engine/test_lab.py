"""What the lab promises to later tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from tasks.lab.engine import BRIDGE
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


def test_the_engine_s_bridge_keeps_its_address_as_containers_come_and_go() -> None:
    address = Path(f"/sys/class/net/{BRIDGE}/address")
    before = address.read_text()

    subprocess.run(["ip", "link", "add", "rdlab-host", "type", "veth", "peer", "name", "rdlab-inside"], check=True)
    try:
        subprocess.run(
            ["ip", "link", "set", "rdlab-host", "address", "02:00:00:00:00:01", "master", BRIDGE], check=True
        )
        with_another = address.read_text()
    finally:
        subprocess.run(["ip", "link", "delete", "rdlab-host"], check=True)

    assert with_another == address.read_text() == before
