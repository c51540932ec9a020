"""Project + settings -> plan: one function for each decision, no disk, clock, engine or environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import asdict, replace

from rustdocker_tasks.cargo.features import all_features
from rustdocker_tasks.cargo.platforms import linux_triple
from rustdocker_tasks.errors import BadValue, BrokenManifest, BuildxUnusable, nearest
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.image_config import ImageConfig
from rustdocker_tasks.plan.cargo_call import (
    common_rustflags,
    make_call,
    require_locked,
    require_profile,
    require_toolchain,
    with_crt_static,
)
from rustdocker_tasks.plan.container import image_container, require_one_line
from rustdocker_tasks.plan.labels import image_labels
from rustdocker_tasks.plan.model import (
    CompileStep,
    ImagePlan,
    MachineFacts,
    Toolchain,
)
from rustdocker_tasks.plan.naming import image_tags
from rustdocker_tasks.plan.target import target_in_container, target_on_host
from rustdocker_tasks.settings.options import OPTIONS, Backend
from rustdocker_tasks.variants import Base, Variant, load_variants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rustdocker_tasks.cargo.model import Package, Project, Target
    from rustdocker_tasks.plan.model import GitState, NoGitState
    from rustdocker_tasks.settings.options import Settings
    from rustdocker_tasks.settings.resolve import ResolvedSettings


USUAL_VARIANTS = {Backend.BUILDX: "slim", Backend.HOST: "minimal"}


class ChosenBackend(Frozen, frozen=True, kw_only=True):
    """The backend that carries the plan out, never `auto`, and why."""

    backend: Backend
    reason: str


def choose_backend(resolved: ResolvedSettings, facts: MachineFacts, *, for_image: bool = True) -> ChosenBackend:
    """Return what carries the plan out; raises BuildxUnusable, never takes another one instead.

    Without an image no variant has a say.
    """
    asked = resolved.settings.backend
    origin = resolved.origin("backend").where
    if asked is Backend.HOST:
        return ChosenBackend(backend=asked, reason=f"set by {origin}")
    problem = facts.buildx_problem
    if problem is None:
        reason = f"set by {origin}" if asked is Backend.BUILDX else "buildx and an engine answer"
        return ChosenBackend(backend=Backend.BUILDX, reason=reason)
    name = resolved.settings.variant if for_image else None
    has_base_image = name is not None and name in load_variants() and load_variants()[name].base is not Base.NONE
    if asked is Backend.BUILDX:
        raise BuildxUnusable(problem, set_by=origin, has_base_image=has_base_image)
    if has_base_image:
        raise BuildxUnusable(
            problem,
            set_by=f"variant {name}, which has a base image: {resolved.origin('variant').where}",
            has_base_image=True,
        )
    return ChosenBackend(
        backend=Backend.HOST, reason=f"{problem}; the local cargo compiles, no base image is needed"
    )


def possible_variants(backend: Backend) -> list[str]:
    """Return the names of the variants that a backend can build."""
    return [
        name
        for name, variant in load_variants().items()
        if backend is not Backend.HOST or variant.base is Base.NONE
    ]


def choose_variant(resolved: ResolvedSettings, backend: Backend) -> Variant:
    """Return the variant that the settings name, or the backend's usual one; or raise BadValue."""
    variants = load_variants()
    set_name = resolved.settings.variant
    name = USUAL_VARIANTS[backend] if set_name is None else set_name
    possible = possible_variants(backend)
    if name in possible:
        return variants[name]
    problem = f"the variants are {' and '.join(possible)}"
    if name in variants:
        problem += " on the host backend, which has no base image"
    raise BadValue(
        "variant",
        value=name,
        where=resolved.origin("variant").where,
        problem=problem,
        example=f'"{nearest(name, possible) or possible[0]}"',
    )


