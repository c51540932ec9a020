"""The main path, top to bottom: Cargo's files -> plan -> program -> image -> engine. Start reading here.

What carries a plan out is imported when one is: a backend that is not used would cost its time at every start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.cargo.binaries import BinaryRequest, choose_binary, choose_package
from rustdocker_tasks.cargo.project import MANIFEST, load_outside, load_project
from rustdocker_tasks.engine.connection import connect
from rustdocker_tasks.errors import (
    BadValue,
    CannotBeStatic,
    CompileError,
    ImageError,
    NoEngine,
    SecretInLayer,
    UnreadableFile,
)
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.machine_facts import architecture, buildx_problem, git_state, local_toolchain, machine_facts
from rustdocker_tasks.plan.cargo_call import wanted_crates
from rustdocker_tasks.plan.groups import group_images, group_of, group_programs
from rustdocker_tasks.plan.model import CompileGroup, MachineFacts, NoGitState
from rustdocker_tasks.plan.planner import (
    USUAL_VARIANTS,
    choose_backend,
    choose_variant,
    make_plan,
    possible_variants,
)
from rustdocker_tasks.plan.system_packages import has_known_crates, with_system_packages
from rustdocker_tasks.results import BuildReport, FailedImage
from rustdocker_tasks.settings.resolve import ResolvedSettings, resolve_settings
from rustdocker_tasks.settings.sources import Layer, Source, metadata_layer, require_binaries, require_placed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rustdocker_tasks.cargo.crates import FoundGraph
    from rustdocker_tasks.cargo.model import Package, Project, Target
    from rustdocker_tasks.contents import ReadImage
    from rustdocker_tasks.engine.daemon import Daemon
    from rustdocker_tasks.plan.model import ContainerBuild, ImagePlan
    from rustdocker_tasks.progress import Progress, Say


class Configured(Frozen, frozen=True, kw_only=True):
    """A project, the binary whose image is meant, and all that is set for it, by `layers`."""

    project: Project
    package: Package
    binary: Target
    resolved: ResolvedSettings
    layers: tuple[Layer, ...]

    def for_variant(self, variant: str) -> Configured:
        """Return the same with what is set for one variant alone."""
        return replace(self, resolved=resolve_settings(self.layers, binary=self.binary.name, variant=variant))


class Planned(Frozen, frozen=True, kw_only=True):
    plan: ImagePlan
    resolved: ResolvedSettings
    project: Project
    outside: tuple[Package, ...]  # what is compiled with the project's own packages
    found: FoundGraph | None = None  # the crates, where the plan depends on them
    refused: CannotBeStatic | None = None  # why there can be no such image; of one among several alone


def configure(project: Project, layers: Sequence[Layer]) -> Configured:
    """Return what is set for the project, by `layers` and by Cargo's files, but for single variants."""
    manifest = project.root / MANIFEST
    require_placed(manifest, project.text)
    workspace = metadata_layer(project.metadata, source=Source.WORKSPACE, manifest=manifest, text=project.text)
    package = choose_package(project, _request(resolve_settings((workspace, *layers))))
    require_placed(package.manifest, package.text)
    own = metadata_layer(package.metadata, source=Source.PACKAGE, manifest=package.manifest, text=package.text)
    everything = (own, workspace, *layers)
    request = replace(_request(resolve_settings(everything)), package=package.name)
    _, binary = choose_binary(project, request)
    require_binaries(everything, own=package, members=project.members)
    return Configured(
        project=project,
        package=package,
        binary=binary,
        resolved=resolve_settings(everything, binary=binary.name),
        layers=everything,
    )


def configure_image(start: Path, layers: Sequence[Layer]) -> Configured:
    """Return all that is set for the image that `build` would make; the machine is asked for buildx."""
    configured = configure(load_project(start), layers)
    facts = MachineFacts(
        buildx_problem=buildx_problem(configured.resolved), git=NoGitState("nobody asks"), is_ci=False
    )
    backend = choose_backend(configured.resolved, facts)
    return configured.for_variant(choose_variant(configured.resolved, backend.backend).name)


def plan_image(start: Path, layers: Sequence[Layer], *, facts: MachineFacts | None = None) -> Planned:
    """Return what would be built for the project at `start`.

    Without `facts` the machine is asked for buildx, engine and git; rustc is asked for a static image on the host.
    """
    project = load_project(start)
    outside = load_outside(project)
    configured = configure(project, layers)
    return _plan(configured, outside, facts or machine_facts(configured.resolved, git_state(project, outside)))


