"""The backend host: plan -> local cargo -> image -> engine, or an archive."""

from __future__ import annotations

from contextlib import contextmanager
from io import BytesIO
from time import perf_counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.contents import ReadImage
from rustdocker_tasks.engine.buildx import dismiss_helper
from rustdocker_tasks.engine.saved_image import read_layers
from rustdocker_tasks.errors import CompileError, ImageError, LoadFailed
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.host.assemble import AssembledImage, assemble_image
from rustdocker_tasks.host.compile import compiled_programs, query_folders
from rustdocker_tasks.inputs.files import write_whole
from rustdocker_tasks.inputs.support import gather_each
from rustdocker_tasks.plan.model import CompileGroup
from rustdocker_tasks.printable import megabytes
from rustdocker_tasks.report import plan_line, unread_lines
from rustdocker_tasks.results import BuildReport, FailedImage, image_contents, unpacked_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from rustdocker_tasks.engine.daemon import Daemon
    from rustdocker_tasks.inputs.root_files import Entry
    from rustdocker_tasks.plan.model import ImagePlan
    from rustdocker_tasks.progress import Say


class _Made(Frozen, frozen=True, kw_only=True):
    plan: ImagePlan
    assembled: AssembledImage
    folder: Path  # for what this tool leaves
    seconds: Mapping[str, float]


def build_on_host(group: CompileGroup, engine: Daemon | None, *, say: Say) -> list[BuildReport | FailedImage]:
    """Build the images and load them into the engine; without one, leave archives in the target folder."""

    def finished(made: _Made | FailedImage) -> BuildReport | FailedImage:
        if isinstance(made, FailedImage):
            return made
        try:
            return _handed_over(made, engine, say=say)
        except (ImageError, LoadFailed) as error:
            return FailedImage(plan=made.plan, error=error)

    return [finished(made) for made in _make_images(group, say=say)]


def _handed_over(made: _Made, engine: Daemon | None, *, say: Say) -> BuildReport:
    plan, assembled, seconds = made.plan, made.assembled, dict(made.seconds)
    label = plan.tags[0]
    if engine is None:
        path = made.folder / plan.archive_name
        with _timed(seconds, "write"):
            write_whole(path, assembled.image.archive)
        image = str(path)
        say(f"written in {seconds['write']:.1f} s: {', '.join(plan.tags)}")
    else:
        with _timed(seconds, "load"):
            identities = (assembled.image.config_digest, assembled.image.manifest_digest)
            image = engine.load(assembled.image.archive, label=label, identities=identities)
        say(f"loaded in {seconds['load']:.1f} s: {', '.join(plan.tags)}")
    return BuildReport(
        plan=plan,
        contents=image_contents(assembled),
        digests={"config": assembled.image.config_digest, "manifest": assembled.image.manifest_digest},
        image=image,
        loaded=engine is not None,
        seconds=seconds,
    )


def read_on_host(plan: ImagePlan, *, say: Say) -> ReadImage:
    """Build the image, load it nowhere, and return what it holds."""
    (made,) = _make_images(CompileGroup(images=(plan,)), say=say)
    if isinstance(made, FailedImage):
        raise made.error
    return ReadImage(plan=plan, image="", layers=read_layers(BytesIO(made.assembled.image.archive)))


def _make_images(group: CompileGroup, *, say: Say) -> Iterator[_Made | FailedImage]:
    """Compile, and put the images together one after the other, as each may be large."""
    dismiss_helper()
    for plan in group.images:
        say(plan_line(plan))
    gathered = gather_each(group.images)
    yield from (FailedImage(plan=plan, error=error) for plan, error in gathered.failed)
    if not gathered.supports:
        return
    group = replace(group, images=tuple(plan for plan, _ in gathered.supports))
    step = group.first.compile
    if step.locked_packages is None:
        say("there is no Cargo.lock: cargo takes the newest versions and writes one; commit it")
    for line in unread_lines(step):
        say(line)
    began = perf_counter()
    folders = query_folders(step)
    with compiled_programs(group, folders, say=say) as compiled:
        seconds = {"compile": perf_counter() - began}
        if compiled.renewed:
            say(f"compiled anew, since their sources were touched: {', '.join(compiled.renewed)}")
        for (plan, support), programs in zip(gathered.supports, compiled.programs, strict=True):
            if isinstance(programs, CompileError):
                yield FailedImage(plan=plan, error=programs)
                continue
            try:
                yield _assembled(plan, programs, support, folder=folders.ours, seconds=dict(seconds), say=say)
            except ImageError as error:
                yield FailedImage(plan=plan, error=error)


def _assembled(
    plan: ImagePlan,
    programs: Sequence[Path],
    support: Sequence[Entry],
    *,
    folder: Path,
    seconds: dict[str, float],
    say: Say,
) -> _Made:
    with _timed(seconds, "assemble"):
        assembled = assemble_image(plan, programs, support)
    say(
        f"assembled in {seconds['assemble']:.1f} s: {megabytes(assembled.image.stored_size)} stored, "
        f"{megabytes(unpacked_size(assembled))} unpacked"
    )
    return _Made(plan=plan, assembled=assembled, folder=folder, seconds=seconds)


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    began = perf_counter()
    yield
    seconds[step] = perf_counter() - began
