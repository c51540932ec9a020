"""Small programs with libraries of C, each built and run in every variant, and the table of what happened."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

from invoke.context import Context
from invoke.tasks import task

from tasks.lab.engine import HOST
from tasks.matrix.cases import CASES, VARIANTS, Case, Outcome, build_and_run

TABLE = Path(__file__).parent / "RESULTS.md"


@task(auto_shortflags=False, help={"only": "Names of cases, separated by commas; the table is then left alone."})
def matrix(_: Context, only: str = "") -> None:
    """Build and run every case in every variant, and write the table."""
    names = [name for name in only.split(",") if name] or list(CASES)
    rows = {name: _row(name, CASES[name]) for name in names}
    if not only:
        TABLE.write_text(_table(rows), encoding="utf-8")
    if any(outcome.problem for row in rows.values() for outcome in row.values()):
        sys.exit(1)


def _row(name: str, case: Case) -> dict[str, Outcome]:
    with TemporaryDirectory() as folder:
        case.write(Path(folder))
        row = {}
        for variant in VARIANTS:
            row[variant] = build_and_run(Path(folder), case, variant, engine=HOST)
            print(f"{name:<21}{variant:<16}{row[variant].text}", flush=True)
            if problem := row[variant].problem:
                print(problem, flush=True)
        return row


def _table(rows: dict[str, dict[str, Outcome]]) -> str:
    cargo = subprocess.check_output([shutil.which("cargo") or "cargo", "--version"], text=True).split()[1]
    day = datetime.now(tz=timezone.utc).date()
    lines = [
        "# Programs with libraries of C, built and run",
        "",
        f"Written by `invoke matrix` on {day}, on Debian trixie with Rust {cargo}: what each program printed, or",
        "why it was refused before anything was compiled. `static` alone is of musl.",
        "",
        f"| program | installed to compile | {' | '.join(VARIANTS)} |",
        f"|---|---|{'---|' * len(VARIANTS)}",
    ]
    for name, row in rows.items():
        packages = ", ".join(row["slim"].packages) or "nothing"
        lines.append(f"| {name} | {packages} | {' | '.join(row[variant].text for variant in VARIANTS)} |")
    return "\n".join(lines) + "\n"
