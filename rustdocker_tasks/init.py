"""The path of `rustdocker init`: Cargo's files -> a task file or noxfile, and a table of settings."""

from __future__ import annotations

import ast
import difflib
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.binaries import require_programs, shipped_programs
from rustdocker_tasks.cargo.project import MANIFEST, load_project
from rustdocker_tasks.errors import (
    BadFlag,
    CompileError,
    FileNotWritten,
    ProjectError,
    TableExists,
    TaskFileExists,
)
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.pipeline import configure, plan_image
from rustdocker_tasks.plan.model import MachineFacts, NoGitState
from rustdocker_tasks.plan.planner import choose_variant
from rustdocker_tasks.programs import plan_programs
from rustdocker_tasks.settings.options import OPTIONS, Backend
from rustdocker_tasks.settings.resolve import parse_value, resolve_settings
from rustdocker_tasks.settings.sources import Layer, Source, metadata_layer
from rustdocker_tasks.settings.table_text import table_text, with_table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from rustdocker_tasks.cargo.binaries import Program
    from rustdocker_tasks.cargo.model import Project
    from rustdocker_tasks.progress import Say

_PACKAGE = "rustdocker_tasks"
# Whether settings are right is the same on all machines.
_NOBODY_ASKED = MachineFacts(buildx_problem=None, git=NoGitState("nobody asks"), is_ci=False)
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

{registered}

if __name__ == "__main__":
    nox.main()
"""


class _Change(Frozen, frozen=True, kw_only=True):
    path: Path
    before: str
    after: str


def write_project_files(
    start: Path, asked: Mapping[str, object], *, for_nox: bool, dry: bool, say: Say
) -> list[Path]:
    """Write the file that makes the tasks those of the project at `start`, and a table with what is asked for.

    The table stands in the manifest of the package, or of the workspace where the tasks are for several programs,
    and has only what would not be so anyway. All is shown before any of it is written. What is there is never
    touched: raises TaskFileExists, unless it has our tasks, and TableExists. Raises ProjectError, SettingsError.
    Returns the files that have tasks and settings, whether they are new or not.
    """
    project = load_project(start)
    programs = shipped_programs(project)
    # Of a package alone, what chooses a program leaves one.
    is_of_one = "bin" in asked and len(project.members) == 1
    is_of_all = not is_of_one and _is_of_all(project, programs)
    task_file, new_tasks = _task_file(project, is_of_all=is_of_all, for_nox=for_nox)
    files = [(task_file, new_tasks, "has the tasks already")]
    if asked:
        around = _package_around(start, project)
        # One of several programs, or of none, has no table of one.
        is_one = is_of_all and [each.package for each in programs].count(around or "") == 1
        choice = {"package": around} if is_one else {}
        manifest, new_table = _settings_table(project, programs, {**choice, **asked}, is_of_all=is_of_all)
        files.append((manifest, new_table, "needs no more settings for this"))
    for path, change, as_it_is in files:
        say(_diff(change) if change else f"{path} {as_it_is}")
    if not programs:
        _tell_of_no_program(project, say)
    for _, change, _ in files:
        if change and not dry:
            _write(change)
    return [path for path, _, _ in files]


def _package_around(start: Path, project: Project) -> str | None:
    """Return the member in whose folder somebody works, None at the workspace's own."""
    folders = {each.folder.resolve(): each.name for each in project.members if each.folder != project.root}
    place = start.resolve()
    return next((folders[folder] for folder in (place, *place.parents) if folder in folders), None)


def _tell_of_no_program(project: Project, say: Say) -> None:
    try:
        require_programs(project)
    except ProjectError as error:
        say(f"so far there is nothing to build: {error}")


def _task_file(project: Project, *, is_of_all: bool, for_nox: bool) -> tuple[Path, _Change | None]:
    path = project.root / ("noxfile.py" if for_nox else "tasks.py")
    if for_nox:
        text = _NOX.format(registered="register(workspace=True)" if is_of_all else "register()")
        keeps = ""
    else:
        text = _TASKS_OF_ALL if is_of_all else _TASKS
        keeps = ", and your own tasks too with `ns.add_task(…)`, as Invoke takes `ns` alone where there is one"
    # Invoke takes a package called so as well, and of the two the file.
    places = (path,) if for_nox else (path, path.with_suffix("") / "__init__.py")
    there = next((each for each in places if os.path.lexists(each)), None)
    if there is None:
        return path, _Change(path=path, before="", after=text)
    try:
        has_tasks = _has_our_tasks(there)
    except OSError as error:
        raise FileNotWritten(there, error.strerror or str(error)) from error
    if not has_tasks:
        raise TaskFileExists(there, needed=text, keeps=keeps)
    return there, None


