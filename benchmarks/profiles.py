"""What the profiles small and smallest cost and save: the example service, compiled anew with each.

The local cargo compiles. Bytes and seconds are printed, and written to PROFILES.md beside this file.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

from benchmarks.apps import SERVICE
from rustdocker_tasks.plan.profiles import load_profiles
from tasks.lab.cache import say

RESULTS = Path(__file__).parent / "PROFILES.md"


def measure(folder: Path, profile: str) -> tuple[float, int]:
    """Return the seconds of a compilation of everything, and the program's bytes."""
    own = load_profiles().get(profile)
    target = folder.parent / profile
    environment = {**os.environ, **(own.environment(profile) if own else {}), "CARGO_TARGET_DIR": str(target)}
    began = time.perf_counter()
    words = ["cargo", "build", "--quiet", "--locked", f"--profile={profile}"]
    subprocess.run(words, cwd=folder, env=environment, check=True)
    return time.perf_counter() - began, (target / profile / SERVICE.binary).stat().st_size


def main() -> None:
    """Measure and write the results."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "service")
        SERVICE.make(folder)
        subprocess.run(["cargo", "fetch", "--quiet", "--locked"], cwd=folder, check=True)
        measured = {}
        for profile in ("release", *load_profiles()):
            say(profile)
            measured[profile] = measure(folder, profile)
    rust = subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    seconds, size = measured["release"]
    lines = [
        "# Profiles for small programs",
        "",
        f"Written by `python -m benchmarks.profiles` on {datetime.now(timezone.utc).date().isoformat()}:",
        f"{os.cpu_count()} cores, {rust}; the example service, everything compiled. In brackets the share of",
        "release.",
        "",
        "| profile | program | to compile |",
        "|---|---|---|",
        *(
            f"| `{name}` | {s / 1e6:.2f} MB ({s / size:.2f}) | {t:.0f} s ({t / seconds:.2f}) |"
            for name, (t, s) in measured.items()
        ),
    ]
    text = "\n".join(lines) + "\n"
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
