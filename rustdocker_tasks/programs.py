"""The path of all programs of a workspace: Cargo's files -> plans -> one solve -> a result for each."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.binaries import BinaryRequest, require_programs
from rustdocker_tasks.cargo.changes import LOCK, holds_any, relocked_packages, tells_cargo, touched_packages
from rustdocker_tasks.cargo.lock import parse_lock
from rustdocker_tasks.cargo.project import load_outside, load_project
from rustdocker_tasks.errors import (
    BadValue,
    EngineError,
    ImageError,
    ImagesNotMade,
    NoRevision,
    ProjectError,
    SameImage,
)
from rustdocker_tasks.inputs.git import changed_files, text_before
from rustdocker_tasks.plan.context import joined
from rustdocker_tasks.results import BuildReport, FailedImage
from rustdocker_tasks.settings.resolve import resolve_settings
from rustdocker_tasks.settings.sources import Layer, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from rustdocker_tasks.cargo.binaries import Program
    from rustdocker_tasks.cargo.model import Package, Project
    from rustdocker_tasks.pipeline import Planned
    from rustdocker_tasks.plan.model import ImagePlan, MachineFacts
    from rustdocker_tasks.progress import Progress, Say


def plan_programs(
    start: Path, layers: Sequence[Layer], *, since: str | None, facts: MachineFacts | None = None
) -> list[Planned]:
    """Return what would be built for each program, with `since` of those alone that differ from a revision's.

    Without `facts` this machine is asked. Raises SameImage, BadValue, NoRevision before anything is built.
    """
    from rustdocker_tasks.pipeline import plan_images

    project = load_project(start)
    outside = load_outside(project)
    settings = resolve_settings(layers).settings
    asked = BinaryRequest(features=settings.features, default_features=settings.default_features)
    choices = [(*layers, _chosen(program, start)) for program in require_programs(project, asked)]
    planned = plan_images(project, outside, choices, facts=facts)
    if since is not None:
        changed = _changed(project, outside, since)
        relocked = _relocked(project, since) if project.root / LOCK in changed else None
        touched = touched_packages(project, outside, _read(changed, project, planned), relocked=relocked)
        planned = [each for each in planned if _is_touched(each.plan, touched, changed)]
    by_tag: dict[str, ImagePlan] = {}
    for plan in (each.plan for each in planned):
        for tag in plan.tags:
            other = by_tag.setdefault(tag, plan)
            if other is not plan:
                raise SameImage(tag, programs=(_title(other), _title(plan)), set_by=plan.tags_set_by)
    builders = {each.plan.container.builder: each for each in planned if each.plan.container is not None}
    if len(builders) > 1:
        name, last = builders.popitem()
        raise BadValue(
            "builder",
            value=str(name),
            where=last.resolved.origin("builder").where,
            problem="other programs have another builder, and all are built in one go",
            example='"remote"` in `[workspace.metadata.rustdocker]',
        )
    return planned


def _changed(project: Project, outside: Sequence[Package], since: str) -> list[Path]:
    """Return the files that differ from a revision's, by the names that the project's own have here."""
    try:
        changed = changed_files(project.root, since)
    except ValueError as error:
        raise NoRevision(since, problem=str(error)) from error
    # A folder's name may lead through a link, which git knows nothing of.
    packages = (*project.members, *outside)
    folders = (*project.root.parents, project.root, *(package.folder for package in packages))
    own = {folder.resolve(): folder for folder in folders}

    def named(path: Path) -> Path:
        place = next((folder for folder in path.parents if folder in own), None)
        return path if place is None else own[place] / path.relative_to(place)

    return list(dict.fromkeys((*changed, *map(named, changed))))


def _relocked(project: Project, since: str) -> set[str] | None:
    """Return the members whose crates a revision's lock file has otherwise, None where that cannot be read."""
    path = project.root / LOCK
    before = text_before(path, since)
    if before is None or project.lock is None:
        return None
    try:
        return relocked_packages(parse_lock(path, before), project.lock, (each.name for each in project.members))
    except ProjectError:
        return None


