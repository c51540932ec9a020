"""Build images of others: of another user, with their own configuration of cargo, without GNU's tools."""

from __future__ import annotations

import subprocess
import uuid
from pathlib import Path

import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.images import RUST
from tests.conftest import Write, crate, invoke
from tests.engine.base_image import base_image

pytestmark = pytest.mark.engine

BUILDX = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE}
KEY = "RUSTDOCKER_BUILD_IMAGE"
CONFIGURED = f"""FROM {RUST}
RUN printf '[env]\\nOF_IMAGE = "of the image"\\nOF_BOTH = "of the image"\\n' > /usr/local/cargo/config.toml
"""
MAIN = 'fn main() { println!("{}, {}", env!("OF_IMAGE"), env!("OF_BOTH")); }\n'
# BusyBox's find stops at what it does not know.
WITHOUT_GNU = f"""FROM {RUST}
RUN printf '#!/bin/sh\\nexit 1\\n' > /usr/local/bin/find && chmod 755 /usr/local/bin/find
"""


def own(kind: str, **files: str) -> dict[str, str]:
    return crate(f"{kind}-{uuid.uuid4().hex[:8]}", **files)


def test_an_image_for_another_user_compiles_all_the_same(write: Write, tmp_path: Path) -> None:
    folder = write(own("of-user"))
    with base_image(tmp_path, f"FROM {RUST}\nUSER 1000\n", key=KEY) as image:
        assert invoke("run", folder=folder, **BUILDX, **image).result == "first"
        assert invoke("test", folder=folder, **BUILDX, **image).code == 0


@pytest.mark.parametrize("variant", ["slim", "simple"])
def test_what_the_image_configures_counts_less_than_what_the_project_does(
    write: Write, tmp_path: Path, variant: str
) -> None:
    config = {".cargo/config.toml": '[env]\nOF_BOTH = "of the project"\n'}
    folder = write(own("configured", **{"src/main.rs": MAIN, **config}))

    with base_image(tmp_path, CONFIGURED, key=KEY) as image:
        done = invoke("run", f"--variant={variant}", folder=folder, **BUILDX, **image)

    assert done.result == "of the image, of the project"


def test_what_the_image_configures_counts_where_crates_are_fetched(write: Write, tmp_path: Path) -> None:
    # A proxy that does not answer shows that it is read.
    configured = f"FROM {RUST}\nRUN printf '[http]\\nproxy = \"127.0.0.1:1\"\\n' > /usr/local/cargo/config.toml\n"
    files = own("fetched")
    folder = write({**files, "Cargo.toml": files["Cargo.toml"] + '[dependencies]\nitoa = "1"\n'})
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=folder, check=True)

    with base_image(tmp_path, configured, key=KEY) as image:
        done = invoke("build", folder=folder, **BUILDX, **image, RUSTDOCKER_OFFLINE="true")

    assert done.code == 66
    assert "`cargo fetch` failed" in done.stderr


def test_an_image_without_gnu_s_tools_is_refused_by_name(write: Write, tmp_path: Path) -> None:
    with base_image(tmp_path, WITHOUT_GNU, key=KEY) as image:
        done = invoke("build", folder=write(own("busybox")), **BUILDX, **image)

    assert done.code == 66
    assert f"this program cannot be compiled in {image[KEY]}" in done.stderr
    assert "its find, tar and xargs are not those of GNU" in done.stderr


def test_a_wrapper_that_only_keeps_what_is_compiled_is_left_out(write: Write) -> None:
    config = {".cargo/config.toml": '[build]\nrustc-wrapper = "sccache"\n'}

    done = invoke("run", folder=write(own("wrapped", **config)), **BUILDX)

    assert done.result == "first"
    assert "the wrapper of rustc that cargo's configuration names is left out" in done.stderr
