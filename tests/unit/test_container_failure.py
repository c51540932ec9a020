from __future__ import annotations

from pathlib import Path

import pytest

from rustdocker_tasks import errors
from rustdocker_tasks.container_failure import failure_of
from rustdocker_tasks.engine.build_log import BuildLog
from rustdocker_tasks.image import BaseImage
from rustdocker_tasks.plan.context import ContextFolders
from rustdocker_tasks.plan.model import ContainerBuild

CONTAINER = ContainerBuild(
    context=ContextFolders(root=Path("/shop"), project=Path("/shop")),
    builder="far",
    builder_set_by="--builder",
    build_image=BaseImage("ghcr.io/acme/rust:1-slim"),
    build_image_set_by="--build-image",
    runtime_image=BaseImage("debian:trixie-slim"),
    runtime_image_set_by="--debian-release",
    manifest="Cargo.toml",
    cache_reason="mount: set by --cache",
    fetch=None,
    isolates=True,
    skeleton=None,
    cache_from=(),
    cache_to=None,
    cache_set_by="the default",
    cache_folders=(),
    cache_id="x",
    packages=(),
    git=None,
    git_readers=(),
    toolchain=None,
    ca_bundle=True,
    secrets=(),
    ssh_agent=False,
    unseen_config=(),
)


@pytest.mark.parametrize(
    ("reason", "error", "set_by"),
    [
        ('no builder "far" found', errors.BuildxUnusable, "--builder"),
        (
            'failed to do request: Head "https://ghcr.io/v2/acme/rust/manifests/1-slim": no such host',
            errors.NoBaseImage,
            "--build-image",
        ),
        ("docker.io/library/debian:trixie-slim: not found", errors.NoBaseImage, "--debian-release"),
        (
            "pull access denied, repository does not exist or may require authorization: debian:trixie-slim",
            errors.NoBaseImage,
            "--debian-release",
        ),
        (
            "ghcr.io/acme/rust:1-slim: failed to authorize: failed to fetch anonymous token: 401 Unauthorized",
            errors.BaseImageRefused,
            "--build-image",
        ),
        (
            'failed to do request: Head "https://ghcr.io/v2/acme/rust/manifests/1-slim": x509: unknown authority',
            errors.BaseImageUntrusted,
            "--build-image",
        ),
        ("failed to receive status: rpc error: code = Unavailable desc = EOF", errors.EngineGone, "the engine"),
        ("Unavailable: error reading from server: EOF", errors.EngineGone, "the engine"),
        ("failed to copy files: no space left on device", errors.EngineFull, "the engine"),
        ("a step that nobody knows", errors.BuildFailed, "a step of the build"),
    ],
)
def test_buildx_s_words_lead_to_an_error(reason: str, error: type[Exception], set_by: str) -> None:
    made = failure_of(BuildLog(errors=[reason]), CONTAINER, is_of_musl=False)

    assert type(made) is error
    assert made.found == reason
    assert made.set_by == set_by


def test_what_our_scripts_noticed_outranks_buildx_s_words() -> None:
    def failure(*marks: str) -> errors.RustDockerError:
        return failure_of(
            BuildLog(marks=list(marks), errors=["process did not complete: exit code: 66"]),
            CONTAINER,
            is_of_musl=False,
        )

    assert failure("cargo failed: 101").what == "`cargo build` failed with exit code 101"
    assert type(failure("no cargo")) is errors.NoCargoInImage
    assert (
        failure("the program is not fully static: libz.so.1").found == "the program is not fully static: libz.so.1"
    )
