"""The ways to build an app's image that are compared, each with a copy of the app."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.apps import App
from rustdocker_tasks.engine.ca_bundle import find_ca_bundle
from rustdocker_tasks.inputs.certificates import public_certificates
from tasks.lab.cache import made_once, say
from tasks.lab.engine import HOST
from tasks.lab.images import RUNTIME, RUST

CHEF_VERSION = "0.1.77"
OURS, CHEF, RAW = "invoke build", "cargo-chef", "docker buildx build"
_FILES = Path(__file__).parent / "dockerfiles"
ENVIRONMENT = {
    # Python's own cache, as pip fills it, is part of what is installed.
    **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    "DOCKER_HOST": HOST,
    "RUSTDOCKER_BACKEND": "buildx",
    "RUSTDOCKER_CACHE": "mount",
    "RUSTDOCKER_VARIANT": "slim",
}
_PLACES = {OURS: "/usr/local/bin", "docker-init": "/bin"}  # of the program in the image
_NAMES = {"docker-init": "server"}


@dataclass(frozen=True)
class Contender:
    """One way to build the app in a folder of its own; `program` is its place in the image."""

    name: str
    app: App
    folder: Path
    image: str
    program: str
    command: tuple[str, ...]

    def build(self) -> float:
        """Return the seconds that the build takes."""
        began = time.perf_counter()
        done = subprocess.run(
            self.command, cwd=self.folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{self.name}: {done.stderr}")
        return time.perf_counter() - began

    def holds(self, text: str) -> bool:
        """Whether the program in the image was compiled from sources with this text."""
        container = docker("create", self.image).decode().strip()
        try:
            archive = docker("cp", f"{container}:{self.program}", "-")
        finally:
            docker("rm", container)
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            program = files.extractfile(files.getmembers()[0])
            return program is not None and text.encode() in program.read()

    def taking(self, layers: Path) -> Contender:
        """Return the way with layers of another machine at hand."""
        return self._with_store("FROM", layers, f"--cache-from=type=local,src={layers}")

    def leaving(self, layers: Path) -> Contender:
        """Return the way as the other machine has it."""
        return self._with_store("TO", layers, f"--cache-to=type=local,dest={layers},mode=max")

    def _with_store(self, variable: str, layers: Path, flag: str) -> Contender:
        if self.name == OURS:
            settings = ("env", "RUSTDOCKER_CACHE=layer", f"RUSTDOCKER_CACHE_{variable}={layers}")
            return replace(self, command=(*settings, *self.command))
        return replace(self, command=(*self.command[:-1], flag, self.command[-1]))


def docker(*words: str) -> bytes:
    return subprocess.run(["docker", *words], env=ENVIRONMENT, check=True, capture_output=True).stdout


def contenders(app: App, root: Path) -> list[Contender]:
    """Return all ways, ours first."""
    made = []
    for file in (OURS, *app.others):
        name = file.removesuffix(f"-{app.name}")
        folder = root / f"{app.name}-{name.replace(' ', '-')}"
        app.make(folder)
        image = f"{app.binary}:0.1.0" if name == OURS else f"rustdocker-bench-{file}"
        command: tuple[str, ...] = (sys.executable, "-m", "invoke", "build", f"--bin={app.binary}")
        if name != OURS:
            words = ("docker", "buildx", "build", "--load", f"--tag={image}")
            command = (*words, f"--file={_FILES / file}.Dockerfile", ".")
        program = f"{_PLACES.get(name, '/app')}/{_NAMES.get(name, app.binary)}"
        made.append(Contender(name, app, folder, image, program, command))
    return made


def raw(ours: Contender) -> Contender:
    """Return docker's own build of the Dockerfile that ours has just used."""
    bundle = find_ca_bundle(os.environ)
    words = ["docker", "buildx", "build", "--load", "--provenance=false", "--tag=rustdocker-bench-raw"]
    words += [f"--secret=id=ca-bundle,src={bundle}"] if bundle else []
    words += ["--file=target/rustdocker/slim/Dockerfile", "."]
    return replace(ours, name=RAW, image="rustdocker-bench-raw", command=tuple(words))


def forget_everything() -> None:
    docker("buildx", "prune", "--all", "--force")


def forget_layers() -> None:
    docker("buildx", "prune", "--all", "--force", "--filter", "type=regular")


def make_images() -> None:
    """Give the others base images with cargo-chef, certificates, and what this machine trusts.

    Ours brings its own.
    """

    def install(folder: Path) -> None:
        say(f"compiling cargo-chef {CHEF_VERSION}")
        words = ["cargo", "install", "--quiet", "--locked", f"--root={folder}", f"cargo-chef@{CHEF_VERSION}"]
        subprocess.run(words, check=True)

    program = made_once("cargo-chef", install, recipe=(CHEF_VERSION,)) / "bin/cargo-chef"
    bundle = find_ca_bundle(os.environ)
    certificates = bundle.read_bytes() if bundle else public_certificates()
    add = "COPY ca.crt /etc/ssl/certs/ca-certificates.crt"
    _make_image(
        "rust", f"FROM {RUST}\n{add}\nCOPY --chmod=755 cargo-chef /usr/local/cargo/bin/", certificates, program
    )
    _make_image("runtime", f"FROM {RUNTIME}\n{add}", certificates)


def _make_image(name: str, dockerfile: str, certificates: bytes, *programs: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for program in programs:
            shutil.copy(program, folder)
        Path(folder, "ca.crt").write_bytes(certificates)
        Path(folder, "Dockerfile").write_text(dockerfile)
        docker("buildx", "build", "--load", f"--tag=rustdocker-bench-{name}", folder)
