"""How long Cargo's files take to read, and the crates of one binary to find.

Promised are 150 ms for 100 members and 600 locked packages, 15 ms for one member, and time that grows as they do.
Beside it, in turns, cargo itself: `cargo metadata --no-deps`. The crates are found by their manifests in cargo's
folder, which `invoke plan` does and a build does not.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from rustdocker_tasks.cargo.crates import find_graph
from rustdocker_tasks.cargo.graph import Wanted
from rustdocker_tasks.cargo.model import PackageId
from rustdocker_tasks.cargo.platforms import platform_of
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
locked-0 = {{ workspace = true, features = ["fast"] }}
locked-1 = {{ version = "1", default-features = false }}
{path}
"""
CRATE = """[package]
name = "locked-{number}"
version = "1.0.0"
edition = "2021"

[features]
default = ["std"]
std = []
fast = ["std"]

[lib]
path = "src/lib.rs"
{dependencies}"""
REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"
TRIPLE = "x86_64-unknown-linux-gnu"
ROOT = """[workspace]
resolver = "2"
members = ["crates/*"]
[workspace.package]
version = "0.1.0"
edition = "2021"
[workspace.dependencies]
locked-0 = "1"
"""


def write_workspace(root: Path, members: int) -> None:
    """Write a workspace whose every member depends on the one before."""
    root.mkdir()
    (root / "Cargo.toml").write_text(ROOT)
    for number in range(members):
        folder = root / "crates" / f"member-{number}"
        (folder / "src").mkdir(parents=True)
        path = f'member-{number - 1} = {{ path = "../member-{number - 1}" }}\n' if number else ""
        (folder / "Cargo.toml").write_text(MEMBER.format(number=number, path=path))
        (folder / "src" / "main.rs").touch()
    entries = [
        entry(f"member-{n}", "0.1.0", ["locked-0", "locked-1", *([f"member-{n - 1}"] if n else [])])
        for n in range(members)
    ]
    entries += [entry(f"locked-{n}", "1.0.0", uses(n), source=REGISTRY) for n in range(LOCKED)]
    (root / "Cargo.lock").write_text("version = 4\n" + "".join(entries))


def uses(number: int) -> list[str]:
    """What a crate depends on: the next two."""
    return [f"locked-{other}" for other in (number + 1, number + 2) if other < LOCKED]


def entry(name: str, version: str, dependencies: list[str], *, source: str | None = None) -> str:
    lines = ["[[package]]", f'name = "{name}"', f'version = "{version}"']
    lines += [f'source = "{source}"', f'checksum = "{"0" * 64}"'] if source else []
    return "\n".join([*lines, f"dependencies = {dependencies}\n".replace("'", '"')])


def write_registry(home: Path) -> None:
    """Write the crates' manifests as cargo unpacks them."""
    for number in range(LOCKED):
        folder = home / "registry/src/index" / f"locked-{number}-1.0.0"
        folder.mkdir(parents=True)
        tables = "".join(f'\n[dependencies.{name}]\nversion = "1"\n' for name in uses(number))
        (folder / "Cargo.toml").write_text(CRATE.format(number=number, dependencies=tables))


def resolve(root: Path) -> None:
    """Read the project and find the crates of its last member's binary."""
    project = load_project(root)
    package = project.members[-1]
    platform = platform_of(TRIPLE)
    found = find_graph(
        project,
        Wanted(
            roots=(PackageId(package.name, package.version, None),),
            features=(),
            default_features=True,
            target=platform,
            host=platform,
            resolver="2",
        ),
    )
    assert found.graph is not None
    assert len(found.graph.crates) > LOCKED


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Print the medians in milliseconds."""
    print(f"{'members':>8}{'read, ms':>12}{'cargo, ms':>12}{'crates, ms':>12}   median of {ROUNDS}")
    for members in MEMBERS:
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            write_workspace(root / "project", members)
            write_registry(root / "home")
            root /= "project"
            asked = ["cargo", "metadata", "--no-deps", "--format-version=1", f"--manifest-path={root}/Cargo.toml"]
            ours, cargo, crates = [], [], []
            for _ in range(ROUNDS):
                ours.append(seconds(partial(load_project, root)))
                cargo.append(seconds(partial(subprocess.run, asked, check=True, capture_output=True)))
                path = os.environ["PATH"]
                os.environ.update(CARGO_HOME=str(root.parent / "home"), PATH="/nowhere")
                crates.append(seconds(partial(resolve, root)))
                os.environ["PATH"] = path
                del os.environ["CARGO_HOME"]
        shown = "".join(f"{median(times) * 1000:>12.1f}" for times in (ours, cargo, crates))
        print(f"{members:>8}{shown}")


if __name__ == "__main__":
    main()
