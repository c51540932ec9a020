"""The backend host: plan -> local cargo -> image -> engine, or an archive."""

from __future__ import annotations

from contextlib import contextmanager
from io import BytesIO
from time import perf_counter
from typing import TYPE_CHECKING

from rustdocker_tasks.contents import ReadImage
from rustdocker_tasks.engine.saved_image import read_layers
from rustdocker_tasks.host.assemble import AssembledImage, assemble_image
from rustdocker_tasks.host.compile import CargoFolders, compiled_program, query_folders
from rustdocker_tasks.inputs.files import write_whole
from rustdocker_tasks.inputs.support import gather_support_files
from rustdocker_tasks.printable import megabytes
from rustdocker_tasks.report import plan_line
from rustdocker_tasks.results import BuildReport, image_contents, unpacked_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rustdocker_tasks.engine.daemon import Daemon
    from rustdocker_tasks.plan.model import ImagePlan
    from rustdocker_tasks.progress import Say


def build_on_host(plan: ImagePlan, engine: Daemon | None, *, say: Say) -> BuildReport:
    """Build the image and load it into the engine; without one, leave an archive in the target folder."""
    seconds: dict[str, float] = {}
    assembled, folders = _make_image(plan, seconds, say=say)
    label = plan.tags[0]
    if engine is None:
        path = folders.ours / f"{plan.name}-{plan.version}-{plan.variant.name}.tar"
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
    archive = _make_image(plan, {}, say=say)[0].image.archive
    return ReadImage(plan=plan, image="", layers=read_layers(BytesIO(archive)))


def _make_image(plan: ImagePlan, seconds: dict[str, float], *, say: Say) -> tuple[AssembledImage, CargoFolders]:
    say(plan_line(plan))
    support = gather_support_files(plan)
    if plan.compile.locked_packages is None:
        say("there is no Cargo.lock: cargo takes the newest versions and writes one; commit it")
    began = perf_counter()
    folders = query_folders(plan.compile)
    with compiled_program(plan.compile, folders) as compiled:
        seconds["compile"] = perf_counter() - began
        if compiled.renewed:
            say(f"compiled anew, since their sources were touched: {', '.join(compiled.renewed)}")
        with _timed(seconds, "assemble"):
            assembled = assemble_image(plan, compiled.program, support)
    say(
        f"assembled in {seconds['assemble']:.1f} s: {megabytes(assembled.image.stored_size)} stored, "
        f"{megabytes(unpacked_size(assembled))} unpacked"
    )
    return assembled, folders


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    began = perf_counter()
    yield
    seconds[step] = perf_counter() - began
