"""Ten programs of a workspace in one go, beside one of them, and beside docker's own bake of the same Dockerfile.

One command, one run, one after the other: seconds and shares are printed, and written to PROGRAMS.md beside this
file. Runs on the lab's engine, whose build cache it empties. About ten minutes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

from benchmarks.apps import PROGRAMS, REVISION, WORKSPACE
from benchmarks.contenders import ENVIRONMENT, docker, forget_everything
from rustdocker_tasks.engine.ca_bundle import find_ca_bundle
from tasks.lab import start as start_lab
from tasks.lab.cache import say

COLD, EDITS, PAUSES = 2, 5, 10
RESULTS = Path(__file__).parent / "PROGRAMS.md"
_INVOKE = (sys.executable, "-m", "invoke")
_TASKS = "from rustdocker_tasks import workspace\n\nns = workspace()\n"


def seconds(folder: Path, *words: str) -> float:
    began = time.perf_counter()
    done = subprocess.run(words, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.perf_counter() - began


def cold(folder: Path, *words: str) -> float:
    forget_everything()
    return seconds(folder, *_INVOKE, *words)


def edited(folder: Path, number: int, *words: str) -> float:
    WORKSPACE.edit(folder, REVISION.format(f"{number} for {words[0]}"))
    return seconds(folder, *_INVOKE, *words)


def raw_bake(folder: Path, programs: int, *, context: Path | None = None) -> tuple[str, ...]:
    """Return docker's own command for the Dockerfile that we have just used for that many programs of a folder.

    `context` is the folder around it that is sent, if packages lie outside of it.
    """
    file = _bake_file(folder, context or folder, programs)
    return ("env", "BUILDX_BAKE_ENTITLEMENTS_FS=0", "docker", "buildx", "bake", f"--file={file}", "--load")


def _bake_file(folder: Path, context: Path, programs: int) -> Path:
    bundle = find_ca_bundle(os.environ)
    target = {
        "context": str(context),
        "dockerfile": str(folder / "target/rustdocker/group-1/Dockerfile"),
        "secret": [f"id=ca-bundle,src={bundle}"] if bundle else [],
        "attest": ["type=provenance,disabled=true"],
    }
    names = {
        f"image-{n}": {**target, "target": f"rustdocker-image-{n}", "tags": [f"rustdocker-bench-raw-{n}"]}
        for n in range(1, programs + 1)
    }
    file = folder.parent / f"bake-{folder.name}.json"
    file.write_text(json.dumps({"group": {"default": {"targets": list(names)}}, "target": names}))
    return file


def main() -> None:
    """Measure and write the results."""
    start_lab()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "workspace")
        WORKSPACE.make(folder)
        (folder / "tasks.py").write_text(_TASKS)
        say("cold")
        one, all_of_them = zip(
            *((cold(folder, "program0.build"), cold(folder, "build")) for _ in range(COLD)), strict=True
        )
        say("edits")
        one_edited = [edited(folder, number, "program0.build") for number in range(EDITS)]
        all_edited = [edited(folder, number, "build") for number in range(EDITS)]
        say("nothing changed")
        seconds(folder, *_INVOKE, "program0.build")
        one_idle = [seconds(folder, *_INVOKE, "program0.build") for _ in range(PAUSES)]
        seconds(folder, *_INVOKE, "build")
        raw = raw_bake(folder, PROGRAMS)
        idle = [(seconds(folder, *_INVOKE, "build"), seconds(folder, *raw)) for _ in range(PAUSES)]
        all_idle, raw_idle = zip(*idle, strict=True)
    table = {
        "one program, cold": one,
        "all ten, cold": all_of_them,
        "one program, its source edited": one_edited,
        "all ten, one source edited": all_edited,
        "one program, nothing changed": one_idle,
        "all ten, nothing changed": all_idle,
        "docker's own bake of the ten, nothing changed": raw_idle,
    }
    text = results_text(table)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


def results_text(table: dict[str, Sequence[float]]) -> str:
    """Return the table and the promises, in Markdown."""
    at = {name: median(values) for name, values in table.items()}
    link = at["one program, its source edited"] - at["one program, nothing changed"]
    cost = at["one program, cold"] + (PROGRAMS - 1) * link
    version = docker("version", "--format={{.Server.Version}}").decode().strip()
    day = datetime.now(timezone.utc).date().isoformat()
    promises = (
        promise(at["all ten, cold"] / cost, 1.2),
        promise(at["all ten, nothing changed"] / at[list(table)[-1]], 2),
    )
    return "\n".join(
        [
            "# Ten programs of a workspace in one go",
            "",
            f"Written by `python -m benchmarks.programs` on {day}: {os.cpu_count()} cores, Engine {version}. Ten",
            "programs over twenty libraries. Medians in seconds, all of one run.",
            "",
            "| | |",
            "|---|---|",
            *(f"| {name} ({len(values)}) | {at[name]:.2f} |" for name, values in table.items()),
            "",
            f"- all ten, cold, share of one and nine links ({cost:.1f} s): {promises[0]}",
            f"- all ten, nothing changed, share of docker's own bake: {promises[1]}",
            "",
        ]
    )


def promise(value: float, most: float) -> str:
    """Return a measured share beside what is promised, and whether that is kept."""
    return f"{value:.2f}, promised at most {most:.2f}: {'kept' if value <= most else '**not kept**'}"


if __name__ == "__main__":
    main()
