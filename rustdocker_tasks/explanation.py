"""Why a build did what it did: kept beside the target folder's own things, and told by `explain`. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILE = "last-build.json"
_SHOWN = 10  # files, crates
_KILOBYTE = 1000
_WORTH_NAMING = 0.05  # seconds


class Changes(Frozen, frozen=True, kw_only=True):
    """Sources that differ from those of the build before."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class Explanation(Frozen, frozen=True, kw_only=True):
    """What a build did; seconds by step and by crate, bytes of sources sent."""

    plan: str
    cache: str
    failed: tuple[str, ...]  # what was not made, and why
    changes: Changes | None  # None: there was no build before, or nobody looked
    compiled: tuple[str, ...]
    seconds: dict[str, float]
    slowest: dict[str, float]  # crates, without those that took no time worth naming
    from_cache: tuple[str, ...]  # steps
    sent: int


def find_changes(before: Mapping[str, str] | None, after: Mapping[str, str]) -> Changes | None:
    """Return how the sources differ, given their digests by path."""
    if before is None:
        return None
    return Changes(
        added=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(sorted(path for path in after.keys() & before.keys() if after[path] != before[path])),
        removed=tuple(sorted(before.keys() - after.keys())),
    )


def encode(explanation: Explanation) -> bytes:
    return json.dumps(msgspec.to_builtins(explanation), indent=2).encode("ascii")


def decode(content: bytes) -> Explanation | None:
    """Return what was kept, None where it cannot be read."""
    try:
        return msgspec.convert(json.loads(content), type=Explanation)
    except ValueError:
        return None


def explanation_text(told: Explanation) -> str:
    return "\n".join(f"{name:<16}{value}".replace("\n", "\\n") for name, value in _rows(told))


def _rows(told: Explanation) -> Iterator[tuple[str, str]]:
    yield "build", told.plan
    for failure in told.failed:
        yield "failed", failure
    yield "cache", told.cache
    yield from _change_rows(told.changes)
    yield "compiled", f"{len(told.compiled)}: {_some(told.compiled)}" if told.compiled else "no crate"
    # Cargo's report has what was fresh too, which took no time.
    slowest = [f"{name} {seconds:.1f} s" for name, seconds in told.slowest.items() if seconds >= _WORTH_NAMING]
    if slowest:
        yield "slowest", ", ".join(slowest)
    yield "from the cache", ", ".join(told.from_cache) or "no step"
    yield "sent", f"{told.sent / _KILOBYTE:.1f} kB"
    worth_naming = {name: seconds for name, seconds in told.seconds.items() if seconds >= _WORTH_NAMING}
    yield "seconds", ", ".join(f"{name} {seconds:.1f}" for name, seconds in worth_naming.items()) or "none"


def _change_rows(changes: Changes | None) -> Iterator[tuple[str, str]]:
    if changes is None:
        yield "sources", "no earlier build is known"
        return
    rows = [("added", changes.added), ("changed", changes.changed), ("removed", changes.removed)]
    if not any(paths for _, paths in rows):
        yield "sources", "as before"
    for name, paths in rows:
        if paths:
            yield name, f"{len(paths)}: {_some(paths)}"


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
