"""Builds through buildx beside the ways that people use today: the same apps, the same changes, in turns.

The tables, with what is promised and what was measured of it, are written to RESULTS.md beside this file. Runs on
the lab's engine, whose build cache it empties; compiling cargo-chef itself is not counted. About an hour.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.apps import DEPENDENCIES, REVISION, SERVICE, WORKSPACE, App
from benchmarks.contenders import (
    CHEF,
    CHEF_VERSION,
    OURS,
    RAW,
    Contender,
    contenders,
    docker,
    forget_everything,
    forget_layers,
    make_images,
    raw,
)
from tasks.lab import start as start_lab
from tasks.lab.cache import say

COLD, EDITS, PAUSES, NODES = 2, 5, 10, 5
RESULTS = Path(__file__).parent / "RESULTS.md"
Seconds = Mapping[str, Sequence[float]]  # by way


@dataclass(frozen=True)
class Measured:
    """What was measured of one app: seconds by change and way, and which ways ship the edit."""

    app: App
    table: Mapping[str, Seconds]
    right: Mapping[str, bool]

    def median(self, change: str, way: str) -> float:
        return median(self.table[change][way])

    def best(self, change: str) -> float:
        """The best of the others that ship what was edited."""
        others = (way for way in self.table[change] if way not in {OURS, RAW} and self.right[way])
        return min(self.median(change, way) for way in others)


def main() -> None:
    """Measure both apps and write the results."""
    start_lab()
    make_images()
    measured = [measure(app) for app in (SERVICE, WORKSPACE)]
    text = results_text(measured)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


def measure(app: App) -> Measured:
    with tempfile.TemporaryDirectory() as name:
        ways = contenders(app, Path(name))
        say(f"{app.name}: cold")
        table: dict[str, Seconds] = {"cold": merged(cold(ways) for _ in range(COLD))}
        say(f"{app.name}: edits")
        edits = [partial(app.edit, text=REVISION.format(number)) for number in range(EDITS)]
        table["a source edited"] = merged(changed(ways, edit) for edit in edits)
        right = {way.name: way.holds(REVISION.format(EDITS - 1)) for way in ways}
        say(f"{app.name}: new dependencies")
        added = [partial(app.depend, crate=crate) for crate in DEPENDENCIES]
        table["a dependency added"] = merged(changed(ways, add) for add in added)
        say(f"{app.name}: nothing changed")
        idle = [*ways, raw(ways[0])]
        table["nothing changed"] = merged(in_turns(idle, first=number) for number in range(PAUSES))
        say(f"{app.name}: a fresh node")
        nodes = [way for way in ways if way.name in {OURS, CHEF}]
        table["an edit on a fresh node"] = fresh_node(nodes, Path(name, "layers"))
        return Measured(app, table, right)


def in_turns(ways: Sequence[Contender], *, first: int = 0) -> dict[str, list[float]]:
    """Build each once; who is first is for the caller to change."""
    first %= len(ways)
    return {way.name: [way.build()] for way in (*ways[first:], *ways[:first])}


def cold(ways: Sequence[Contender]) -> dict[str, list[float]]:
    forget_everything()
    return in_turns(ways)


def changed(ways: Sequence[Contender], change: Callable[[Path], None]) -> dict[str, list[float]]:
    for way in ways:
        change(way.folder)
    return in_turns(ways)


def fresh_node(ways: Sequence[Contender], store: Path) -> dict[str, list[float]]:
    """An edit where nothing was ever built, with the layers that another machine left in a folder."""
    layers = {way.name: store / str(number) for number, way in enumerate(ways)}
    for way in ways:
        forget_layers()
        way.leaving(layers[way.name]).build()
    seconds: dict[str, list[float]] = {way.name: [] for way in ways}
    for number in range(NODES):
        for way in ways if number % 2 else reversed(ways):
            way.app.edit(way.folder, REVISION.format(f"{number} on a node"))
            forget_layers()
            seconds[way.name].append(way.taking(layers[way.name]).build())
    return seconds


def merged(rounds: Iterator[dict[str, list[float]]]) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {}
    for each in rounds:
        for way, measured in each.items():
            seconds.setdefault(way, []).extend(measured)
    return seconds


def results_text(measured: Sequence[Measured]) -> str:
    """Return the tables and the promises, in Markdown."""
    version = docker("version", "--format={{.Server.Version}}").decode().strip()
    day = datetime.now(timezone.utc).date().isoformat()
    lines = [
        "# Builds beside those of others",
        "",
        f"Written by `python -m benchmarks.peers` on {day}: {os.cpu_count()} cores, Engine {version}, cargo-chef",
        f"{CHEF_VERSION}. Medians in seconds, all of one run; in brackets the share of ours.",
    ]
    for each in measured:
        left_out = ["", each.app.left_out] if each.app.left_out else []
        lines += ["", f"## {each.app.name}", "", *table_lines(each), *left_out, "", *promise_lines(each)]
    return "\n".join(lines) + "\n"


def table_lines(measured: Measured) -> Iterator[str]:
    ways = list(measured.table["nothing changed"])
    ordered = [OURS, *(way for way in measured.right if way != OURS), *(way for way in ways if way == RAW)]
    yield "| | " + " | ".join(ordered) + " |"
    yield "|---" * (len(ordered) + 1) + "|"
    for change, seconds in measured.table.items():
        ours = measured.median(change, OURS)
        cells = []
        for way in ordered:
            if way not in seconds:
                cells.append("-")
                continue
            other = measured.median(change, way)
            cells.append(f"{other:.2f}" if way == OURS else f"{other:.2f} ({other / ours:.2f})")
        yield f"| {change} ({len(seconds[OURS])}) | " + " | ".join(cells) + " |"
    ships = ["yes" if measured.right[way] else "**no**" for way in ordered if way != RAW]
    yield "| ships the edit | " + " | ".join([*ships, *("-" for way in ordered if way == RAW)]) + " |"


def promise_lines(measured: Measured) -> Iterator[str]:
    def promise(what: str, value: float, most: float, unit: str = "") -> str:
        kept = "kept" if value <= most else "**not kept**"
        return f"- {what}: {value:.2f}{unit}, promised at most {most:.2f}{unit}: {kept}"

    edit, added, node = "a source edited", "a dependency added", "an edit on a fresh node"
    cold_share = measured.median("cold", OURS) / measured.best("cold")
    yield promise("cold, share of the best other", cold_share, 1.1)
    over = measured.median(edit, OURS) - measured.best(edit)
    yield promise("a source edited, beside the best other", over, max(0.5, 0.1 * measured.best(edit)), " s")
    if measured.app is WORKSPACE:
        share = measured.median(edit, OURS) / measured.median(edit, CHEF)
        yield promise("a source edited, share of cargo-chef", share, 0.5)
    share = measured.median(added, OURS) / measured.median(added, CHEF)
    yield promise("a dependency added, share of cargo-chef", share, 0.15)
    share = measured.median(node, OURS) / measured.median(node, CHEF)
    yield promise("an edit on a fresh node, share of cargo-chef", share, 1.1)
    idle = measured.median("nothing changed", OURS) - measured.median("nothing changed", RAW)
    yield promise("nothing changed, beside docker's own build of the same Dockerfile", idle, 0.4, " s")


if __name__ == "__main__":
    main()
