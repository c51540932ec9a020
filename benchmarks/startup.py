"""What our tasks add to `invoke --list`: promised are at most 10 ms over a task file with one task."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROUNDS = 31
TASK_FILES = {
    "bare": "from invoke import task\n\n\n@task\ndef hello(c):\n    pass\n",
    "ours": "from rustdocker_tasks import ns\n",
}


def seconds(folder: Path) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "invoke", "--list"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Print the median of each and their difference."""
    with tempfile.TemporaryDirectory() as name:
        folders = {}
        for kind, text in TASK_FILES.items():
            folders[kind] = Path(name, kind)
            folders[kind].mkdir()
            (folders[kind] / "tasks.py").write_text(text)
            seconds(folders[kind])
        rounds = [{kind: seconds(folder) for kind, folder in folders.items()} for _ in range(ROUNDS)]
    bare, ours = (median(r[kind] for r in rounds) for kind in ("bare", "ours"))
    difference = median(r["ours"] - r["bare"] for r in rounds)
    print(f"invoke --list, median of {ROUNDS}: bare {bare * 1000:.1f} ms, ours {ours * 1000:.1f} ms")
    print(f"  ours is {ours / bare:.3f} times bare; the median difference of a pair is {difference * 1000:.1f} ms")


if __name__ == "__main__":
    main()
