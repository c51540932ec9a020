"""The backend buildx: plan -> context and Dockerfile -> buildx -> image."""

from __future__ import annotations

import os
from time import perf_counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.context.folder import (
    GroupContents,
    cannot_write,
    explanation_file,
    prepared_context,
)
from rustdocker_tasks.context.sources import named_in_rust
from rustdocker_tasks.dockerfile.compose import compose, final_stage, late_secret
from rustdocker_tasks.dockerfile.environment import possible_late, render_late
from rustdocker_tasks.engine.build_log import BuildLog, Told
from rustdocker_tasks.engine.buildx import BuildRequest, BuildTarget, target_name
from rustdocker_tasks.engine.layer_folder import set_damaged_index_aside
from rustdocker_tasks.explanation import Explanation, encode
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.inputs.files import write_whole
from rustdocker_tasks.inputs.proxies import find_proxies
from rustdocker_tasks.inputs.support import gather_each
from rustdocker_tasks.meanwhile import Meanwhile
from rustdocker_tasks.report import plan_line
from rustdocker_tasks.results import BuildReport, FailedImage
from rustdocker_tasks.solve import build_request, solve, what_does_not_count, write_dockerfile

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from rustdocker_tasks.context.folder import BuildContext
    from rustdocker_tasks.engine.buildx import BuildResult
    from rustdocker_tasks.engine.daemon import Daemon
    from rustdocker_tasks.inputs.proxies import Proxies
    from rustdocker_tasks.plan.model import ContextNames, ImageGroup
    from rustdocker_tasks.progress import Progress

_WORTH_NAMING = 0.1  # seconds


class _Prepared(Frozen, frozen=True, kw_only=True):
    """A group with what the context holds for it."""

    group: ImageGroup
    names: ContextNames

    def without(self, names: Collection[str]) -> _Prepared:
        """Return it without the programs of these names."""
        kept = [number for number, image in enumerate(self.group.images) if image.name not in names]
        return _Prepared(
            group=replace(self.group, images=tuple(self.group.images[number] for number in kept)),
            names=replace(self.names, files=tuple(self.names.files[number] for number in kept)),
        )


def build_in_containers(
    groups: Sequence[ImageGroup], find_engine: Callable[[], Daemon], *, progress: Progress
) -> list[BuildReport | FailedImage]:
    """Build all images and load them into the engine, which is looked for meanwhile: it only tells their IDs.

    cargo's output and the scripts' own are shown. A program that does not compile, or would not start, is no
    reason for the others to fail. Raises ProjectError, EngineGone, LoadFailed.
    """
    proxies = find_proxies(os.environ)
    folders = groups[0].container.context
    for line in _first_lines(groups, proxies):
        progress.say(line)
    groups, contents, without_files = _gathered(groups)
    if not groups:
        return without_files
    began = perf_counter()
    engine = Meanwhile(find_engine)
    stores = list(dict.fromkeys(folder for group in groups for folder in group.container.cache_folders))
    with prepared_context(folders, contents, others=stores, say=progress.say) as context:
        waiting = [
            _Prepared(group=g, names=replace(names, late_variables=_late_variables(g, context)))
            for g, names in zip(groups, context.names, strict=True)
        ]
        logs: list[BuildLog] = []
        done: list[BuildReport | FailedImage] = [*without_files]
        while waiting:
            request = _request(waiting, context, proxies)
            result, tried = solve(
                request,
                context,
                stubs=_stubs(waiting),
                packages=[package for each in waiting for package in each.group.container.packages],
                meanwhile=engine.start,
                progress=progress,
            )
            logs += tried
            if result.succeeded:
                break
            failed, waiting = _failed(waiting, logs[-1])
            done += failed
        write_whole(explanation_file(groups[0].first.compile.root), encode(_explain(groups, context, logs, done)))
    seconds = {**logs[-1].seconds, "build": perf_counter() - began}
    if waiting:
        done += _reports(waiting, result, engine.result(), seconds)
        images = [tag for each in waiting for image in each.group.images for tag in image.tags]
        progress.say(f"built and loaded in {seconds['build']:.1f} s{_longest(logs[-1])}: {', '.join(images)}")
    return done


