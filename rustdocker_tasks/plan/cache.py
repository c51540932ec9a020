"""What a build in containers keeps from one time to the next. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.settings.options import Cache

if TYPE_CHECKING:
    from rustdocker_tasks.plan.model import MachineFacts
    from rustdocker_tasks.settings.resolve import ResolvedSettings


class ChosenCache(Frozen, frozen=True, kw_only=True):
    """The way, never `auto`, and why."""

    cache: Cache
    reason: str


def choose_cache(resolved: ResolvedSettings, facts: MachineFacts) -> ChosenCache:
    """Return what is kept. Mounts keep more, and stay on their builder; layers can be taken elsewhere."""
    settings = resolved.settings
    if settings.cache is not Cache.AUTO:
        return ChosenCache(cache=settings.cache, reason=f"set by {resolved.origin('cache').where}")
    for key, value in (("cache-to", settings.cache_to), ("cache-from", settings.cache_from)):
        if value:
            return ChosenCache(cache=Cache.LAYER, reason=f"`{key}` is set by {resolved.origin(key).where}")
    if facts.is_ci:
        return ChosenCache(cache=Cache.LAYER, reason="the environment variable CI is set")
    return ChosenCache(cache=Cache.MOUNT, reason="this builder is there tomorrow")
