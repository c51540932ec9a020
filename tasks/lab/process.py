"""Processes of the lab's own, known by their pid files."""

from __future__ import annotations

from pathlib import Path


def running(pid_file: Path, configuration: Path) -> int | None:
    """Return the pid of the process that runs with this configuration.

    A file that outlived its process means nothing: the number may be another's by now.
    """
    try:
        pid = int(pid_file.read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if str(configuration).encode() in words else None
