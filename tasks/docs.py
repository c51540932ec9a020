"""What of the documentation is made of the code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.tasks import task

from rustdocker_tasks.settings.options import OPTIONS

if TYPE_CHECKING:
    from tests.engine.workspace import Compiled

README = Path(__file__).parent.parent / "README.md"
CACHING = Path(__file__).parent.parent / "benchmarks" / "CACHING.md"
HEAD = "| key | meaning | example |\n|---|---|---|\n"


def settings_table() -> str:
    """Return the README's table of settings."""
    rows = (f"| `{o.key}` | {o.description} | `{o.example}` |\n" for o in OPTIONS.values())
    return HEAD + "".join(rows)


def caching_table() -> str:
    """Return what the tests count in each build of one project, one after the other."""
    from tests.engine.test_caching import STEPS

    cells = ((step.name, *map(_counted, (step.mount, step.layer, step.host))) for step in STEPS)
    return "\n".join(
        [
            "# What is compiled after which change",
            "",
            "Of a workspace with a program `app`, its library `core` and another program `other`, built again",
            "and again: members by name, crates of others by number. `layer` is a machine that has never built",
            "anything, with the layers that the build before exported. The steps are those of",
            "`tests/engine/test_caching.py`, which counts exactly this; `invoke docs` writes the table.",
            "",
            "| step | mount | layer | host |",
            "|---|---|---|---|",
            *(f"| {' | '.join(row)} |" for row in cells),
            "",
        ]
    )


def _counted(compiled: Compiled) -> str:
    others = [f"{compiled.others} of others"] if compiled.others else []
    return ", ".join([*compiled.own, *others]) or "nothing"


@task
def docs(_: Context) -> None:
    """Write the README's table of settings anew, and that of caching."""
    CACHING.write_text(caching_table(), encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    start = text.index(HEAD)
    before, after = text[:start], text[text.index("\n\n", start) :]
    README.write_text(f"{before}{settings_table().rstrip()}{after}", encoding="utf-8")
