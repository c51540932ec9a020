"""Which images are compiled by one call of cargo. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.cargo.skeleton import make_skeleton
from rustdocker_tasks.plan.context import joined
from rustdocker_tasks.plan.model import CompileGroup, ImageGroup
from rustdocker_tasks.plan.tools import without_duplicates
from rustdocker_tasks.variants import Base

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rustdocker_tasks.cargo.model import Package, Project, Target
    from rustdocker_tasks.plan.model import ContainerBuild, ImagePlan


def group_of(image: ImagePlan, container: ContainerBuild) -> ImageGroup:
    """Return the group of an image that is built alone."""
    return ImageGroup(images=(image,), container=container)


def group_images(images: Sequence[ImagePlan], project: Project, outside: Sequence[Package]) -> list[ImageGroup]:
    """Return the images by call of cargo; all are built in containers, of one context."""
    groups = [_joined(group, project, outside) for group in _grouped(images, project)]
    context = joined([image.container.context for image in images if image.container is not None])
    return [replace(group, container=replace(group.container, context=context)) for group in groups]


def group_programs(images: Sequence[ImagePlan], project: Project) -> list[CompileGroup]:
    """Return the images by call of cargo; all are built on the host."""
    return [
        CompileGroup(images=tuple(group), ambiguous=_ambiguous(group, project))
        for group in _grouped(images, project)
    ]


def _grouped(images: Sequence[ImagePlan], project: Project) -> list[list[ImagePlan]]:
    """Return the images by call of cargo.

    In one call cargo switches on what any of its packages asks of a dependency, as `cargo build --workspace` does.
    """
    groups: list[list[ImagePlan]] = []
    for image in images:
        group = next((each for each in groups if _goes_with(image, each, project)), None)
        if group is None:
            groups.append([image])
        else:
            group.append(image)
    return groups


def _goes_with(image: ImagePlan, group: Sequence[ImagePlan], project: Project) -> bool:
    """Whether one call can compile the image with the group: cargo puts binaries of one name into one place."""
    if _what_decides(image) != _what_decides(group[0]):
        return False
    of_group = {each.compile.manifest for each in group} | {image.compile.manifest}
    wanted = {name for each in (*group, image) for name in each.compile.binaries}
    named = [b.name for p in project.members if p.manifest in of_group for b in p.binaries if b.name in wanted]
    return len(named) == len(set(named))


def _what_decides(image: ImagePlan) -> tuple[object, ...]:
    """Return what images of one call have in common."""
    step, build = image.compile, image.container
    # On the host, cargo takes flags of the linker for one program.
    stands_alone = image.variant.base is Base.RUST or (build is None and step.crt_static)
    # Cargo takes features for one package, and has no default ones for all or for none.
    has_features = step.features or not step.default_features
    return (
        image.name if stands_alone else None,
        step.manifest if has_features else None,
        *(
            step.features,
            step.default_features,
            step.profile,
            step.target_triple,
            step.own_libc,
            step.crt_static,
            step.rustflags,
        ),
        step.locked,
        tuple(step.environment.items()),
        image.variant.name,
        *(_what_decides_of_containers(build) if build is not None else ()),
    )


def _what_decides_of_containers(build: ContainerBuild) -> tuple[object, ...]:
    return (
        *(build.build_image, build.runtime_image, build.cache_id, build.cache_reason, build.cache_from),
        *(build.cache_to, build.fetch is None, build.isolates, build.sees_git, build.toolchain, build.ca_bundle),
    )


def _joined(images: Sequence[ImagePlan], project: Project, outside: Sequence[Package]) -> ImageGroup:
    containers = [image.container for image in images if image.container is not None]
    first = containers[0]
    if len(images) == 1:
        return group_of(images[0], first)
    packages = without_duplicates([package for each in containers for package in each.packages])
    skeleton = first.skeleton
    if skeleton is not None:
        programs = [program for image in images for program in _programs(image, project)]
        skeleton = make_skeleton(project, programs, outside)
    return ImageGroup(
        images=tuple(images),
        container=replace(first, packages=packages, skeleton=skeleton),
        ambiguous=_ambiguous(images, project),
    )


def _ambiguous(images: Sequence[ImagePlan], project: Project) -> frozenset[str]:
    foreign = {entry.id.name for entry in project.lock.packages if entry.id.source} if project.lock else set()
    return frozenset(foreign & {image.compile.package for image in images})


def _programs(image: ImagePlan, project: Project) -> Iterator[tuple[Package, Target]]:
    package = next(each for each in project.members if each.manifest == image.compile.manifest)
    yield from ((package, each) for each in package.binaries if each.name in image.compile.binaries)
