"""What an image costs beside cargo: after an edit, and with nothing changed.

Promised: after an edit the image is loaded at most 1 s after cargo's own end. The same edits go to a plain
`cargo build --release` in a copy of the service with its own target folder, in turns.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROUNDS = 7
WEB = Path(__file__).parent.parent / "examples" / "web"
CARGO = ["cargo", "build", "--release", "--locked"]
INVOKE = [sys.executable, "-m", "invoke", "build"]


@dataclass(frozen=True)
class Timing:
    total: float
    after_cargo: float  # from cargo's last line to the end of the process


def run(command: list[str], folder: Path) -> Timing:
    """Run the command and note when cargo says that it has finished."""
    began = time.perf_counter()
    finished = began
    with subprocess.Popen(
        command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        for line in process.stderr or ():
            if line.strip().startswith("Finished"):
                finished = time.perf_counter()
    ended = time.perf_counter()
    if process.returncode:
        raise SystemExit(f"{command[0]} failed in {folder}")
    return Timing(ended - began, ended - finished)


def edit(folder: Path, number: int) -> None:
    source = folder / "src" / "source.rs"
    source.write_text(f'pub const REVISION: &str = "{number}";\npub const GREETING: &str = "hello";\n')


def main() -> None:
    """Print medians and ratios."""
    with tempfile.TemporaryDirectory() as name:
        plain, ours = Path(name, "plain"), Path(name, "ours")
        for folder in (plain, ours):
            shutil.copytree(WEB, folder, ignore=shutil.ignore_patterns("target", "__pycache__"))
        print("compiling twice from cold", file=sys.stderr)
        run(CARGO, plain)
        run(INVOKE, ours)
        edits, pauses = [], []
        for number in range(ROUNDS):
            for folder in (plain, ours):
                edit(folder, number)
            edits.append((run(CARGO, plain), run(INVOKE, ours)))
            pauses.append((run(CARGO, plain), run(INVOKE, ours)))
    report("after an edit", edits)
    report("nothing changed", pauses)


def report(what: str, rounds: list[tuple[Timing, Timing]]) -> None:
    cargo = median(plain.total for plain, _ in rounds)
    ours = median(image.total for _, image in rounds)
    after = median(image.after_cargo for _, image in rounds)
    print(f"{what}, median of {len(rounds)}: cargo build {cargo:.2f} s, invoke build {ours:.2f} s")
    print(f"  {ours / cargo:.2f} times cargo; the image is loaded {after:.2f} s after cargo's own end")


if __name__ == "__main__":
    main()
