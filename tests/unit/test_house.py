"""Rules of the house that a machine can check."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import rustdocker_tasks
from rustdocker_tasks.errors import INTERRUPTED, TERMINATED, RustDockerError
from rustdocker_tasks.settings.options import OPTIONS
from rustdocker_tasks.task_flags import SETTING_FLAGS, VARIANT
from tasks.docs import ARGUMENTS, CACHING, arguments_module, caching_table, settings_table
from tests.conftest import REPOSITORY

PACKAGE = Path(rustdocker_tasks.__file__).parent
# Each may import those before it.
LADDER = [
    ["printable", "frozen", "overhear"],
    ["errors"],
    [
        "debian",
        "debian_files",
        "home",
        "image",
        "image_config",
        "variants",
        "process",
        "interrupts",
        "garbage",
        "meanwhile",
        "progress",
    ],
    ["engine", "cargo"],
    ["settings"],
    ["plan"],
    ["inputs", "explanation", "diagnosis"],
    ["host", "dockerfile", "context", "cache", "contents"],
    ["results"],
    ["report", "run_flags", "containers", "container_failure"],
    ["solve", "machine_facts"],
    [
        "container_build",
        "container_command",
        "host_build",
        "eject",
        "explain",
    ],
    ["pipeline", "commands"],
    ["shell", "doctor"],
    ["programs"],
    ["run", "terminal", "init"],
    ["check"],
    ["push"],
    ["watch"],
    ["task_flags"],
    ["task_values"],
    ["bound"],
    ["task_bodies"],
    ["collection"],
    ["nox", "program"],
    ["__init__"],
]
PURE = [
    *(f"cargo/{name}.py" for name in ("manifest", "binaries", "model", "config", "lock", "toolchain", "features")),
    "settings",
    "plan",
    "report.py",
    "contents.py",
    "results.py",
    "diagnosis.py",
    "container_failure.py",
    "run_flags.py",
]
PURE += [
    "frozen.py",
    "debian.py",
    "image.py",
    "image_config.py",
    "variants.py",
    "printable.py",
    "explanation.py",
    "errors",
    "dockerfile",
    "progress.py",
    "engine/build_log.py",
    "inputs/root_files.py",
    "host/cargo_command.py",
    "host/oci_config.py",
    "host/oci_layout.py",
    "host/layer.py",
]
IMPURE_MODULES = {
    "os",
    "subprocess",
    "time",
    "socket",
    "docker",
    "python_on_whales",
    "random",
    "secrets",
    "datetime",
}


def rung(part: str) -> int:
    return next(number for number, parts in enumerate(LADDER) if part in parts)


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down_the_ladder(path: Path) -> None:
    own = part_of(path)
    for module in imports(path):
        if module.startswith("rustdocker_tasks."):
            other = module.split(".")[1]
            assert other == own or rung(other) < rung(own), f"{own} imports {other}"


@pytest.mark.parametrize("name", PURE)
def test_pure_parts_ask_nothing_of_the_machine(name: str) -> None:
    place = PACKAGE / name
    for path in [place] if place.is_file() else place.rglob("*.py"):
        modules = {module.split(".")[0] for module in imports(path)}
        # os.path.normpath reads no disk, and the date of a number is not asked of a clock.
        allowed = {"os"} if path.parent.name == "cargo" else {"datetime"} if path.name == "created.py" else set()
        assert not (modules & IMPURE_MODULES) - allowed, path


def test_no_file_is_over_400_lines() -> None:
    long = {p.name: n for p in PACKAGE.rglob("*.py") if (n := len(p.read_text().splitlines())) > 400}

    assert not long


def test_flags_that_are_settings_have_the_setting_s_name_and_help() -> None:
    for flag in (VARIANT, *SETTING_FLAGS):
        assert flag.help == OPTIONS[flag.name].description


@pytest.mark.cargo
def test_importing_the_tasks_loads_nothing_heavy() -> None:
    code = "import sys, rustdocker_tasks; print(*sorted(m.split('.')[0] for m in sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()

    assert not {
        "docker",
        "python_on_whales",
        "msgspec",
        "pydantic",
        "requests",
        "tomli",
        "elftools",
        "rich",
    } & set(loaded)


def test_ci_runs_the_readme_s_test_command_and_nothing_else() -> None:
    script = (REPOSITORY / ".ci" / "run").read_text().splitlines()
    commands = [line for line in script if not line.startswith(("#", "set ", "cd "))]

    assert len(commands) == 1
    assert f"\n{commands[0]}\n" in (REPOSITORY / "README.md").read_text()


def test_the_readme_names_every_exit_code() -> None:
    readme = (REPOSITORY / "README.md").read_text()

    for family in RustDockerError.__subclasses__():
        assert f"\n| {family.exit_code} | " in readme, family
    assert f"\n| {INTERRUPTED}, {TERMINATED} | Ctrl-C; SIGTERM or SIGHUP |\n" in readme


def test_the_table_of_caching_is_what_the_tests_count() -> None:
    assert CACHING.read_text(encoding="utf-8") == caching_table()


def test_the_types_of_the_settings_are_those_of_the_code() -> None:
    assert ARGUMENTS.read_text(encoding="utf-8") == arguments_module()


def test_the_readme_s_table_of_settings_is_that_of_the_code() -> None:
    assert f"\n\n{settings_table()}\n" in (REPOSITORY / "README.md").read_text()
