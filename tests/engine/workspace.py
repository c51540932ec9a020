"""A project that is built again and again: what each build compiles, and what its program prints."""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import docker
import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.images import RUST
from tests.conftest import UNITS_OF_THEIR_OWN, clean_environment, invoke, write_files
from tests.engine.conftest import MACHINE_ENGINE

_COMPILING = re.compile(r"\s+Compiling (\S+) v\S+")


# Such a project makes the engine forget all layers before each build.
LAYER = pytest.param("layer", marks=pytest.mark.alone)


class Compiled(NamedTuple):
    others: int  # crates from a registry
    own: tuple[str, ...]  # members


@dataclass(frozen=True)
class Workspace:
    """Two programs, a library, and crates of others; `mode` is mount, layer or host."""

    folder: Path
    mode: str
    prefix: str  # of the packages' names: BuildKit answers equal steps of other projects from its cache
    modified: float | None = None  # seconds since the epoch: the time of all that is written, None is that of now
    environment: Mapping[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str) -> None:
        write_files(self.folder, {name: text})
        if self.modified is not None:
            os.utime(self.folder / name, (self.modified, self.modified))

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        assert old in text, text
        self.write(name, text.replace(old, new))
        if name.endswith("Cargo.toml"):
            self.cargo("update", "--workspace", "--offline")

    def cargo(self, *words: str) -> None:
        subprocess.run(["cargo", *words, "--quiet"], cwd=self.folder, check=True)

    def touch(self, seconds: float) -> None:
        for path in self.folder.rglob("*"):
            if "target" not in path.parts:
                os.utime(path, (seconds, seconds))

    @property
    def host(self) -> str:
        return MACHINE_ENGINE if self.mode == "host" else CURRENT_ENGINE

    @property
    def settings(self) -> dict[str, str]:
        backend = {"RUSTDOCKER_BACKEND": "host" if self.mode == "host" else "buildx", "DOCKER_HOST": self.host}
        # In the project's folder, where it must not count as a source.
        store = {"RUSTDOCKER_CACHE_FROM": "./layers", "RUSTDOCKER_CACHE_TO": "./layers"}
        layer = {**store, "RUSTDOCKER_CACHE": "layer"} if self.mode == "layer" else {}
        return {**backend, **layer, **self.environment}

    def build(self, *words: str, **environment: str) -> tuple[Compiled, str]:
        """Return what was compiled, and what the program prints."""
        if self.mode == "layer":
            forget_layers()
        return self.build_here(*words, **environment)

    def build_here(self, *words: str, **environment: str) -> tuple[Compiled, str]:
        """Build with the layers that the engine has, as `build` does without them."""
        done = invoke("build", *words, folder=self.folder, **self.settings, **environment)
        image = done.result
        names = [match[1] for match in map(_COMPILING.match, done.stderr.splitlines()) if match]
        own = {name.removeprefix(self.prefix) for name in names if name.startswith(self.prefix)}
        with closing(docker.DockerClient(base_url=self.host)) as client:
            printed = client.containers.run(image, remove=True).decode().strip()
        others = sum(not name.startswith(self.prefix) for name in names)
        return Compiled(others, tuple(sorted(own))), printed


# What a mount holds is changed by a step that mounts it too; whose mount it is, is no part of a step's key.
_IN_MOUNT = """FROM {image}
RUN --mount=type=cache,id={mount},target=/rustdocker/kept,sharing=locked \\
    : {once}; {script}
"""


def own_image(prefix: str) -> dict[str, str]:
    """A name for an image whose program is called like one of other tests."""
    return {"RUSTDOCKER_NAME": f"{prefix}image"}


# What a container's cargo gets for units in folders of their own.
_VARIABLES = ", ".join(f"{name} = '{value}'" for name, value in UNITS_OF_THEIR_OWN.items())
OWN_UNITS = {"RUSTDOCKER_BUILD_ENV": f"{{ {_VARIABLES} }}"}


def require_units_of_their_own(folder: Path) -> None:
    """See that it was that cargo which compiled on the project's mount."""
    run_in_mount(folder, "ls -d /rustdocker/kept/target/release/build/*/*/fingerprint")


def run_in_mount(folder: Path, script: str) -> None:
    """Run a script where the mount of the project's last image `slim` lies, at /rustdocker/kept."""
    dockerfile = (folder / "target/rustdocker/slim/Dockerfile").read_text()
    mount = re.search("id=(rustdocker-[0-9a-f-]{33}),", dockerfile)
    assert mount is not None
    text = _IN_MOUNT.format(image=RUST, mount=mount[1], once=uuid.uuid4().hex, script=script)
    with TemporaryDirectory() as context:
        words = ["docker", "buildx", "build", "--file=-", context]
        environment = clean_environment(DOCKER_HOST=CURRENT_ENGINE)
        subprocess.run(words, input=text.encode(), env=environment, check=True, capture_output=True)


def forget_layers() -> None:
    """Make the engine a machine that has never built anything, but for mounts, which no layer is made of."""
    words = ["docker", "buildx", "prune", "--all", "--force", "--filter", "type=regular"]
    environment = clean_environment(DOCKER_HOST=CURRENT_ENGINE)
    subprocess.run(words, env=environment, check=True, capture_output=True)