def _read(changed: list[Path], project: Project, planned: Sequence[Planned]) -> list[Path]:
    """Return the files without those that nobody reads: an ignore file keeps them out of the builds' context."""
    from rustdocker_tasks.context.sources import IGNORE_FILE, Passage

    contexts = [each.plan.container.context for each in planned if each.plan.container is not None]
    if not contexts or len(contexts) < len(planned):
        return changed
    context = joined(contexts)
    passage = Passage(context)
    return [
        path
        for path in changed
        # Those are read here, whatever they keep out of there.
        if tells_cargo(project, path)
        or path.name == IGNORE_FILE
        or not path.is_relative_to(context.project)
        or passage.sends(context.path_of(path))
    ]


def _is_touched(plan: ImagePlan, packages: Collection[str], changed: Collection[Path]) -> bool:
    """Whether a program, or what its image holds besides, differs."""
    besides = (*(asset.source for asset in plan.assets), *plan.ca_certificates, *plan.compile.other_sources)
    # One may lead through a link too.
    places = (*besides, *(each.resolve() for each in besides))
    return plan.compile.package in packages or any(holds_any(each, changed) for each in places)


def _title(plan: ImagePlan) -> str:
    return f"{plan.name} of {plan.compile.package}"


def _chosen(program: Program, start: Path) -> Layer:
    values = {"package": program.package, "bin": program.binary}
    where = "the workspace, all of whose programs are built"
    return Layer(source=Source.FLAG, where=lambda _: where, base=start, values=values)


def build_programs(planned: Sequence[Planned], *, progress: Progress) -> list[BuildReport | FailedImage]:
    """Build all images, and return for each what became of it: one that fails is no reason for the others to."""
    from rustdocker_tasks.pipeline import build_images

    made = build_images(planned, progress=progress)
    for failed in made:
        if isinstance(failed, FailedImage):
            progress.say(f"{failed.plan.name}: {failed.error}")
    return made


def do_with_each(
    planned: Sequence[Planned],
    made: Sequence[BuildReport | FailedImage],
    act: Callable[[Planned, BuildReport], object],
    *,
    progress: Progress,
) -> list[BuildReport | FailedImage]:
    """Do something with each image that was made; return what became of all: it may have failed with some."""
    done: list[BuildReport | FailedImage] = []
    for each, image in zip(planned, made, strict=True):
        done.append(image)
        if isinstance(image, BuildReport):
            try:
                act(each, image)
            except (EngineError, ImageError) as error:
                done[-1] = FailedImage(plan=image.plan, error=error)
                progress.say(f"{image.plan.name}: {error}")
    return done


def eject_programs(planned: Sequence[Planned], *, say: Say) -> Path:
    """Write what builds all images without this tool; raises BadValue on the host backend, NotOurs."""
    from rustdocker_tasks.eject import write_bake_file
    from rustdocker_tasks.plan.container import require_container
    from rustdocker_tasks.plan.groups import group_images

    for each in planned:
        if each.refused is not None:
            raise each.refused
        require_container(each.plan, "a Dockerfile is for docker's own build")
    first = planned[0]
    groups = group_images([each.plan for each in planned], first.project, first.outside)
    context = groups[0].container.context
    if context.root != context.project:
        words = ("docker", "buildx", "bake", "--file=docker-bake.hcl", f"--allow=fs.read={context.root}")
        say(f"its context is another folder: {shlex.join(words)}")
    return write_bake_file(groups)


def require_all(made: Sequence[BuildReport | FailedImage]) -> None:
    """Raise ImagesNotMade, with the exit code of the first, if an image was not made."""
    failed = [each for each in made if isinstance(each, FailedImage)]
    if failed:
        raise ImagesNotMade([each.plan.name for each in failed], total=len(made), first=failed[0].error)
