"""What the engine says of its build cache, and buildx of a builder -> the mounts that our builds made. Pure.

Source: BuildKit, client/diskusage.go and cache/manager; the ID stands in a description from Engine 23 on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

_KIND = "exec.cachemount"
_PLACES = ("/rustdocker/kept", "/rustdocker/cargo-home")
_DESCRIPTION = re.compile(
    r'cached mount (?P<place>/rustdocker/\S+) from exec (?:.* with id "/?(?P<id>[^"]*)")?', re.DOTALL
)


class CacheMount(Frozen, frozen=True, kw_only=True):
    """A mount. `name` is the ID of our Dockerfiles, None where the engine does not tell it."""

    record: str  # the engine's own ID of it
    place: str
    name: str | None
    size: int  # bytes
    last_used: str  # as the engine writes it, "" if never


class Builder(Frozen, frozen=True, kw_only=True):
    name: str
    driver: str  # of buildx

    @property
    def is_engine_s_own(self) -> bool:
        return self.driver == "docker"


def parse_builder(text: str) -> Builder | None:
    """Return the builder that `docker buildx inspect` prints, None where it prints none."""
    fields = dict(re.findall(r"^(Name|Driver): +(\S+)", text.partition("\nNodes:")[0], flags=re.MULTILINE))
    name, driver = fields.get("Name"), fields.get("Driver")
    return Builder(name=name, driver=driver) if name and driver else None


def find_mounts(records: Iterable[Any]) -> tuple[CacheMount, ...]:
    """Return our mounts among the engine's records."""
    found = []
    for record in records:
        match = _DESCRIPTION.match(record.get("Description") or "")
        if record.get("Type") == _KIND and match is not None and match["place"] in _PLACES:
            found.append(
                CacheMount(
                    record=record["ID"],
                    place=match["place"],
                    name=match["id"],
                    size=int(record["Size"]),
                    last_used=record.get("LastUsedAt") or "",
                )
            )
    return tuple(found)
