"""What the profiles small and smallest cost and save: programs of the examples, all compiled anew with each.

The local cargo compiles. Bytes and seconds are printed, and written to PROFILES.md beside this file.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path

from rustdocker_tasks.plan.profiles import load_profiles
from tasks.lab.cache import say

RESULTS = Path(__file__).parent / "PROFILES.md"
EXAMPLES = Path(__file__).parents[1] / "examples"
# By folder, the program of it that is compiled.
PROGRAMS = {"hello": "hello", "web": "my-rust-app", "monorepo/shop": "shop-api"}


def measure(folder: Path, program: str, profile: str, target: Path) -> tuple[float, int]:
    """Return the seconds of a compilation of everything, and the program's bytes."""
    own = load_profiles().get(profile)
    environment = {**os.environ, **(own.environment(profile) if own else {}), "CARGO_TARGET_DIR": str(target)}
    began = time.perf_counter()
    words = ["cargo", "build", "--quiet", "--locked", f"--profile={profile}", f"--bin={program}"]
    subprocess.run(words, cwd=folder, env=environment, check=True)
    return time.perf_counter() - began, (target / profile / program).stat().st_size


def _measure_all(example: str, program: str) -> dict[str, tuple[float, int]]:
    folder = EXAMPLES / example
    subprocess.run(["cargo", "fetch", "--quiet", "--locked"], cwd=folder, check=True)
    measured = {}
    for profile in ("release", *load_profiles()):
        say(f"{example}, {profile}")
        with tempfile.TemporaryDirectory() as target:
            measured[profile] = measure(folder, program, profile, Path(target))
    return measured


def _rows(example: str, measured: Mapping[str, tuple[float, int]]) -> Iterator[str]:
    seconds, size = measured["release"]
    for profile, (took, stored) in measured.items():
        yield (
            f"| `examples/{example}` | `{profile}` | {stored / 1e6:.2f} MB ({stored / size:.2f}) "
            f"| {took:.1f} s ({took / seconds:.2f}) |"
        )


def main() -> None:
    """Measure and write the results."""
    rows = [row for example, program in PROGRAMS.items() for row in _rows(example, _measure_all(example, program))]
    rust = subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    lines = [
        "# Profiles for small programs",
        "",
        f"Written by `python -m benchmarks.profiles` on {datetime.now(timezone.utc).date().isoformat()}:",
        f"{os.cpu_count()} cores, {rust}; everything compiled once. In brackets the share of release.",
        "",
        "| program of | profile | program | to compile |",
        "|---|---|---|---|",
        *rows,
    ]
    text = "\n".join(lines) + "\n"
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
