"""The programs of a workspace on the disk: all that `invoke --list` needs to know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.binaries import shipped_programs
from rustdocker_tasks.cargo.project import load_project
from rustdocker_tasks.errors import NoBinary

if TYPE_CHECKING:
    from pathlib import Path

    from rustdocker_tasks.cargo.binaries import Program
    from rustdocker_tasks.cargo.model import Project


def list_programs(start: Path) -> tuple[Program, ...]:
    """Return the programs of the workspace at `start` that are to be shipped; raises ProjectError."""
    return programs_of(load_project(start))


def programs_of(project: Project) -> tuple[Program, ...]:
    """Return the programs of a workspace that was read; raises NoBinary if there is none."""
    programs = shipped_programs(project)
    if not programs:
        raise NoBinary(package.manifest for package in project.members)
    return programs
