"""The program `rustdocker`: the tasks where there is no task file, and `init`, which writes one."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from invoke.program import Program

from rustdocker_tasks.collection import program_collection


class _Program(Program):
    """Invoke itself looks for the project's configuration beside a task file alone."""

    def parse_collection(self) -> None:
        super().parse_collection()
        self.config.set_project_location(Path.cwd())
        self.config.load_project()


program = _Program(
    name="rustdocker", binary="rustdocker", namespace=program_collection(), version=version("rustdocker-tasks")
)
