"""The profiles that projects have without defining them, with a real cargo on both backends."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import docker
import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tests.conftest import Write, crate, invoke
from tests.engine.conftest import read_file

pytestmark = pytest.mark.engine

# Ends by a panic that it catches, where it can be caught.
MAIN = """fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    println!("{}", std::panic::catch_unwind(|| panic!("x")).is_err());
}
"""


def program(folder: Path, backend: str, profile: str) -> tuple[bytes, str]:
    """The program, and what it prints before it ends."""
    settings = {"RUSTDOCKER_BACKEND": backend, "DOCKER_HOST": CURRENT_ENGINE, "RUSTDOCKER_VARIANT": "minimal"}
    image = invoke("build", f"--profile={profile}", folder=folder, **settings).result
    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as client:
        container = client.containers.run(image, detach=True)
        container.wait()
        printed = container.logs(stdout=True, stderr=False).decode().strip()
        container.remove()
        return read_file(client, image, "usr/local/bin/app"), printed


@pytest.mark.parametrize("backend", ["buildx", "host"])
def test_small_is_smaller_and_smallest_gives_up_panics(write: Write, backend: str) -> None:
    folder = write(crate(**{"src/main.rs": MAIN}))
    manifest = (folder / "Cargo.toml").read_bytes()
    release, small, smallest = (program(folder, backend, name) for name in ("release", "small", "smallest"))

    assert len(release[0]) > len(small[0]) > len(smallest[0])
    assert [release[1], small[1], smallest[1]] == ["true", "true", ""]
    assert b".symtab" in release[0]
    assert b".symtab" not in small[0]
    assert (folder / "Cargo.toml").read_bytes() == manifest
