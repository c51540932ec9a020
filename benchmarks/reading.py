"""How long Cargo's files take to read.

Promised are 150 ms for 100 members and 600 locked packages, 15 ms for one member, and time that grows as they do.
Beside it, in turns, cargo itself: `cargo metadata --no-deps`.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from rustdocker_tasks.cargo.project import load_project

ROUNDS = 7
MEMBERS = (1, 10, 100, 1000)
LOCKED = 600
MEMBER = """[package]
name = "member-{number}"
version.workspace = true
edition.workspace = true
description = "One of many"

[features]
default = ["fast"]
fast = []

[dependencies]
serde = {{ workspace = true, features = ["derive"] }}
tokio = {{ version = "1", features = ["full"] }}
{path}
[dev-dependencies]
tempfile = "3"
"""
ROOT = """[workspace]
resolver = "2"
members = ["crates/*"]
[workspace.package]
version = "0.1.0"
edition = "2021"
[workspace.dependencies]
serde = "1"
"""


def write_workspace(root: Path, members: int) -> None:
    """Write a workspace whose every member depends on the one before."""
    (root / "Cargo.toml").write_text(ROOT)
    for number in range(members):
        folder = root / "crates" / f"member-{number}"
        (folder / "src").mkdir(parents=True)
        path = f'member-{number - 1} = {{ path = "../member-{number - 1}" }}\n' if number else ""
        (folder / "Cargo.toml").write_text(MEMBER.format(number=number, path=path))
        (folder / "src" / "main.rs").touch()
    entry = '[[package]]\nname = "locked-{0}"\nversion = "1.0.0"\nchecksum = "{1}"\ndependencies = ["a", "b"]\n'
    (root / "Cargo.lock").write_text("version = 4\n" + "".join(entry.format(n, "0" * 64) for n in range(LOCKED)))


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Print the medians in milliseconds."""
    print(f"{'members':>8}{'ours, ms':>12}{'cargo, ms':>12}   median of {ROUNDS}")
    for members in MEMBERS:
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            write_workspace(root, members)
            asked = ["cargo", "metadata", "--no-deps", "--format-version=1", f"--manifest-path={root}/Cargo.toml"]
            ours, cargo = [], []
            for _ in range(ROUNDS):
                ours.append(seconds(partial(load_project, root)))
                cargo.append(seconds(partial(subprocess.run, asked, check=True, capture_output=True)))
        print(f"{members:>8}{median(ours) * 1000:>12.1f}{median(cargo) * 1000:>12.1f}")


if __name__ == "__main__":
    main()
