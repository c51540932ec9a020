"""Project + settings -> plan: one function for each decision, no disk, clock, engine or environment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.binaries import choose_binary
from rustdocker_tasks.errors import BadValue, nearest
from rustdocker_tasks.image import ImageConfig, ImageReference
from rustdocker_tasks.plan.model import CompileStep, ImagePlan, SourcePackage, Toolchain
from rustdocker_tasks.plan.variants import Linkage, Variant, load_variants
from rustdocker_tasks.settings.options import Backend

if TYPE_CHECKING:
    from rustdocker_tasks.cargo.model import Package, Project
    from rustdocker_tasks.settings.resolve import ResolvedSettings


@dataclass(frozen=True, slots=True)
class _Target:
    triple: str | None
    crt_static: bool
    reason: str


def choose_variant(resolved: ResolvedSettings) -> Variant:
    """Return the variant that the settings name, or raise BadValue."""
    variants = load_variants()
    name = resolved.settings.variant
    if name in variants:
        return variants[name]
    raise BadValue(
        "variant",
        value=name,
        where=resolved.origin("variant").where,
        problem=f"the variants are {' and '.join(variants)}",
        example=f'"{nearest(name, variants) or next(iter(variants))}"',
    )


def make_plan(
    project: Project,
    package: Package,
    resolved: ResolvedSettings,
    *,
    default_variant: str,
    toolchain: Toolchain | None,
) -> ImagePlan:
    """Return the plan for a binary of `package`.

    `default_variant` is what the project would build unasked: its tag has no suffix.
    `toolchain` may be None for a variant that leaves the target to cargo.
    """
    settings = resolved.settings
    variant = choose_variant(resolved)
    _, binary = choose_binary(
        project,
        package=package.name,
        binary=settings.bin,
        package_set_by=resolved.origin("package").where,
        binary_set_by=resolved.origin("bin").where,
    )
    target = _choose_target(variant, toolchain)
    suffix = "" if variant.name == default_variant else f"-{variant.name}"
    return ImagePlan(
        name=binary.name,
        version=package.version,
        variant=variant,
        backend=Backend.HOST,
        backend_reason=_backend_reason(resolved),
        linkage_reason=target.reason,
        compile=CompileStep(
            manifest=package.manifest,
            package=package.name,
            binary=binary.name,
            features=binary.required_features,
            target_triple=target.triple,
            crt_static=target.crt_static,
            locked_packages=project.locked_packages,
            root=project.root,
            sources=tuple(_sources(project)),
        ),
        config=ImageConfig(**{field: getattr(settings, field) for field in ImageConfig.__struct_fields__}),
        ca_certificates=settings.ca_certificates,
        ca_certificates_set_by=resolved.origin("ca-certificates").where,
        tags=settings.tag or (_default_tag(binary.name, package, suffix),),
    )


def _backend_reason(resolved: ResolvedSettings) -> str:
    if resolved.settings.backend is Backend.AUTO:
        return "the one there is: compiles with the local cargo, needs no base image"
    return f"set by {resolved.origin('backend').where}"


def _choose_target(variant: Variant, toolchain: Toolchain | None) -> _Target:
    if variant.linkage is Linkage.DYNAMIC or toolchain is None:
        return _Target(
            None, crt_static=False, reason="dynamic: the image holds the libraries that the program loads"
        )
    architecture = toolchain.host_triple.partition("-")[0]
    musl = f"{architecture}-unknown-linux-musl"
    if musl in toolchain.installed_targets:
        return _Target(musl, crt_static=False, reason=f"static with musl, as the target {musl} is installed")
    triple = toolchain.host_triple
    return _Target(
        triple,
        crt_static=True,
        reason=f"static with glibc (+crt-static for {triple}), as the target {musl} is not installed",
    )


def _sources(project: Project) -> list[SourcePackage]:
    """The packages that cargo may compile from the user's own folders: of the others it knows nothing."""
    locked = project.locked_packages
    return [
        SourcePackage(name=p.name, folder=p.folder)
        for p in (*project.members, *project.outside)
        if locked is None or p.name in locked
    ]


def _default_tag(name: str, package: Package, suffix: str) -> ImageReference:
    """Return `name:version`, in the characters that a reference may have.

    A binary may be called `My__App`, and a version may hold a `+`, which no tag may.
    """
    repository = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") if not _is_repository(name) else name
    return ImageReference(f"{repository or 'app'}:{package.version.replace('+', '_')[:100]}{suffix}")


def _is_repository(name: str) -> bool:
    try:
        ImageReference(name)
    except ValueError:
        return False
    return True