def _settings_table(
    project: Project, programs: Sequence[Program], asked: Mapping[str, object], *, is_of_all: bool
) -> tuple[Path, _Change | None]:
    """Return the manifest that is to have what is asked for, and how it changes."""
    wanted = _wanted_of_one if not is_of_all or "package" in asked or "bin" in asked else _wanted_of_all
    kind, manifest, values = wanted(project, programs, asked)
    if not values:
        return manifest, None
    # With its own ends of lines.
    text = manifest.read_bytes().decode("utf-8-sig")
    changed = with_table(text, kind, values)
    if changed is None:
        raise TableExists(manifest, needed=table_text(kind, values))
    return manifest, _Change(path=manifest, before=text, after=changed)


_Wanted = tuple[str, "Path", dict[str, object]]


def _wanted_of_one(project: Project, _: Sequence[Program], asked: Mapping[str, object]) -> _Wanted:
    """Return what one program's package is to have: the table's kind, the manifest, and values."""
    configured = configure(project, [_flags(asked, project.root)])
    package = configured.package
    flags = _flags(asked, package.folder)
    # What this machine could not compile, another one may.
    with suppress(CompileError):
        plan_image(project.root, [flags], facts=_NOBODY_ASKED)
    others, binary = configured.layers[:-1], configured.binary.name
    is_told = {"package"} if len(package.binaries) > 1 else {"package", "bin"}
    return "package", package.manifest, _new_values(asked.keys() - is_told, others, flags, binary=binary)


def _wanted_of_all(project: Project, programs: Sequence[Program], asked: Mapping[str, object]) -> _Wanted:
    """Return the same for several programs: of their package, or of the workspace where there are several."""
    names = {program.package for program in programs}
    package = next(each for each in project.members if each.name in names)
    root = project.root / MANIFEST
    others = [metadata_layer(project.metadata, source=Source.WORKSPACE, manifest=root, text=project.text)]
    kind, manifest = "workspace", root
    if len(names) == 1:
        kind, manifest = "package", package.manifest
        own = metadata_layer(package.metadata, source=Source.PACKAGE, manifest=manifest, text=package.text)
        others = [own, *others]
    flags = _flags(asked, manifest.parent)
    choose_variant(resolve_settings((*others, flags)), Backend.BUILDX)
    with suppress(CompileError):
        plan_programs(project.root, [flags], since=None, facts=_NOBODY_ASKED)
    return kind, manifest, _new_values(asked.keys(), others, flags, binary=None)


def _flags(asked: Mapping[str, object], base: Path) -> Layer:
    return Layer(
        source=Source.FLAG,
        where=lambda path: f"the flags of `init` ({path[-1]})",
        base=base,
        values=asked,
        is_text=True,
    )


def _new_values(
    names: Collection[str], others: Sequence[Layer], flags: Layer, *, binary: str | None
) -> dict[str, object]:
    """Return what of the flags would not be so anyway."""
    before = resolve_settings(others, binary=binary).settings
    after = resolve_settings((*others, flags), binary=binary).settings
    options = [OPTIONS[name] for name in sorted(names)]
    new = [each for each in options if getattr(before, each.field) != getattr(after, each.field)]
    values = {option.key: parse_value(option, flags.values[option.key]) for option in new}
    for key, value in values.items():
        if value is None:
            problem = "TOML has no word for nothing, and a table that is weaker sets it"
            raise BadFlag("--set", value=f"{key}=", problem=problem, example=f"--set '{key}=…'")
    return values


def _diff(change: _Change) -> str:
    old = str(change.path) if change.before else "/dev/null"
    lines = difflib.unified_diff(
        change.before.splitlines(), change.after.splitlines(), old, str(change.path), lineterm=""
    )
    return "\n".join(lines)


def _write(change: _Change) -> None:
    """Add what is new below what is there: nothing else of the file can be lost."""
    try:
        with change.path.open("ab" if change.before else "xb") as file:
            file.write(change.after.removeprefix(change.before).encode())
    except OSError as error:
        raise FileNotWritten(change.path, error.strerror or str(error)) from error


def _is_of_all(project: Project, programs: Sequence[Program]) -> bool:
    """Whether the project has several programs, or one that its folder does not choose by itself."""
    if len(programs) != 1:
        return len(programs) > 1
    try:
        configure(project, ())
    except ProjectError:
        return True
    return False


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