def _late_variables(group: ImageGroup, context: BuildContext) -> tuple[str, ...]:
    """Return those of the user's variables that his own sources name, and nothing that is compiled ahead."""
    compiled, skeleton = group.first.compile, group.container.skeleton
    possible = possible_late(compiled)
    if skeleton is None or not possible:
        return ()
    folders = context.folders
    # What others wrote, and what is compiled ahead as it is, are dependencies.
    others = [folders.path_of(v) for v in compiled.vendored if v.is_relative_to(folders.root)]
    verbatim = [folders.path_of(each) for each in skeleton.verbatim]
    sources = context.sources.values()
    late = named_in_rust(sources, possible, others=(*others, *verbatim))
    ahead = [file for file in sources if any(file.path.startswith(f"{each}/") for each in verbatim)]
    read_ahead = named_in_rust(ahead, late, others=()) if late else ()
    return tuple(name for name in late if name not in read_ahead)


def _stubs(waiting: Sequence[_Prepared]) -> frozenset[str]:
    """Return the names of packages that are none yet where the dependencies are compiled."""
    skeletons = [each.group.container.skeleton for each in waiting]
    return frozenset(name for skeleton in skeletons if skeleton is not None for name in skeleton.packages)


class _Failure(Frozen, frozen=True, kw_only=True):
    """What went wrong with a group: what was noticed of each program that failed, and what its steps said."""

    noticed: Mapping[str, str]
    output: Sequence[str] = ()


def _failed(waiting: Sequence[_Prepared], log: BuildLog) -> tuple[list[FailedImage], list[_Prepared]]:
    """Return what failed, and what is to be built without it: all failed where nothing tells which."""
    from rustdocker_tasks.container_failure import failure_of

    failures = [_failure(each.group, log.told_of(targets)) for each, targets in _targets_of(waiting)]
    if not any(failure.noticed for failure in failures):
        failures = [_failure(each.group, Told()) for each in waiting]
    failed = [
        FailedImage(
            plan=image,
            error=failure_of(
                log.reason,
                each.group.container,
                is_of_musl=image.compile.is_of_musl,
                noticed=failure.noticed[image.name],
                output=failure.output,
            ),
        )
        for each, failure in zip(waiting, failures, strict=True)
        for image in each.group.images
        if image.name in failure.noticed
    ]
    left = [each.without(failure.noticed) for each, failure in zip(waiting, failures, strict=True)]
    return failed, [each for each in left if each.group.images]


def _failure(group: ImageGroup, told: Told | None) -> _Failure:
    """Return what went wrong with a group: without names of programs, all of them failed."""
    if told is None:
        return _Failure(noticed={})
    known = {
        image.name: told.not_made[name]
        for image in group.images
        for name in reversed(image.compile.binaries)
        if name in told.not_made
    }
    names = [image.name for image in group.images]
    return _Failure(noticed=known or dict.fromkeys(names, told.noticed), output=tuple(told.output))


def _targets_of(waiting: Sequence[_Prepared]) -> Iterator[tuple[_Prepared, list[str]]]:
    """The groups with the names of their images in the log."""
    total = sum(len(each.group.images) for each in waiting)
    number = 0
    for each in waiting:
        images = range(number, number + len(each.group.images))
        yield each, [target_name(image) for image in images] if total > 1 else [""]
        number = images.stop


def _reports(
    built: Sequence[_Prepared], result: BuildResult, engine: Daemon, seconds: dict[str, float]
) -> Iterator[BuildReport]:
    images = [image for each in built for image in each.group.images]
    found = engine.find_images([(i.tags[0], digests) for i, digests in zip(images, result.digests, strict=True)])
    for image, digests, (identity, size) in zip(images, result.digests, found, strict=True):
        yield BuildReport(
            plan=image,
            contents=None,
            digests=dict(zip(("config", "manifest"), digests, strict=False)),
            image=identity,
            size=size,
            loaded=True,
            seconds=seconds,
        )


