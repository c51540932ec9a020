"""Small programs with libraries of C, each built and run in every variant, and the table of what happened."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

from invoke.context import Context
from invoke.tasks import task

from tasks.lab.engine import HOST
from tasks.matrix.cases import CASES, VARIANTS, Outcome, build_and_run

TABLE = Path(__file__).parent / "RESULTS.md"


@task(auto_shortflags=False, help={"only": "Names of cases, separated by commas; other rows are left alone."})
def matrix(_: Context, only: str = "") -> None:
    """Build and run every case in every variant, and write the table."""
    names = [name for name in only.split(",") if name] or list(CASES)
    outcomes = {name: _outcomes(name) for name in names}
    rows = _written() | {name: _row(name, each) for name, each in outcomes.items()}
    TABLE.write_text(_table(rows), encoding="utf-8")
    if any(outcome.problem for row in outcomes.values() for outcome in row.values()):
        sys.exit(1)


def _written() -> dict[str, str]:
    """Return the table's rows by case."""
    lines = (line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| "))
    return {line.split(" | ")[0].removeprefix("| "): line for line in lines}


def _outcomes(name: str) -> dict[str, Outcome]:
    with TemporaryDirectory() as folder:
        CASES[name].write(Path(folder))
        row = {}
        for variant in VARIANTS:
            row[variant] = build_and_run(Path(folder), name, variant, engine=HOST)
            print(f"{name:<21}{variant:<16}{row[variant].text}", flush=True)
            if problem := row[variant].problem:
                print(problem, flush=True)
        return row


def _row(name: str, outcomes: dict[str, Outcome]) -> str:
    packages = ", ".join(outcomes["slim"].packages) or "nothing"
    texts = (outcomes[variant].text for variant in VARIANTS)
    return f"| {' | '.join((name, packages, *texts, str(datetime.now(tz=timezone.utc).date())))} |"


def _table(rows: Mapping[str, str]) -> str:
    """Return the table of the cases there are, in their order, from its rows."""
    cargo = subprocess.check_output([shutil.which("cargo") or "cargo", "--version"], text=True).split()[1]
    lines = [
        "# Programs with libraries of C, built and run",
        "",
        f"Written by `invoke matrix` on Debian trixie with Rust {cargo}: what each program printed, or why it was",
        "refused before anything was compiled. `static` alone is of musl.",
        "",
        f"| program | installed to compile | {' | '.join(VARIANTS)} | on |",
        f"|---|---|{'---|' * len(VARIANTS)}---|",
        *(rows[name] for name in CASES if name in rows),
    ]
    return "\n".join(lines) + "\n"
