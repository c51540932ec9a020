"""The example monorepo: all its twelve images, beside cargo's own build of its workspaces, and docker's own bake.

One command, one run, one after the other: seconds and shares are printed, and written to MONOREPO.md beside this
file. Runs on the lab's engine, whose build cache it empties. About six minutes.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

from benchmarks.contenders import docker, forget_everything
from benchmarks.programs import promise, raw_bake, seconds
from tasks.lab import start as start_lab
from tasks.lab.cache import say

COLD, EDITS, PAUSES = 2, 5, 10
RESULTS = Path(__file__).parent / "MONOREPO.md"
MONOREPO = Path(__file__).parent.parent / "examples" / "monorepo"
WORKSPACES = {"shop": 5, "billing": 4, "tools": 3}  # programs in each
_INVOKE = (sys.executable, "-m", "invoke")
_NOT_SOURCES = shutil.ignore_patterns("target", "__pycache__")


def cargo_alone(folder: Path) -> float:
    """Return the seconds of cargo's own build of all workspaces, with nothing downloaded or compiled before."""
    total = 0.0
    with tempfile.TemporaryDirectory() as name:
        home = f"CARGO_HOME={name}/home"
        for each in WORKSPACES:
            target = f"CARGO_TARGET_DIR={name}/{each}"
            total += seconds(
                folder / each, "env", home, target, "cargo", "build", "--release", "--locked", "--quiet"
            )
    return total


def exported(folder: Path) -> float:
    """Return the seconds that the last builds took to hand their images to the engine."""
    told = (json.loads((folder / each / "target/rustdocker/last-build.json").read_text()) for each in WORKSPACES)
    return sum(float(each["seconds"].get("load", 0.0)) for each in told)


def edited(folder: Path, number: int) -> float:
    source = folder / "billing/crates/reports/src/main.rs"
    source.write_text(f'fn main() {{\n    println!("reports {number}: {{}}", ledger::total());\n}}\n')
    return seconds(folder, *_INVOKE, "build")


def main() -> None:
    """Measure and write the results."""
    start_lab()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "monorepo")
        shutil.copytree(MONOREPO, folder, ignore=_NOT_SOURCES)
        cold, alone, exports = [], [], []
        for _ in range(COLD):
            say("cold")
            forget_everything()
            cold.append(seconds(folder, *_INVOKE, "build"))
            exports.append(exported(folder))
            alone.append(cargo_alone(folder))
        say("edits")
        edits = [edited(folder, number) for number in range(EDITS)]
        say("nothing changed")
        raw = {each: raw_bake(folder / each, programs, context=folder) for each, programs in WORKSPACES.items()}
        idle = [
            (seconds(folder, *_INVOKE, "build"), sum(seconds(folder / each, *raw[each]) for each in WORKSPACES))
            for _ in range(PAUSES)
        ]
    all_idle, raw_idle = zip(*idle, strict=True)
    table = {
        "all twelve images, cold": cold,
        "of that: images handed to the engine": exports,
        "cargo's own build of the three workspaces, cold": alone,
        "all twelve, one source edited": edits,
        "all twelve, nothing changed": all_idle,
        "docker's own bakes of the three, nothing changed": raw_idle,
    }
    text = results_text(table)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


def results_text(table: dict[str, Sequence[float]]) -> str:
    """Return the table and the promises, in Markdown."""
    at = {name: median(values) for name, values in table.items()}
    cold, export, alone, _, idle, raw = at.values()
    version = docker("version", "--format={{.Server.Version}}").decode().strip()
    day = datetime.now(timezone.utc).date().isoformat()
    shares = (promise(cold / (alone + export), 1.3), promise(idle / raw, 2))
    return "\n".join(
        [
            "# The example monorepo: twelve programs in three workspaces",
            "",
            f"Written by `python -m benchmarks.monorepo` on {day}: {os.cpu_count()} cores, Engine {version}.",
            "Medians in seconds, all of one run; each cold build downloads its crates.",
            "",
            "| | |",
            "|---|---|",
            *(f"| {name} ({len(values)}) | {at[name]:.2f} |" for name, values in table.items()),
            "",
            f"- all, cold, share of cargo's own build and the images' export: {shares[0]}",
            f"- all, nothing changed, share of docker's own bakes: {shares[1]}",
            "",
        ]
    )


if __name__ == "__main__":
    main()
