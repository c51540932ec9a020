"""An edit built on a machine that has never built anything, with the layers of another: beside cargo-chef.

Promised: at most 1.1 of cargo-chef's time. Each leaves its layers in a folder; before each build the engine's own
are removed. What is measured is the build alone, with no layers left behind.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.containers import OURS, REVISION, Contender, contenders, docker, edit, make_images
from tasks.lab import start as start_lab
from tasks.lab.cache import say

ROUNDS = 5
CHEF = "cargo-chef"
LAYER = ("env", "RUSTDOCKER_CACHE=layer")


def taking(way: Contender, layers: Path) -> Contender:
    """Return the way with the layers of the other machine at hand."""
    if way.name == OURS:
        return replace(
            way, command=("env", "RUSTDOCKER_CACHE=layer", f"RUSTDOCKER_CACHE_FROM={layers}", *way.command)
        )
    return replace(way, command=(*way.command[:-1], f"--cache-from=type=local,src={layers}", way.command[-1]))


def leaving(way: Contender, layers: Path) -> Contender:
    """Return the way as the other machine has it."""
    if way.name == OURS:
        return replace(
            way, command=("env", "RUSTDOCKER_CACHE=layer", f"RUSTDOCKER_CACHE_TO={layers}", *way.command)
        )
    store = f"--cache-to=type=local,dest={layers},mode=max"
    return replace(way, command=(*way.command[:-1], store, way.command[-1]))


def main() -> None:
    """Print medians, the ratio, the sizes of what was left, and whether each program is the edited one."""
    start_lab()
    make_images()
    with tempfile.TemporaryDirectory() as name:
        ways = [way for way in contenders(Path(name)) if way.name in {OURS, CHEF}]
        layers = {way.name: Path(name, f"layers-{number}") for number, way in enumerate(ways)}
        for way in ways:
            say(f"{way.name}: the other machine")
            forget()
            leaving(way, layers[way.name]).build()
        seconds: dict[str, list[float]] = {way.name: [] for way in ways}
        for number in range(ROUNDS):
            for way in ways if number % 2 else reversed(ways):
                edit(way.folder, REVISION.format(number))
                forget()
                seconds[way.name].append(taking(way, layers[way.name]).build())
        right = {way.name: way.holds(REVISION.format(ROUNDS - 1)) for way in ways}
        for way in ways:
            size = sum(path.stat().st_size for path in layers[way.name].rglob("*") if path.is_file())
            measured = ", ".join(f"{second:.1f}" for second in seconds[way.name])
            is_right = "the edited program" if right[way.name] else "NOT the edited program"
            print(
                f"{way.name}: {median(seconds[way.name]):.2f} s ({measured}), {size / 1e6:.0f} MB left, {is_right}"
            )
        ratio = median(seconds[OURS]) / median(seconds[CHEF])
        print(f"fresh node: {ratio:.2f} of cargo-chef (promised: at most 1.1)")


def forget() -> None:
    docker("buildx", "prune", "--all", "--force", "--filter", "type=regular")


if __name__ == "__main__":
    main()
