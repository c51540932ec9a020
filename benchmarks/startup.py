"""What our tasks add to `invoke --list`: promised are at most 10 ms over a task file with one task.

And what those of a workspace with a hundred programs add: promised are 60 ms. Beside them stand as many tasks that
have no flags and do nothing, to tell what of it is Invoke's own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from rustdocker_tasks.collection import TASKS_OF_ONE

ROUNDS = 31
_EMPTY = """from invoke import Collection, Task

def nothing(c):
    "Do nothing of any use, which is told in a line."

ns = Collection()
for program in range({programs}):
    ns.add_collection(Collection(f"program{{program}}"))
    for number in range({tasks}):
        ns.collections[f"program{{program}}"].add_task(Task(nothing), name=f"task{{number}}")
"""
PROGRAMS = 100
TASK_FILES = {
    "bare": "from invoke import task\n\n\n@task\ndef hello(c):\n    pass\n",
    "ours": "from rustdocker_tasks import ns\n",
    "of 100 programs": "from rustdocker_tasks import workspace\n\nns = workspace()\n",
    "as many empty tasks": _EMPTY.format(programs=PROGRAMS, tasks=len(TASKS_OF_ONE)),
}


def seconds(folder: Path) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "invoke", "--list"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def write_programs(folder: Path) -> None:
    (folder / "Cargo.toml").write_text('[workspace]\nresolver = "2"\nmembers = ["crates/*"]\n')
    for number in range(PROGRAMS):
        package = folder / "crates" / f"program{number}"
        (package / "src").mkdir(parents=True)
        (package / "src" / "main.rs").write_text("fn main() {}\n")
        (package / "Cargo.toml").write_text(f'[package]\nname = "{package.name}"\nversion = "0.1.0"\n')


def main() -> None:
    """Print the median of each, and what it is beside the bare one."""
    with tempfile.TemporaryDirectory() as name:
        folders = {}
        for kind, text in TASK_FILES.items():
            folders[kind] = Path(name, kind)
            folders[kind].mkdir()
            (folders[kind] / "tasks.py").write_text(text)
            write_programs(folders[kind])
            seconds(folders[kind])
        rounds = [{kind: seconds(folder) for kind, folder in folders.items()} for _ in range(ROUNDS)]
    print(f"invoke --list, median of {ROUNDS}:")
    for kind in TASK_FILES:
        middle = median(each[kind] for each in rounds)
        over = median(each[kind] - each["bare"] for each in rounds)
        print(
            f"  {kind}: {middle * 1000:.1f} ms; the median difference of a pair with bare is {over * 1000:.1f} ms"
        )


if __name__ == "__main__":
    main()