def make_plan(
    project: Project,
    package: Package,
    binary: Target,
    resolved: ResolvedSettings,
    *,
    outside: Sequence[Package],
    backend: ChosenBackend,
    variant: Variant,
    default_variant: str,
    toolchain: Toolchain | None,
    facts: MachineFacts,
) -> ImagePlan:
    """Return the plan for the image of one binary, with settings that are those for the variant.

    `outside` are packages that are compiled with the project's own. `default_variant` is what the project would
    build unasked: its tag has no suffix.
    `toolchain` is that of the host backend; it may be None for a variant that leaves the target to cargo.
    """
    settings = resolved.settings
    extra = _extra_binaries(package, binary, resolved)
    for each in (binary, *extra):
        _require_compilable_name(package, each)
    require_locked(project, resolved)
    in_container = backend.backend is Backend.BUILDX
    if in_container:
        require_one_line(resolved)
        target = target_in_container(variant, resolved, project.own_config)
    else:
        _require_no_packages(resolved)
        require_toolchain(resolved, facts)
        target = target_on_host(variant, resolved, project.config, toolchain)
        if extra and target.crt_static:
            raise BadValue(
                "extra-bins",
                value=", ".join(resolved.settings.extra_bins),
                where=resolved.origin("extra-bins").where,
                problem="the local cargo links glibc statically for one program at a time",
                example=f"{OPTIONS['extra-bins'].example}, with --backend buildx or the target of musl installed",
            )
    call = make_call(
        project,
        outside,
        resolved,
        manifest=package.manifest,
        profile=require_profile(project, resolved, in_container=in_container),
        features=_features(package, (binary, *extra), resolved),
        target=target,
        in_container=in_container,
    )
    environment = with_crt_static(call.environment, is_wanted=in_container and target.crt_static)
    suffix = "" if variant.name == default_variant else f"-{variant.name}"
    return ImagePlan(
        name=binary.name,
        version=package.version,
        variant=variant,
        backend=backend.backend,
        backend_reason=backend.reason,
        linkage_reason=target.reason,
        compile=CompileStep(
            **asdict(replace(call, environment=environment)),
            package=package.name,
            binary=binary.name,
            extra_binaries=tuple(each.name for each in extra),
            crt_static=target.crt_static,
            rustflags=common_rustflags(
                project.own_config if in_container else project.config,
                target.triple or linux_triple(facts.machine),
            ),
        ),
        container=image_container(
            project,
            [(package, each) for each in (binary, *extra)],
            outside=outside,
            resolved=resolved,
            variant=variant,
            target=target,
            facts=facts,
        )
        if in_container
        else None,
        config=_image_config(package, binary, settings, facts.git),
        assets=settings.assets,
        assets_set_by=resolved.origin("assets").where,
        volumes_set_by=resolved.origin("volumes").where,
        workdir_set_by=resolved.origin("workdir").where,
        ca_certificates=settings.ca_certificates,
        ca_certificates_set_by=resolved.origin("ca-certificates").where,
        tags=image_tags(package, binary, resolved, variant=variant.name, suffix=suffix, git=facts.git),
        tags_set_by=resolved.origin(_decides_tags(settings)).where,
        git=facts.git,
        created=facts.created,
    )


def _require_no_packages(resolved: ResolvedSettings) -> None:
    if resolved.settings.runtime_packages:
        raise BadValue(
            "runtime-packages",
            value=", ".join(resolved.settings.runtime_packages),
            where=resolved.origin("runtime-packages").where,
            problem="the host backend installs no packages of Debian",
            example=f"{OPTIONS['runtime-packages'].example}, with --backend buildx",
        )


def _require_compilable_name(package: Package, binary: Target) -> None:
    """Raise BrokenManifest for a name that cargo takes and rustc does not. Source: rustc_session, output.rs."""
    if not all(character.isalnum() or character in "-_" for character in binary.name):
        raise BrokenManifest(
            package.manifest,
            f"rustc compiles no binary named `{binary.name}`",
            hint="name it with letters, digits, `-` and `_` alone",
        )


def _extra_binaries(package: Package, binary: Target, resolved: ResolvedSettings) -> tuple[Target, ...]:
    """Return the other binaries for the image; raises BadValue for one that the package does not have."""
    known = {each.name: each for each in package.binaries}
    for name in resolved.settings.extra_bins:
        if name not in known:
            raise BadValue(
                "extra-bins",
                value=name,
                where=resolved.origin("extra-bins").where,
                problem=f"the binaries of {package.name} are {', '.join(sorted(known))}",
                example=f'["{nearest(name, known) or min(known)}"]',
            )
    # What is said for all binaries of a package counts for the one that it names as well.
    wanted = dict.fromkeys(resolved.settings.extra_bins)
    return tuple(known[name] for name in wanted if name != binary.name)


def _features(package: Package, binaries: Sequence[Target], resolved: ResolvedSettings) -> tuple[str, ...]:
    """Return the features asked for and those without which the binaries are not built; or raise BadValue."""
    if "default" in resolved.settings.features and not resolved.settings.default_features:
        raise BadValue(
            "features",
            value="default",
            where=resolved.origin("features").where,
            problem=f"`default-features` is false, set by {resolved.origin('default-features').where}",
            example=OPTIONS["features"].example,
        )
    known = all_features(package.features, package.dependencies)
    for feature in resolved.settings.features:
        # `dependency/feature` is for the dependency to know.
        if "/" not in feature and feature not in known:
            near = nearest(feature, known) or next(iter(sorted(known)), None)
            raise BadValue(
                "features",
                value=feature,
                where=resolved.origin("features").where,
                problem=f"the features of {package.name} are {', '.join(sorted(known))}"
                if known
                else f"{package.name} has no features",
                example=f'["{near}"]' if near else "[]",
            )
    required = (feature for binary in binaries for feature in binary.required_features)
    return tuple(dict.fromkeys((*resolved.settings.features, *required)))


def _image_config(package: Package, binary: Target, settings: Settings, git: GitState | NoGitState) -> ImageConfig:
    config = ImageConfig(**{field: getattr(settings, field) for field in ImageConfig.__struct_fields__})
    return replace(config, labels={**image_labels(package, binary.name, git), **settings.labels})


def _decides_tags(settings: Settings) -> str:
    """Return the setting that has most to say of the image's names."""
    if settings.tag:
        return "tag"
    return "name" if settings.name and not settings.repository else "repository"
