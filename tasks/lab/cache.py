"""Where the lab keeps what is slow to make: a cache folder outside the checkout, keyed by the recipe."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rustdocker-tasks" / "lab"


def say(line: str) -> None:
    print(f"lab: {line}", file=sys.stderr, flush=True)


def key_of(recipe: Sequence[object]) -> str:
    return hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]


def made_once(name: str, make: Callable[[Path], None], *, recipe: Sequence[object]) -> Path:
    """Return the folder that `make` fills; it is made again only when the recipe differs.

    A folder that was left half made has another name, so it is never taken for a finished one.
    """
    finished = CACHE / f"{name}-{key_of(recipe)}"
    if finished.is_dir():
        return finished
    unfinished = finished.with_name(f"{finished.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    make(unfinished)
    unfinished.rename(finished)
    return finished
