"""The programs of a workspace on the disk: all that `invoke --list` needs to know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.binaries import require_programs
from rustdocker_tasks.cargo.project import load_project

if TYPE_CHECKING:
    from pathlib import Path

    from rustdocker_tasks.cargo.binaries import BinaryRequest, Program


def list_programs(start: Path, asked: BinaryRequest) -> tuple[Program, ...]:
    """Return the programs of the workspace at `start` that are to be shipped; raises ProjectError."""
    return require_programs(load_project(start), asked)
