"""20,000 sources, ten of them changed: what it costs to list them and to bring the mirror up to date.

Promised: at most 1.5 s for both. Beside it stands what `sha256sum` needs to read all of them. No engine is asked.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from rustdocker_tasks.context.folder import GroupContents, prepared_context
from rustdocker_tasks.plan.context import ContextFolders

FILES, CHANGED, ROUNDS = 20_000, 10, 5
LINES = 20  # of each file


def write(folder: Path, number: int, text: str) -> None:
    path = folder / "src" / f"d{number % 200}" / f"f{number}.rs"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text * LINES)


def update(folder: Path, kept: Path) -> tuple[float, float]:
    """Return the seconds that listing and mirroring take."""
    began = time.perf_counter()
    with prepared_context(
        ContextFolders(root=folder, project=folder), [GroupContents(support=())], say=print
    ) as context:
        listed = time.perf_counter()
        script = folder / context.names[0].folder / context.names[0].scripts["mirror"]
        subprocess.run(
            (
                "sh",
                script,
                str(context.names[0].sources),
                "-",
                folder,
                kept / "sources",
                ".",
                "-",
                kept / "target",
            ),
            check=True,
        )
        return listed - began, time.perf_counter() - listed


def read_all(folder: Path) -> float:
    began = time.perf_counter()
    command = "find . -type f -print0 | xargs -0 sha256sum > /dev/null"
    subprocess.run(command, shell=True, cwd=folder / "src", check=True)
    return time.perf_counter() - began


def main() -> None:
    """Print medians and the ratio."""
    with tempfile.TemporaryDirectory() as name:
        folder, kept = Path(name, "project"), Path(name, "kept")
        for number in range(FILES):
            write(folder, number, f"// {number}\n")
        update(folder, kept)
        measured, raw = [], []
        for turn in range(ROUNDS):
            for number in range(CHANGED):
                write(folder, number, f"// {number} in turn {turn}\n")
            raw.append(read_all(folder))
            measured.append(update(folder, kept))
        listing, mirroring = (median(seconds) for seconds in zip(*measured, strict=True))
        both = median(sum(seconds) for seconds in measured)
        print(f"{FILES} files, {CHANGED} changed, {ROUNDS} turns: list {listing:.2f} s, mirror {mirroring:.2f} s")
        print(f"together {both:.2f} s (promised: at most 1.5), {both / median(raw):.1f} of reading all once")


if __name__ == "__main__":
    main()