def _gathered(
    groups: Sequence[ImageGroup],
) -> tuple[list[ImageGroup], list[GroupContents], list[BuildReport | FailedImage]]:
    """Return the groups with what their contexts get, without the images that a file is missing for."""
    possible: list[ImageGroup] = []
    contents: list[GroupContents] = []
    failed: list[BuildReport | FailedImage] = []
    for group in groups:
        gathered = gather_each(group.images)
        failed += [FailedImage(plan=plan, error=error) for plan, error in gathered.failed]
        if gathered.supports:
            possible.append(replace(group, images=tuple(plan for plan, _ in gathered.supports)))
            support = tuple(files for _, files in gathered.supports)
            container = group.container
            contents.append(GroupContents(support=support, fetch=container.fetch, skeleton=container.skeleton))
    return possible, contents, failed


def _first_lines(groups: Sequence[ImageGroup], proxies: Proxies) -> Iterator[str]:
    """What is about to be built, and what of it is not as somebody may expect."""
    yield from (plan_line(image) for group in groups for image in group.images)
    told = (
        line
        for group in groups
        for line in (
            *([f"{group.first.name} is {group.first.linkage_reason}"] if group.first.compile.crt_static else []),
            *what_does_not_count(group.first.compile, group.first.git, group.container, proxies),
            *_mended_stores(group.container.cache_folders),
        )
    )
    yield from dict.fromkeys(told)
    if len(groups) > 1 and groups[0].container.cache_to:
        yield f"layers are left for other machines of {groups[0].first.name} alone, and what is compiled with it"


def _mended_stores(folders: Sequence[Path]) -> Iterator[str]:
    for folder in folders:
        with cannot_write(folder):
            if set_damaged_index_aside(folder):
                yield f"the index of the layers in {folder} was cut off, and is set aside"


def _request(waiting: Sequence[_Prepared], context: BuildContext, proxies: Proxies) -> BuildRequest:
    targets: list[BuildTarget] = []
    for number, each in enumerate(waiting):
        is_alone = len(waiting) == 1 and len(each.group.images) == 1
        path = context.dockerfile(each.group.first.variant.name if is_alone else f"group-{number + 1}")
        write_dockerfile(path, compose(each.group, each.names), each.names, context)
        targets += _targets(each.group, path, leaves_layers=number == 0)
    return build_request(
        context,
        targets,
        [each.group.container for each in waiting],
        proxies,
        values={
            late_secret(each.group): render_late(each.group.first.compile, each.names.late_variables)
            for each in waiting
            if each.names.late_variables
        },
        created=waiting[0].group.first.created,
    )


def _targets(group: ImageGroup, dockerfile: Path, *, leaves_layers: bool) -> Iterator[BuildTarget]:
    container = group.container
    for number, image in enumerate(group.images):
        yield BuildTarget(
            dockerfile=dockerfile,
            stage=final_stage(group, number),
            tags=image.tags,
            cache_from=container.cache_from,
            # All that is worth keeping is in any of them, and each would take the place of the one before.
            cache_to=container.cache_to if leaves_layers and number == 0 else None,
        )


def _explain(
    groups: Sequence[ImageGroup],
    context: BuildContext,
    logs: Sequence[BuildLog],
    done: Sequence[BuildReport | FailedImage],
) -> Explanation:
    last = logs[-1]
    return Explanation(
        plan="; ".join(plan_line(image) for group in groups for image in group.images),
        cache="; ".join(dict.fromkeys(group.container.cache_reason for group in groups)),
        failed=tuple(f"{each.plan.name}: {each.error.what}" for each in done if isinstance(each, FailedImage)),
        changes=context.changes,
        compiled=tuple(crate for log in logs for crate in log.compiled),
        seconds=last.seconds,
        slowest=last.took,
        from_cache=tuple(dict.fromkeys(last.cached)),
        sent=max(log.sent for log in logs),
    )


def _longest(log: BuildLog) -> str:
    """Return what the time went to, where that can be seen in tenths of a second."""
    steps = [f"{name} {seconds:.1f} s" for name, seconds in log.seconds.items() if seconds >= _WORTH_NAMING]
    return f" ({', '.join(steps)})" if steps else ""
