"""How long after a save the new program answers under `watch`, beside cargo alone.

Promised: within a second of cargo's own time on the host backend. The same edits go to a plain `cargo build` in a
copy of the service with its own target folder, in turns; both of the profile for development, as one watches.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

from benchmarks.rebuild import WEB, edit

TABLE = Path(__file__).parent / "WATCH.md"
ROUNDS = 5
PROMISED = 1.0  # seconds after cargo's own
_SECONDS_AT_MOST = 300
_SECONDS_BETWEEN_LOOKS = 0.01


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


@contextmanager
def watching(folder: Path, port: int) -> Iterator[None]:
    """Run `invoke watch` in the folder, and end it after all."""
    words = [sys.executable, "-m", "invoke", "watch", "--profile=dev", f"--port=127.0.0.1:{port}:8080"]
    environment = {**os.environ, "RUSTDOCKER_BACKEND": "host"}
    with (folder.parent / "log").open("wb") as log:
        process = subprocess.Popen(
            words, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait()


def wait_for(revision: str, port: int) -> None:
    """Wait until the program that was made of this revision answers."""
    deadline = time.monotonic() + _SECONDS_AT_MOST
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/source", timeout=1) as answer:
                if json.load(answer)["revision"] == revision:
                    return
        except OSError:
            pass
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    raise SystemExit(f"revision {revision} did not answer")


def measured(plain: Path, ours: Path) -> list[tuple[float, float]]:
    """Return for each edit the seconds of cargo, and those until the program answers."""
    cargo = ["cargo", "build", "--locked", "--quiet"]
    port, found = free_port(), []
    edit(ours, 0)
    subprocess.run(cargo, cwd=plain, check=True)
    with watching(ours, port):
        wait_for("0", port)
        for number in range(1, ROUNDS + 1):
            edit(plain, number)
            began = time.perf_counter()
            subprocess.run(cargo, cwd=plain, check=True)
            of_cargo = time.perf_counter() - began
            began = time.perf_counter()
            edit(ours, number)
            wait_for(str(number), port)
            found.append((of_cargo, time.perf_counter() - began))
    return found


def main() -> None:
    """Write the table."""
    with tempfile.TemporaryDirectory() as name:
        plain, ours = Path(name, "plain"), Path(name, "ours")
        for folder in (plain, ours):
            shutil.copytree(WEB, folder, ignore=shutil.ignore_patterns("target", "__pycache__"))
        rounds = measured(plain, ours)
    cargo, answered = (median(seconds) for seconds in zip(*rounds, strict=True))
    over = median(after - before for before, after in rounds)
    kept = "kept" if over <= PROMISED else "**missed**"
    day = datetime.now(tz=timezone.utc).date()
    lines = [
        "# What a save costs under `watch`",
        "",
        f"Written by `python -m benchmarks.watch` on {day}: {os.cpu_count()} cores,",
        f"[`examples/web`](../examples/web) on the host backend with `--profile dev`, median of {ROUNDS} edits.",
        "",
        "| | seconds |",
        "|---|---|",
        f"| `cargo build`, after the same edit | {cargo:.2f} |",
        f"| from the save until the new program answers over HTTP | {answered:.2f} |",
        f"| the second after the first (promised: at most {PROMISED:.1f}) | {over:.2f}, {kept} |",
    ]
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(TABLE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
