"""What the C library of a static program costs a threaded server, and what an allocator gives back.

One command, one run, one after the other: answers a second are printed, and written to ALLOCATOR.md beside this
file. Runs on the lab's engine. About ten minutes.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

from benchmarks.contenders import ENVIRONMENT, docker
from tasks.examples import WEB
from tasks.lab import start as start_lab
from tasks.lab.cache import say

ROUNDS, SECONDS, CONNECTIONS, PATH = 5, 6, 32, "/source"
RESULTS = Path(__file__).parent / "ALLOCATOR.md"
_LOAD = Path(__file__).parent / "load.rs"


@dataclass(frozen=True)
class Build:
    """A way to build the service; all with one Rust."""

    name: str
    variant: str
    settings: dict[str, str] = field(default_factory=dict)
    allocator: str = ""  # the crate, and the type in it that is made the program's allocator


BUILDS = (
    Build("glibc (`minimal`)", "minimal"),
    Build("musl (`static`)", "static"),
    Build("musl with mimalloc (`static`)", "static", allocator="mimalloc::MiMalloc"),
    Build("musl with jemalloc (`static`)", "static", allocator="tikv_jemallocator::Jemalloc"),
    Build('static glibc (`static`, `libc = "gnu"`)', "static", {"RUSTDOCKER_LIBC": "gnu"}),
)


def make(folder: Path, build: Build) -> str:
    """Build the image, and return its ID."""
    shutil.copytree(WEB, folder, ignore=shutil.ignore_patterns("target"))
    (folder / "tasks.py").write_text("from rustdocker_tasks import ns\n")
    if build.allocator:
        _set_allocator(folder, build.allocator)
    environment = {
        **ENVIRONMENT,
        **build.settings,
        "RUSTDOCKER_VARIANT": build.variant,
        "RUSTDOCKER_CACHE_ID": "benchmark-allocator",
        "RUSTDOCKER_TAG": f"rustdocker-bench-allocator:{folder.name}",
    }
    words = [sys.executable, "-m", "invoke", "build"]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.strip()


def _set_allocator(folder: Path, allocator: str) -> None:
    crate = allocator.split("::", maxsplit=1)[0].replace("_", "-")
    subprocess.run(["cargo", "add", "--quiet", crate], cwd=folder, check=True)
    program = folder / "src/main.rs"
    line = f"#[global_allocator]\nstatic ALLOCATOR: {allocator} = {allocator};\n"
    program.write_text(f"{program.read_text()}\n{line}")


def answers(image: str, load: Path) -> float:
    """Return how many answers a second the image's server gives."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    container = docker("run", "--detach", "--network=host", f"--env=PORT={port}", image).decode().strip()
    try:
        time.sleep(1)
        words = [str(load), str(port), PATH, str(CONNECTIONS), str(SECONDS)]
        return int(subprocess.check_output(words, text=True)) / SECONDS
    finally:
        docker("rm", "--force", container)


def main() -> None:
    """Measure and write the results."""
    start_lab()
    with tempfile.TemporaryDirectory() as name:
        load = Path(name, "load")
        subprocess.run(["rustc", "-O", "-o", str(load), str(_LOAD)], check=True)
        images = {}
        for number, build in enumerate(BUILDS):
            say(build.name)
            images[build.name] = make(Path(name, str(number)), build)
        measured: dict[str, list[float]] = {build.name: [] for build in BUILDS}
        for _ in range(ROUNDS):
            for made, image in images.items():
                measured[made].append(answers(image, load))
    text = results_text(measured)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


def results_text(measured: dict[str, list[float]]) -> str:
    """Return the table in Markdown."""
    at = {name: median(values) for name, values in measured.items()}
    first = next(iter(at.values()))
    day = datetime.now(timezone.utc).date().isoformat()
    return "\n".join(
        [
            "# A server under load, by its C library and allocator",
            "",
            f"Written by `python -m benchmarks.allocator` on {day}: {os.cpu_count()} cores, which server and",
            f"load share; the example service asked for `{PATH}` over {CONNECTIONS} connections. Medians of",
            f"{ROUNDS} rounds of {SECONDS} seconds; in brackets the share of the first.",
            "",
            "| built as | answers a second |",
            "|---|---|",
            *(f"| {name} | {value:.0f} ({value / first:.2f}) |" for name, value in at.items()),
            "",
        ]
    )


if __name__ == "__main__":
    main()
