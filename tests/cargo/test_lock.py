"""What a lock file lacks, beside what cargo says of it with --locked."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rustdocker_tasks.cargo.lock import find_unlocked
from rustdocker_tasks.cargo.project import load_project
from tests.cargo.test_skeleton import hard
from tests.conftest import Write

pytestmark = pytest.mark.cargo


def cargo_refuses(folder: Path) -> bool:
    words = ["cargo", "metadata", "--locked", "--offline", "--format-version=1"]
    told = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert told.returncode == 0 or "--locked was passed" in told.stderr, told.stderr
    return told.returncode != 0


@pytest.mark.parametrize(
    ("name", "old", "new", "lacks"),
    [
        ("Cargo.toml", "", "", None),
        ("Cargo.toml", 'version = "1.2.3"', 'version = "1.3.0"', "app 1.3.0"),
        ("lib-help/Cargo.toml", 'version = "1.0.0"', 'version = "1.9.0"', "help 1.9.0"),
        ("app/Cargo.toml", "[dependencies]", '[dependencies]\nryu = "1"', "ryu, on which app depends"),
        ("app/Cargo.toml", "[target.'cfg(windows)']", "[target.'cfg(windows)']", None),
        (
            "app/Cargo.toml",
            "[target.'cfg(windows)'.dependencies]",
            '[target.\'cfg(windows)\'.dependencies]\nother-name = { package = "ryu", version = "1" }',
            "ryu, on which app depends",
        ),
        ("app/Cargo.toml", "[dev-dependencies]", '[dev-dependencies]\nryu = "1"', "ryu, on which app depends"),
        ("lib-other/Cargo.toml", 'semver = "1"', 'semver = "1"\nfnv = "1"', "fnv, on which other depends"),
    ],
)
def test_cargo_and_we_find_the_same_lacking(
    write: Write, name: str, old: str, new: str, lacks: str | None
) -> None:
    folder = hard(write, "2")
    text = (folder / name).read_text()
    (folder / name).write_text(text.replace(old, new))

    project = load_project(folder)

    assert project.lock is not None
    assert find_unlocked(project.lock, project.members) == lacks
    assert cargo_refuses(folder) == (lacks is not None)
