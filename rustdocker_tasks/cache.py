"""The path of `cache`: what builds in containers keep on mounts of the engine, and how to be rid of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.engine.build_cache import CacheMount, find_mounts, parse_builder
from rustdocker_tasks.engine.buildx import inspect_builder
from rustdocker_tasks.engine.connection import connect
from rustdocker_tasks.errors import BadValue, MountsNotTold
from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from rustdocker_tasks.plan.model import ContainerBuild


_OF_THE_ENGINE = "default"  # of buildx


class KeptMounts(Frozen, frozen=True, kw_only=True):
    """Mounts by whose they are."""

    own: tuple[CacheMount, ...]  # the project's
    shared: tuple[CacheMount, ...]  # registries and git repositories, for all projects
    others: tuple[CacheMount, ...]  # of other projects, or of nobody knows whom


def kept_mounts(container: ContainerBuild) -> KeptMounts:
    """Return what is kept; raises BadValue where nobody tells, NoEngine, EngineGone."""
    _require_own_builder(container)
    mounts = find_mounts(connect().build_cache())
    own = tuple(mount for mount in mounts if (mount.name or "").startswith(container.project_id))
    shared = tuple(mount for mount in mounts if mount.place.endswith("/cargo-home"))
    return KeptMounts(own=own, shared=shared, others=tuple(m for m in mounts if m not in {*own, *shared}))


def clear_mounts(container: ContainerBuild) -> int:
    """Remove the project's mounts and return their size in bytes; raises as `kept_mounts`, and MountsNotTold."""
    kept = kept_mounts(container)
    if not kept.own and any(mount.name is None for mount in kept.others):
        raise MountsNotTold(len(kept.others))
    connect().remove_build_cache([mount.record for mount in kept.own])
    return sum(mount.size for mount in kept.own)


def _require_own_builder(container: ContainerBuild) -> None:
    name, where = container.builder, container.builder_set_by
    if name is None:
        current = parse_builder(inspect_builder(None))
        if current is not None and not current.is_engine_s_own:
            name, where = current.name, "docker, whose current builder it is (`docker buildx use`)"
    if name not in {None, _OF_THE_ENGINE}:
        raise BadValue(
            "builder",
            value=str(name),
            where=where,
            problem="only the engine's own builder is asked for what it keeps",
            example=f'"{_OF_THE_ENGINE}", or ask docker: docker buildx du --builder {name}',
        )
