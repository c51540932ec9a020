"""Which images are compiled by one call of cargo. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.cargo.skeleton import make_skeleton
from rustdocker_tasks.plan.model import ImageGroup
from rustdocker_tasks.plan.tools import without_duplicates
from rustdocker_tasks.variants import Base

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rustdocker_tasks.cargo.model import Package, Project, Target
    from rustdocker_tasks.plan.model import ContainerBuild, ImagePlan


def group_of(image: ImagePlan, container: ContainerBuild) -> ImageGroup:
    """Return the group of an image that is built alone."""
    return ImageGroup(images=(image,), container=container)


def group_images(images: Sequence[ImagePlan], project: Project, outside: Sequence[Package]) -> list[ImageGroup]:
    """Return the images by call of cargo; all are built in containers.

    In one call cargo switches on what any of its packages asks of a dependency, as `cargo build --workspace` does.
    """
    groups: dict[tuple[object, ...], list[ImagePlan]] = {}
    for image in images:
        groups.setdefault(_what_decides(image), []).append(image)
    return [_joined(group, project, outside) for group in groups.values()]


def _what_decides(image: ImagePlan) -> tuple[object, ...]:
    """Return what images of one call have in common."""
    step, build = image.compile, image.container
    assert build is not None  # noqa: S101 - asked by the caller
    is_the_build_image = image.variant.base is Base.RUST
    # Cargo takes features for one package, and has no default ones for all or for none.
    has_features = step.features or not step.default_features
    return (
        image.name if is_the_build_image else None,
        step.manifest if has_features else None,
        *(step.features, step.default_features, step.profile, step.target_triple, step.crt_static, step.locked),
        tuple(step.environment.items()),
        image.variant.name,
        *(build.build_image, build.runtime_image, build.cache_id, build.cache_reason, build.cache_from),
        *(build.cache_to, build.fetch is None, build.isolates, build.git, build.toolchain, build.ca_bundle),
    )


def _joined(images: Sequence[ImagePlan], project: Project, outside: Sequence[Package]) -> ImageGroup:
    containers = [image.container for image in images if image.container is not None]
    first = containers[0]
    if len(images) == 1:
        return group_of(images[0], first)
    packages = without_duplicates([package for each in containers for package in each.packages])
    skeleton = first.skeleton
    if skeleton is not None:
        skeleton = make_skeleton(project, [_program(image, project) for image in images], outside)
    return ImageGroup(images=tuple(images), container=replace(first, packages=packages, skeleton=skeleton))


def _program(image: ImagePlan, project: Project) -> tuple[Package, Target]:
    package = next(each for each in project.members if each.manifest == image.compile.manifest)
    return package, next(each for each in package.binaries if each.name == image.compile.binary)
