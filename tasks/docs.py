"""What of the documentation is made of the code."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context
from invoke.tasks import task

from rustdocker_tasks.settings.options import OPTIONS

README = Path(__file__).parent.parent / "README.md"
HEAD = "| key | meaning | example |\n|---|---|---|\n"


def settings_table() -> str:
    """Return the README's table of settings."""
    rows = (f"| `{o.key}` | {o.description} | `{o.example}` |\n" for o in OPTIONS.values())
    return HEAD + "".join(rows)


@task
def docs(_: Context) -> None:
    """Write the README's table of settings anew."""
    text = README.read_text(encoding="utf-8")
    start = text.index(HEAD)
    before, after = text[:start], text[text.index("\n\n", start) :]
    README.write_text(f"{before}{settings_table().rstrip()}{after}", encoding="utf-8")