def plan_images(
    project: Project,
    outside: Sequence[Package],
    choices: Sequence[Sequence[Layer]],
    *,
    facts: MachineFacts | None = None,
) -> list[Planned]:
    """Return what would be built by each choice of layers; without `facts` this machine is asked."""
    configured = [configure(project, layers) for layers in choices]
    if facts is not None:
        return [_plan_beside_others(each, outside, facts) for each in configured]
    git = git_state(project, outside)
    return [_plan_beside_others(each, outside, machine_facts(each.resolved, git)) for each in configured]


def _plan_beside_others(configured: Configured, outside: Sequence[Package], facts: MachineFacts) -> Planned:
    """Return the plan; that there can be no such image is no reason for others not to be built."""
    planned = _plan_without_packages(configured, outside, facts)
    try:
        return _with_system_packages(planned)
    except CannotBeStatic as error:
        return replace(planned, refused=error)


def _plan(configured: Configured, outside: Sequence[Package], facts: MachineFacts) -> Planned:
    return _with_system_packages(_plan_without_packages(configured, outside, facts))


def _plan_without_packages(configured: Configured, outside: Sequence[Package], facts: MachineFacts) -> Planned:
    project, resolved = configured.project, configured.resolved
    usual = resolve_settings(
        [layer for layer in configured.layers if layer.source <= Source.INVOKE], binary=configured.binary.name
    )
    backend = choose_backend(resolved, facts)
    variant = choose_variant(resolved, backend.backend)
    resolved = configured.for_variant(variant.name).resolved
    plan = make_plan(
        project,
        configured.package,
        configured.binary,
        resolved,
        outside=outside,
        backend=backend,
        variant=variant,
        default_variant=usual.settings.variant or USUAL_VARIANTS[backend.backend],
        toolchain=local_toolchain(project, resolved, variant, backend.backend),
        facts=facts,
    )
    _require_there(plan.compile.other_sources, resolved)
    return Planned(plan=plan, resolved=resolved, project=project, outside=tuple(outside))


def _require_there(sources: Sequence[Path], resolved: ResolvedSettings) -> None:
    """Raise UnreadableFile for a source that there is not."""
    for path in sources:
        if not path.exists():
            problem, where = "there is no such file or folder", resolved.origin("sources").where
            raise UnreadableFile("sources", path, where=where, problem=problem)


def _with_system_packages(planned: Planned) -> Planned:
    """Look into the graph where one of its crates may need a package of Debian: it takes tenths of a second."""
    plan = planned.plan
    if plan.container is None or not has_known_crates(plan.compile):
        return planned
    found = find_dependencies(planned)
    if found.graph is None:
        return planned
    plan = with_system_packages(plan, plan.container, found.graph, planned.resolved)
    return replace(planned, plan=plan, found=found)


def _request(resolved: ResolvedSettings) -> BinaryRequest:
    settings = resolved.settings
    return BinaryRequest(
        package=settings.package,
        package_set_by=resolved.origin("package").where,
        binary=settings.bin,
        binary_set_by=resolved.origin("bin").where,
        features=settings.features,
        default_features=settings.default_features,
    )


def find_dependencies(planned: Planned) -> FoundGraph:
    """Return the crates that go into the planned program, by what is at hand on this machine."""
    if planned.found is not None:
        return planned.found
    from rustdocker_tasks.cargo.crates import find_graph

    step = planned.plan.compile
    package = next(p for p in planned.project.members if p.manifest == step.manifest)
    return find_graph(planned.project, wanted_crates(planned.project, [package], step, machine=architecture()))


def build_image(plan: ImagePlan, *, progress: Progress) -> BuildReport:
    """Build the image and load it into the engine; on the host backend, without an engine, leave an archive."""
    if plan.container is not None:
        return _build_in_containers(plan, plan.container, connect, progress=progress)
    return _build_on_host(plan, _engine_if_any(progress.say), progress=progress)


def build_for_engine(plan: ImagePlan, engine: Daemon, *, progress: Progress) -> BuildReport:
    if plan.container is not None:
        return _build_in_containers(plan, plan.container, lambda: engine, progress=progress)
    return _build_on_host(plan, engine, progress=progress)


