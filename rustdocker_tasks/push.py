"""The path of `push`: plan -> image on the engine -> registry."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from rustdocker_tasks.check import CheckFlags, check_before_push
from rustdocker_tasks.engine.connection import connect
from rustdocker_tasks.errors import (
    NoRepository,
    PushFailed,
    PushRefused,
    RegistryUnreachable,
    RegistryUntrusted,
)
from rustdocker_tasks.pipeline import build_for_engine
from rustdocker_tasks.programs import build_programs, do_with_each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rustdocker_tasks.engine.daemon import Daemon
    from rustdocker_tasks.errors import EngineError
    from rustdocker_tasks.image import ImageReference
    from rustdocker_tasks.pipeline import Planned
    from rustdocker_tasks.plan.model import ImagePlan
    from rustdocker_tasks.progress import Progress
    from rustdocker_tasks.results import BuildReport, FailedImage

# Words of Engine 20.10 and 28.5, and of registries.
_REFUSED = ("unauthorized", "authentication required", "no basic auth credentials", "denied", "forbidden")
_UNTRUSTED = ("x509", "certificate")
_UNREACHABLE = ("no such host", "connection refused", "i/o timeout", "no route to host", "deadline exceeded")


def push_image(planned: Planned, *, check: CheckFlags | None, progress: Progress) -> list[str]:
    """Build the image, push it under all its tags, and return `name@sha256:…` for each repository.

    It is started first as `check` says, unless that is None or the settings say otherwise. Raises NoRepository,
    NoEngine and NoCredentials before anything is built, CheckFailed, and an EngineError by what the registry says.
    """
    engine = _engine_for([planned.plan])
    image = build_for_engine(planned.plan, engine, progress=progress).image
    _check(planned, image, engine, check=check, progress=progress)
    return _push(planned.plan, image, engine, progress=progress)


def _check(planned: Planned, image: str, engine: Daemon, *, check: CheckFlags | None, progress: Progress) -> None:
    if check is not None and planned.resolved.settings.check:
        check_before_push(planned, image, engine, check, progress=progress)


def _engine_for(plans: Sequence[ImagePlan]) -> Daemon:
    """Return the engine that is to push; raises NoRepository, NoEngine, NoCredentials."""
    registries: dict[str, None] = {}
    for plan in plans:
        for tag in plan.tags:
            if tag.registry is None:
                raise NoRepository(tag, set_by=plan.tags_set_by)
            registries[tag.registry] = None
    engine = connect()
    for registry in registries:
        engine.require_credentials(registry)
    return engine


def _push(plan: ImagePlan, image: str, engine: Daemon, *, progress: Progress) -> list[str]:
    """Push an image of the engine's under all tags; return `name@sha256:…` for each repository."""
    pushed: dict[str, None] = {}
    for tag in plan.tags:
        began = perf_counter()
        # A build of somebody else's may have taken the tag meanwhile.
        engine.tag(image, tag)
        progress.say(f"pushing {tag}")
        try:
            digest = engine.push(tag)
        except PushFailed as error:
            raise _by_cause(plan, tag, error) from error
        pushed[f"{tag.repository}@{digest}"] = None
        progress.say(f"pushed in {perf_counter() - began:.1f} s: {tag}")
    return list(pushed)


def push_programs(
    planned: Sequence[Planned], *, check: CheckFlags | None, progress: Progress
) -> tuple[list[str], list[BuildReport | FailedImage]]:
    """Build all images in one go and push those that were made and, with `check`, start.

    Return `name@sha256:…` for each repository, and what became of each image. Raises NoRepository, NoEngine and
    NoCredentials before anything is built.
    """
    if not planned:
        return [], build_programs(planned, progress=progress)
    engine = _engine_for([each.plan for each in planned])
    made = build_programs(planned, progress=progress)
    pushed: list[str] = []

    def push(each: Planned, image: BuildReport) -> None:
        _check(each, image.image, engine, check=check, progress=progress)
        pushed.extend(_push(image.plan, image.image, engine, progress=progress))

    return pushed, do_with_each(planned, made, push, progress=progress)


def _by_cause(plan: ImagePlan, tag: ImageReference, error: PushFailed) -> EngineError:
    problem, registry = error.found, tag.registry or ""
    lower = problem.lower()
    if any(word in lower for word in _UNTRUSTED):
        return RegistryUntrusted(tag, registry=registry, problem=problem)
    if any(word in lower for word in _REFUSED):
        return PushRefused(tag, registry=registry, problem=problem)
    if any(word in lower for word in _UNREACHABLE):
        return RegistryUnreachable(tag, problem=problem, set_by=plan.tags_set_by)
    return error
