"""Rebuilds through buildx, beside the ways that people use today: the same service, the same changes, in turns.

Promised: after an edit of a source at most half a second more than the best of the others; after a new dependency
at most 0.15 of cargo-chef's time; with nothing changed at most 0.6 s more than docker's own build of the same
Dockerfile. Runs on the lab's engine, whose build cache it empties; compiling cargo-chef itself is not counted.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from rustdocker_tasks.engine.ca_bundle import find_ca_bundle
from rustdocker_tasks.inputs.certificates import public_certificates
from tasks.lab import start as start_lab
from tasks.lab.cache import made_once, say
from tasks.lab.engine import HOST
from tasks.lab.images import RUNTIME, RUST

EDITS = 5
# Long enough to stand in the program's data as it is: a short text becomes part of the code.
REVISION = "the revision that the benchmark made in its edit {}"
PAUSES = 10  # twice each order of the five ways
DEPENDENCIES = ("hex", "either")  # none is among the service's own, and each stands alone
HERE = Path(__file__).parent
WEB = HERE.parent / "examples" / "web"
ENVIRONMENT = {
    **os.environ,
    "DOCKER_HOST": HOST,
    "RUSTDOCKER_BACKEND": "buildx",
    "RUSTDOCKER_CACHE": "mount",
    "RUSTDOCKER_VARIANT": "slim",
}
CHEF = "0.1.77"
OURS = "invoke build"
RAW = "docker buildx build"


@dataclass(frozen=True)
class Contender:
    """One way to build the service, in a folder of its own."""

    name: str
    folder: Path
    image: str
    program: str  # its place in the image
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


def docker(*words: str) -> bytes:
    return subprocess.run(["docker", *words], env=ENVIRONMENT, check=True, capture_output=True).stdout


def contenders(root: Path) -> list[Contender]:
    """Return all ways, ours first, each with a copy of the service."""
    made = []
    for name in (OURS, "guide", "cargo-chef", "docker-init"):
        folder = root / name.replace(" ", "-")
        shutil.copytree(WEB, folder, ignore=shutil.ignore_patterns("target", "__pycache__"))
        if name == OURS:
            image, program = "my-rust-app:0.1.0", "/usr/local/bin/my-rust-app"
            command: tuple[str, ...] = (sys.executable, "-m", "invoke", "build")
        else:
            image = f"rustdocker-bench-{name}"
            program = "/bin/server" if name == "docker-init" else "/app/my-rust-app"
            file = HERE / "dockerfiles" / f"{name}.Dockerfile"
            command = ("docker", "buildx", "build", "--load", f"--tag={image}", f"--file={file}", ".")
        made.append(Contender(name, folder, image, program, command))
    return made


def raw(ours: Contender) -> Contender:
    """Return docker's own build of the Dockerfile that ours has just used."""
    bundle = find_ca_bundle(os.environ)
    words = ["docker", "buildx", "build", "--load", "--provenance=false", "--tag=rustdocker-bench-raw"]
    words += [f"--secret=id=ca-bundle,src={bundle}"] if bundle else []
    words += ["--file=target/rustdocker/slim/Dockerfile", "."]
    return Contender(RAW, ours.folder, "rustdocker-bench-raw", ours.program, tuple(words))


def make_images() -> None:
    """Give the others base images with cargo-chef, certificates, and what this machine trusts.

    Ours brings its own.
    """

    def install(folder: Path) -> None:
        say(f"compiling cargo-chef {CHEF}")
        words = ["cargo", "install", "--quiet", "--locked", f"--root={folder}", f"cargo-chef@{CHEF}"]
        subprocess.run(words, check=True)

    program = made_once("cargo-chef", install, recipe=(CHEF,)) / "bin/cargo-chef"
    bundle = find_ca_bundle(os.environ)
    certificates = bundle.read_bytes() if bundle else public_certificates()
    add = "COPY ca.crt /etc/ssl/certs/ca-certificates.crt"
    make_image(
        "rust", f"FROM {RUST}\n{add}\nCOPY --chmod=755 cargo-chef /usr/local/cargo/bin/", certificates, program
    )
    make_image("runtime", f"FROM {RUNTIME}\n{add}", certificates)