def build_images(planned: Sequence[Planned], *, progress: Progress) -> list[BuildReport | FailedImage]:
    """Build the images of one project, and return for each what became of it, in their order.

    Those that are built in containers are built in one solve, all are compiled by as few calls of cargo as may be.
    """
    possible = [each for each in planned if each.refused is None]
    grouped = [each.plan for each in possible if each.plan.container is not None]
    on_host = [each.plan for each in possible if each.plan.container is None]
    made: dict[tuple[Path, str], BuildReport | FailedImage] = {
        _program(each.plan): FailedImage(plan=each.plan, error=each.refused)
        for each in planned
        if each.refused is not None
    }
    if grouped:
        from rustdocker_tasks.container_build import build_in_containers

        groups = group_images(grouped, planned[0].project, planned[0].outside)
        made |= {_program(each.plan): each for each in build_in_containers(groups, connect, progress=progress)}
    if on_host:
        tried = _tried_on_host(on_host, planned[0].project, progress=progress)
        made |= {_program(each.plan): each for each in tried}
    return [made[_program(each.plan)] for each in planned]


def _program(plan: ImagePlan) -> tuple[Path, str]:
    return plan.compile.manifest, plan.compile.binary


def _tried_on_host(
    plans: Sequence[ImagePlan], project: Project, *, progress: Progress
) -> Iterator[BuildReport | FailedImage]:
    from rustdocker_tasks.host.compile import keeps_going
    from rustdocker_tasks.host_build import build_on_host

    engine = _engine_if_any(progress.say)
    groups: list[CompileGroup] = []
    for group in group_programs(plans, project):
        is_one_call = len(group.images) == 1 or keeps_going(group.first.compile)
        groups += [group] if is_one_call else [CompileGroup(images=(plan,)) for plan in group.images]
    for group in groups:
        try:
            yield from build_on_host(group, engine, say=progress.say)
        except (CompileError, ImageError) as error:
            yield from (FailedImage(plan=plan, error=error) for plan in group.images)


def _build_in_containers(
    plan: ImagePlan, container: ContainerBuild, find_engine: Callable[[], Daemon], *, progress: Progress
) -> BuildReport:
    from rustdocker_tasks.container_build import build_in_containers

    (built,) = build_in_containers([group_of(plan, container)], find_engine, progress=progress)
    if isinstance(built, FailedImage):
        raise built.error
    return built


def _build_on_host(plan: ImagePlan, engine: Daemon | None, *, progress: Progress) -> BuildReport:
    from rustdocker_tasks.host_build import build_on_host

    (built,) = build_on_host(CompileGroup(images=(plan,)), engine, say=progress.say)
    if isinstance(built, FailedImage):
        raise built.error
    return built


def read_image(plan: ImagePlan, *, progress: Progress) -> ReadImage:
    """Build the image and return what it holds; where an engine builds it, it gets it, as by `build`."""
    if plan.container is None:
        from rustdocker_tasks.host_build import read_on_host

        return read_on_host(plan, say=progress.say)
    from rustdocker_tasks.contents import ReadImage

    engine = connect()
    image = build_for_engine(plan, engine, progress=progress).image
    return ReadImage(plan=plan, image=image, layers=engine.read_layers(image))


def read_images(planned: Sequence[Planned], *, progress: Progress) -> list[ReadImage]:
    """Build the images and return what they hold; one that fails is left out, and told.

    Raises CompileError, ImageError where none was made.
    """
    images: list[ReadImage] = []
    failed: list[CompileError | ImageError] = []
    for each in planned:
        try:
            images.append(read_image(each.plan, progress=progress))
        except (CompileError, ImageError) as error:
            failed.append(error)
            progress.say(f"{each.plan.variant.name} is left out: {error}")
    if failed and not images:
        raise failed[0]
    return images


def plan_variants(start: Path, layers: Sequence[Layer], *, say: Say) -> list[Planned]:
    """Return the plans of all variants that the project's backend can build, under their usual names.

    One that no such program can have or this machine make, or that would hold a secret, is left out, and told.
    Raises what `plan_image` raises.
    """

    def asked_for(variant: str) -> Layer:
        where = "`sizes`, which builds every variant"
        # A tag of the user's own is that of an image which is in use.
        values = {"variant": variant, "tag": []}
        return Layer(source=Source.FLAG, where=lambda _: where, base=start, values=values)

    planned = []
    for variant in possible_variants(plan_image(start, layers).plan.backend):
        try:
            planned.append(plan_image(start, (*layers, asked_for(variant))))
        except (BadValue, CannotBeStatic, SecretInLayer) as error:
            say(f"{variant} is left out: {error.what}")
    return planned


def _engine_if_any(say: Say) -> Daemon | None:
    try:
        return connect()
    except NoEngine as error:
        say(f"no container engine answers ({error.found}): the image will be an archive")
        return None
