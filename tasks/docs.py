"""What of the documentation is made of the code."""

from __future__ import annotations

from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

import msgspec
from invoke.context import Context
from invoke.tasks import task

from rustdocker_tasks.image_config import Port, Signal, User
from rustdocker_tasks.settings.options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.engine.scenarios import Step
    from tests.engine.workspace import Compiled

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
CACHING = ROOT / "benchmarks" / "CACHING.md"
ARGUMENTS = ROOT / "rustdocker_tasks" / "settings" / "arguments.py"
MODULE = """\"\"\"The settings as arguments from Python, for type checkers: written by `invoke docs`.\"\"\"

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class SettingArguments(TypedDict, total=False):
    \"\"\"What `collection` and `workspace` take besides; None is what is not said.\"\"\"

"""
# Of a collection it is that of its own.
NOT_ARGUMENTS = {"name"}
HEAD = "| key | meaning | example |\n|---|---|---|\n"


def settings_table() -> str:
    """Return the README's table of settings."""
    rows = (f"| `{o.key}` | {o.description} | `{o.example}` |\n" for o in OPTIONS.values())
    return HEAD + "".join(rows)


def arguments_module() -> str:
    """Return the module that tells type checkers of the settings."""
    rows = (
        f"    {option.field}: {argument_type(get_args(option.type)[0])}\n"
        for option in OPTIONS.values()
        if option.field not in NOT_ARGUMENTS
    )
    return MODULE + "".join(rows)


def argument_type(declared: Any) -> str:
    """Return what of Python is taken for a setting of that type."""
    return " | ".join(dict.fromkeys((*_alternatives(declared), "None")))


def _alternatives(declared: Any) -> list[str]:
    origin, arguments = get_origin(declared), get_args(declared)
    if origin is Annotated:
        return _alternatives(arguments[0])
    if origin in {Union, UnionType}:
        return [name for each in arguments if each is not NoneType for name in _alternatives(each)]
    if origin is tuple:
        return [f"Sequence[{' | '.join(_alternatives(arguments[0]))}]"]
    if origin is dict:
        return ["Mapping[str, str]"]
    if issubclass(declared, msgspec.Struct):
        return ["Mapping[str, object]"]
    known: dict[object, list[str]] = {
        bool: ["bool"],
        Path: ["Path", "str"],
        Port: ["int", "str"],
        User: ["int", "str"],
        Signal: ["int", "str"],
    }
    return known.get(declared, ["str"])


CACHING_HEAD = """# What is compiled after which change

Of a project that is built again and again: its own crates by name, crates of others by number. `mount` and
`host` go on where the build before ended. `layer` is a machine that has never built anything, with the layers
that the build before exported. The tests named above each table count exactly this; `invoke docs` writes it.
"""
CHANGES = """
## Sources and settings

A workspace with a program `app`, its library `core` and another program `other`: `tests/engine/test_caching.py`.
"""
INPUTS = """
## What build scripts, macros and included files read

All files are of one time, and edits of one length. `text` includes a file; `silent` has a build script that
tells cargo nothing, `lists` one that names a folder, `misses` one that reads more than it names, `makes` one that
writes into `src`; `macros` read a file and list a folder of `app`: `tests/engine/test_caching_inputs.py`.
"""
FAULTS = """
## Faults

What is kept is as a killed build, a clock or a disk left it. In layers nothing outlives a build but what BuildKit
keeps whole or not at all: `tests/engine/test_caching_faults.py`.
"""


def caching_table() -> str:
    """Return what the tests count in each build of one project, one after the other."""
    from tests.engine import test_caching, test_caching_faults, test_caching_inputs

    sections = (
        (CHANGES, test_caching.STEPS),
        (INPUTS, test_caching_inputs.STEPS),
        (FAULTS, test_caching_faults.STEPS),
    )
    return CACHING_HEAD + "".join(f"{text}\n{_steps_table(steps)}" for text, steps in sections)


def _steps_table(steps: Sequence[Step]) -> str:
    modes = [mode for mode in ("mount", "layer", "host") if getattr(steps[0], mode) is not None]
    rows = [
        ("step", *modes),
        ("---",) * (1 + len(modes)),
        *((step.name, *(_counted(getattr(step, mode)) for mode in modes)) for step in steps),
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _counted(compiled: Compiled) -> str:
    others = [f"{compiled.others} of others"] if compiled.others else []
    return ", ".join([*compiled.own, *others]) or "nothing"


@task
def docs(_: Context) -> None:
    """Write the README's table of settings anew, that of caching, and the settings' types."""
    CACHING.write_text(caching_table(), encoding="utf-8")
    ARGUMENTS.write_text(arguments_module(), encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    start = text.index(HEAD)
    before, after = text[:start], text[text.index("\n\n", start) :]
    README.write_text(f"{before}{settings_table().rstrip()}{after}", encoding="utf-8")