def make_image(name: str, dockerfile: str, certificates: bytes, *programs: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for program in programs:
            shutil.copy(program, folder)
        Path(folder, "ca.crt").write_bytes(certificates)
        Path(folder, "Dockerfile").write_text(dockerfile)
        docker("buildx", "build", "--load", f"--tag=rustdocker-bench-{name}", folder)


def edit(folder: Path, text: str) -> None:
    source = folder / "src/source.rs"
    template = source.read_text().splitlines()[-1]
    source.write_text(f'pub const REVISION: &str = "{text}";\n{template}\n')


def depend(folder: Path, crate: str) -> None:
    subprocess.run(["cargo", "add", "--quiet", crate], cwd=folder, check=True)
    subprocess.run(["cargo", "update", "--quiet", "--workspace"], cwd=folder, check=True)


def in_turns(ways: list[Contender], rounds: int) -> dict[str, list[float]]:
    """Return each way's seconds; who is first changes from round to round."""
    seconds: dict[str, list[float]] = {way.name: [] for way in ways}
    for number in range(rounds):
        first = number % len(ways)
        for way in ways[first:] + ways[:first]:
            seconds[way.name].append(way.build())
    return seconds


def main() -> None:
    """Print the table, and each promise with what was measured of it."""
    start_lab()
    make_images()
    with tempfile.TemporaryDirectory() as name:
        ways = contenders(Path(name))
        docker("buildx", "prune", "--all", "--force")
        table = {"cold": in_turns(ways, 1)}
        say("edits")
        edits = [partial(edit, text=REVISION.format(number)) for number in range(EDITS)]
        table["source edit"] = changed_in_turns(ways, edits)
        right = {way.name: way.holds(REVISION.format(EDITS - 1)) for way in ways}
        say("new dependencies")
        table["new dependency"] = changed_in_turns(ways, [partial(depend, crate=crate) for crate in DEPENDENCIES])
        say("nothing changed")
        pauses = in_turns([*ways, raw(ways[0])], PAUSES)
        table["nothing changed"] = {way.name: pauses[way.name] for way in ways}
        print(table_text(table, right))
        print(promises_text(table, pauses, right))


def changed_in_turns(ways: list[Contender], changes: Sequence[Callable[[Path], None]]) -> dict[str, list[float]]:
    """Return each way's seconds for each change."""
    seconds: dict[str, list[float]] = {way.name: [] for way in ways}
    for change in changes:
        for way in ways:
            change(way.folder)
        for name, measured in in_turns(ways, 1).items():
            seconds[name] += measured
    return seconds


def table_text(table: Mapping[str, Mapping[str, Sequence[float]]], right: Mapping[str, bool]) -> str:
    """Return medians in seconds, a line for each change."""
    lines = [f"{'seconds, medians':<22}" + "".join(f"{name:>14}" for name in right)]
    for change, seconds in table.items():
        medians = "".join(f"{median(measured):>14.2f}" for measured in seconds.values())
        rounds = len(next(iter(seconds.values())))
        lines.append(f"{f'{change} ({rounds})':<22}{medians}")
    lines.append(
        f"{'the edited program':<22}" + "".join(f"{'yes' if held else 'NO':>14}" for held in right.values())
    )
    return "\n".join(lines)


def promises_text(
    table: Mapping[str, Mapping[str, Sequence[float]]],
    pauses: Mapping[str, Sequence[float]],
    right: Mapping[str, bool],
) -> str:
    edits = {name: median(seconds) for name, seconds in table["source edit"].items()}
    best = min(seconds for name, seconds in edits.items() if name != OURS and right[name])
    added = {name: median(seconds) for name, seconds in table["new dependency"].items()}
    idle = median(pauses[OURS]) - median(pauses[RAW])
    lines = (
        f"source edit: {edits[OURS] - best:+.2f} s beside the best that ships the edit (promised: at most +0.5)",
        f"new dependency: {added[OURS] / added['cargo-chef']:.3f} of cargo-chef (promised: at most 0.15)",
        f"nothing changed: {idle:+.2f} s beside docker's own {median(pauses[RAW]):.2f} s (promised: at most +0.6)",
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
