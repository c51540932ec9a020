"""Base images that a test makes for itself."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import docker

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tests.conftest import clean_environment


@contextmanager
def base_image(
    folder: Path, dockerfile: str, *, key: str = "RUSTDOCKER_RUNTIME_IMAGE"
) -> Iterator[dict[str, str]]:
    """Settings that name an image, made by docker of a Dockerfile in a folder."""
    tag = f"needs-base:{uuid.uuid4().hex[:8]}"
    (folder / "Dockerfile").write_text(dockerfile)
    words = ["docker", "buildx", "build", "--quiet", "--load", f"--tag={tag}", "."]
    subprocess.run(words, cwd=folder, env=clean_environment(DOCKER_HOST=CURRENT_ENGINE), check=True)
    try:
        yield {key: tag}
    finally:
        with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as engine:
            engine.images.remove(tag, force=True)
