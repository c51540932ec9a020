"""The path of `rustdocker init`: Cargo's files -> a task file or noxfile of the project's own."""

from __future__ import annotations

import ast
import difflib
import os
from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.binaries import shipped_programs
from rustdocker_tasks.cargo.project import load_project
from rustdocker_tasks.errors import ProjectError, TaskFileExists, TaskFileNotWritten
from rustdocker_tasks.pipeline import configure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rustdocker_tasks.cargo.binaries import Program
    from rustdocker_tasks.cargo.model import Project
    from rustdocker_tasks.progress import Say

_PACKAGE = "rustdocker_tasks"
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
    is_of_all = _is_of_all(project, programs)
    if for_nox:
        text = _NOX.format(arguments=_nox_arguments(programs) if is_of_all else "")
        keeps = ""
    else:
        text = _TASKS_OF_ALL if is_of_all else _TASKS
        keeps = ", and your own tasks too with `ns.add_task(…)`, as Invoke takes `ns` alone where there is one"
    # Invoke takes a package called so as well, and of the two the file.
    places = (path,) if for_nox else (path, path.with_suffix("") / "__init__.py")
    there = next((each for each in places if os.path.lexists(each)), None)
    try:
        if there is not None:
            if not _has_our_tasks(there):
                raise TaskFileExists(there, needed=text, keeps=keeps)
            say(f"{there} has the tasks already")
            return there
        lines = difflib.unified_diff([], text.splitlines(), "/dev/null", str(path), lineterm="")
        say("\n".join(lines))
        if not dry:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise TaskFileNotWritten(path, error.strerror or str(error)) from error
    return path


def _is_of_all(project: Project, programs: Sequence[Program]) -> bool:
    """Whether the project has several programs, or one that its folder does not choose by itself."""
    if len(programs) != 1:
        return len(programs) > 1
    try:
        configure(project, ())
    except ProjectError:
        return True
    return False


def _nox_arguments(programs: Sequence[Program]) -> str:
    packages = [program.package for program in programs]
    if len(set(packages)) == len(packages):
        return f"packages={packages}"
    return f"bins={[program.binary for program in programs]}"


def _has_our_tasks(path: Path) -> bool:
    """Whether a task file, or one of a package of task files, imports from here."""
    files = sorted(path.parent.glob("*.py")) if path.name == "__init__.py" else [path]
    return any(_imports_us(file.read_bytes()) for file in files)


def _imports_us(source: bytes) -> bool:
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError):
        return False
    modules = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    modules += [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
    return any(module.split(".")[0] == _PACKAGE for module in modules)
