"""The program `rustdocker`: the tasks where there is no task file, and `init`, which writes one."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from invoke.program import Program

from rustdocker_tasks.collection import program_collection

# Source: Invoke's documentation, "Configuration".
_CONFIGURATION = ("invoke.yaml", "invoke.yml", "invoke.json", "invoke.py")


class _Program(Program):
    """Invoke itself looks for the project's configuration beside a task file alone."""

    def parse_collection(self) -> None:
        super().parse_collection()
        self.config.set_project_location(_project_folder(Path.cwd()))
        self.config.load_project()


def _project_folder(start: Path) -> Path:
    """Return the nearest folder with a configuration of Invoke's, up to the project's own, else `start`."""
    folders = (start, *start.parents)
    of_cargo = [number for number, folder in enumerate(folders) if (folder / "Cargo.toml").is_file()]
    up_to_project = folders[: of_cargo[-1] + 1] if of_cargo else (start,)
    return next(
        (folder for folder in up_to_project if any(folder.joinpath(name).is_file() for name in _CONFIGURATION)),
        start,
    )


program = _Program(
    name="rustdocker", binary="rustdocker", namespace=program_collection(), version=version("rustdocker-tasks")
)
