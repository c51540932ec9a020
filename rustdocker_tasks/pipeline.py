"""The main path, top to bottom: Cargo's files -> plan -> program -> image -> engine. Start reading here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.binaries import choose_package
from rustdocker_tasks.cargo.project import load_project
from rustdocker_tasks.engine.daemon import Daemon, connect
from rustdocker_tasks.errors import NoEngine
from rustdocker_tasks.host.assemble import (
    AssembledImage,
    assemble_image,
    gather_support_files,
)
from rustdocker_tasks.host.compile import CargoFolders, compiled_program, query_folders, query_toolchain
from rustdocker_tasks.host.files import write_whole
from rustdocker_tasks.plan.planner import choose_variant, make_plan
from rustdocker_tasks.plan.variants import Linkage, load_variants
from rustdocker_tasks.report import BuildReport, megabytes, plan_line, unpacked_size
from rustdocker_tasks.settings.resolve import ResolvedSettings, resolve_settings
from rustdocker_tasks.settings.sources import Layer, Source, metadata_layer

if TYPE_CHECKING:
    from pathlib import Path

    from rustdocker_tasks.cargo.model import Package, Project
    from rustdocker_tasks.plan.model import ImagePlan

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    plan: ImagePlan
    resolved: ResolvedSettings
    project: Project


def plan_image(start: Path, layers: Sequence[Layer]) -> Planned:
    """Return what would be built for the project at `start`; only rustc is asked, for a static image."""
    project = load_project(start)
    shared = (
        metadata_layer(project.metadata, source=Source.WORKSPACE, manifest=project.root / "Cargo.toml"),
        *layers,
    )
    package = _choose_package(project, resolve_settings(shared))
    own = metadata_layer(package.metadata, source=Source.PACKAGE, manifest=package.manifest)
    everything = (own, *shared)
    resolved = resolve_settings(everything)
    usual = resolve_settings([layer for layer in everything if layer.source <= Source.INVOKE])
    needs_toolchain = choose_variant(resolved).linkage is Linkage.STATIC
    plan = make_plan(
        project,
        package,
        resolved,
        default_variant=usual.settings.variant,
        toolchain=query_toolchain(project.root) if needs_toolchain else None,
    )
    return Planned(plan=plan, resolved=resolved, project=project)


def _choose_package(project: Project, resolved: ResolvedSettings) -> Package:
    return choose_package(
        project,
        package=resolved.settings.package,
        binary=resolved.settings.bin,
        package_set_by=resolved.origin("package").where,
        binary_set_by=resolved.origin("bin").where,
    )


def build_image(plan: ImagePlan, *, say: Say) -> BuildReport:
    """Build the image and load it into the engine; where none answers, leave it as an archive."""
    return _build(plan, _engine_if_any(say), say=say)


def build_for_engine(plan: ImagePlan, engine: Daemon, *, say: Say) -> BuildReport:
    return _build(plan, engine, say=say)


def _build(plan: ImagePlan, engine: Daemon | None, *, say: Say) -> BuildReport:
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
    return BuildReport(plan=plan, assembled=assembled, image=image, loaded=engine is not None, seconds=seconds)


def measure_variants(plans: Sequence[ImagePlan], *, say: Say) -> list[tuple[ImagePlan, AssembledImage]]:
    """Build the image of each plan and return them, loaded and written nowhere."""
    return [(plan, _make_image(plan, {}, say=say)[0]) for plan in plans]


def plan_variants(start: Path, layers: Sequence[Layer]) -> list[Planned]:
    """Return the plans of all variants for the project."""

    def asked_for(variant: str) -> Layer:
        where = "`sizes`, which builds every variant"
        return Layer(source=Source.FLAG, where=lambda _: where, base=start, values={"variant": variant})

    return [plan_image(start, (*layers, asked_for(variant))) for variant in load_variants()]


def _make_image(plan: ImagePlan, seconds: dict[str, float], *, say: Say) -> tuple[AssembledImage, CargoFolders]:
    say(plan_line(plan))
    support = gather_support_files(plan)
    if not plan.compile.locked:
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


def _engine_if_any(say: Say) -> Daemon | None:
    try:
        return connect()
    except NoEngine as error:
        say(f"no container engine answers ({error.found}): the image will be an archive")
        return None


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    began = perf_counter()
    yield
    seconds[step] = perf_counter() - began
