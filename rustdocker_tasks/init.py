"""The path of `rustdocker init`: Cargo's files -> a task file or noxfile of the project's own."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.binaries import shipped_programs
from rustdocker_tasks.cargo.project import load_project
from rustdocker_tasks.context.folder import cannot_write
from rustdocker_tasks.errors import TaskFileExists

if TYPE_CHECKING:
    from pathlib import Path

    from rustdocker_tasks.progress import Say

_IMPORT = "from rustdocker_tasks"
_TASKS = "from rustdocker_tasks import ns\n"
_TASKS_OF_ALL = """from pathlib import Path

from rustdocker_tasks import workspace

ns = workspace(Path(__file__).parent)
"""
_NOX = """# /// script
# dependencies = ["nox", "rustdocker-tasks"]
# ///
import nox

from rustdocker_tasks.nox import register

register({arguments})

if __name__ == "__main__":
    nox.main()
"""


def write_task_file(start: Path, *, for_nox: bool, dry: bool, say: Say) -> Path:
    """Write the file that makes the tasks those of the project at `start`; return its path.

    What is about to be written is shown first. A file that is there is never touched: TaskFileExists, unless it
    has our tasks. Raises ProjectError.
    """
    project = load_project(start)
    path = project.root / ("noxfile.py" if for_nox else "tasks.py")
    programs = shipped_programs(project)
    packages = "" if len(programs) <= 1 else f"packages={[*dict.fromkeys(p.package for p in programs)]}"
    tasks = _TASKS if len(programs) <= 1 else _TASKS_OF_ALL
    text = _NOX.format(arguments=packages) if for_nox else tasks
    with cannot_write(path):
        if os.path.lexists(path):
            if _IMPORT not in path.read_text(encoding="utf-8", errors="replace"):
                raise TaskFileExists(path, needed=text)
            say(f"{path} has the tasks already")
            return path
        lines = difflib.unified_diff([], text.splitlines(), "/dev/null", str(path), lineterm="")
        say("\n".join(lines))
        if not dry:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    return path
