"""ImagePlan -> Dockerfile objects. Pure.

Only what an Engine 20.10 understands (Dockerfile frontend 1.2), so that no `# syntax` line is needed.
"""

from __future__ import annotations

import posixpath
import re
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING

from rustdocker_tasks.dockerfile.environment import words_for_compiling, words_for_crates, words_for_programs
from rustdocker_tasks.dockerfile.instructions import (
    Cmd,
    Copy,
    Dockerfile,
    Entrypoint,
    Env,
    Expose,
    From,
    HealthcheckCommand,
    Instruction,
    Label,
    Mount,
    Run,
    RunAs,
    StopSignal,
    Volume,
    Workdir,
)
from rustdocker_tasks.image_config import User
from rustdocker_tasks.inputs.root_files import CERTIFICATES, ENVIRONMENT, PROGRAMS, SEARCH_PATH
from rustdocker_tasks.plan.compile_flags import compile_flags, lock_flags, program_flags, static_flags
from rustdocker_tasks.variants import Base

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rustdocker_tasks.image_config import ImageConfig
    from rustdocker_tasks.plan.model import CargoCall, ContainerBuild, ContextNames, ImageGroup, ImagePlan

# The secrets' IDs.
CA_BUNDLE = "ca-bundle"
PROXIES = "proxies"
KNOWN_HOSTS = "known-hosts"
# No image is called so.
BUILD_STAGE, _FILES, _RUNTIME = "rustdocker-build", "rustdocker-files", "rustdocker-runtime"
# What steps that use the network need to know of this machine.
_NETWORK = tuple(Mount(type="secret", options={"id": identity}) for identity in (CA_BUNDLE, PROXIES))
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_APP = "/app"
_ROOT = User(0)
KEPT = "/rustdocker/kept"  # what outlives a build
SOURCES, TARGET = f"{KEPT}/sources", f"{KEPT}/target"
CARGO_HOME = "/rustdocker/cargo-home"
OUT = "/rustdocker/out"
# Targets for which nothing can be linked without the system's own libraries and linker.
_NEEDS_A_SYSTEM = re.compile("-(?:apple|windows|android|freebsd|netbsd|openbsd|solaris|illumos)")
# Components that people work with. Source: the rustup book, "Components".
_NOT_FOR_COMPILING = {
    *("clippy", "rustfmt", "rust-analyzer", "rust-analysis", "rls", "rust-docs", "rust-docs-json", "miri"),
    *("cargo", "rustc", "rust-std"),  # there already
    *("clippy-preview", "rustfmt-preview", "rust-analyzer-preview", "rls-preview", "miri-preview"),
}


def compose(group: ImageGroup, names: ContextNames) -> Dockerfile:
    """Return the Dockerfile of a group, for a context that holds what `names` says.

    Of several images each has a final stage, which `final_stage` calls by its number.
    """
    files = _files_stages(group, names)
    final = (_final_stage(group, number, stage) for number, stage in enumerate(files))
    return (
        *_runtime_stage(group.container),
        *_make_files(group, names, files),
        *_build_stage(group, names),
        *chain.from_iterable(final),
    )


def final_stage(group: ImageGroup, number: int) -> str | None:
    """Return the name of an image's final stage; None where it is the only one, and the last of all."""
    return f"rustdocker-image-{number + 1}" if len(group.images) > 1 else None


def _files_stages(group: ImageGroup, names: ContextNames) -> list[str]:
    """Return for each image the name of the stage that makes all of it but its program: images share one."""
    wanted = [
        (files, image.container.runtime_packages if image.container else ())
        for files, image in zip(names.files, group.images, strict=True)
    ]
    different = list(dict.fromkeys(wanted))
    return [f"{_FILES}-{different.index(each) + 1}" if len(different) > 1 else _FILES for each in wanted]


def _runtime_stage(build: ContainerBuild) -> Iterator[Instruction]:
    if build.runtime_image:
        yield From(image=build.runtime_image, stage=_RUNTIME)


def _make_files(group: ImageGroup, names: ContextNames, stages: Sequence[str]) -> Iterator[Instruction]:
    for number, (image, stage) in enumerate(zip(group.images, stages, strict=True)):
        if image.variant.base is not Base.RUST and stages.index(stage) == number:
            yield from build_image_stage(group.container, stage)
            yield from _files_steps(image, group.container, names, number)


def _files_steps(plan: ImagePlan, build: ContainerBuild, names: ContextNames, number: int) -> Iterator[Run]:
    yield from _packages_step(plan, build, names)
    yield _files_step(plan, build, names, names.files[number])


def _files_step(plan: ImagePlan, build: ContainerBuild, names: ContextNames, files: str) -> Run:
    """The step that makes all of the image but its program: it is the same from one edit to the next.

    Its mounts are single files: with the whole folder mounted, any change of a source would run it again.
    """
    # An asset may stand in the place of our certificates.
    own = ["own"] if str(CERTIFICATES) in {str(each.destination) for each in plan.assets} else []
    return Run(
        mounts=(
            bind(names, names.scripts["files"], "/files"),
            bind(names, names.scripts["fit"], "/fit"),
            bind(names, files, "/files.tar"),
            *_runtime_mount(build),
        ),
        words=("sh", "/files", _out(plan), _runtime(build), *own),
    )


def _packages_step(plan: ImagePlan, build: ContainerBuild, names: ContextNames) -> Iterator[Run]:
    """The step that gets packages of Debian for the image, if any are asked for."""
    packages = plan.container.runtime_packages if plan.container else ()
    if packages:
        yield Run(
            mounts=(
                bind(names, names.scripts["packages"], "/packages"),
                bind(names, names.scripts["fit"], "/fit"),
                bind(names, names.scripts["cargo"], "/cargo"),
                *_runtime_mount(build),
                *_NETWORK,
            ),
            words=("sh", "/packages", _out(plan), _runtime(build), *packages),
        )


def _build_stage(group: ImageGroup, names: ContextNames) -> Iterator[Instruction]:
    plan, build = group.first, group.container
    keeps_nothing = plan.variant.base is Base.RUST
    yield from build_image_stage(build, BUILD_STAGE)
    if keeps_nothing:
        yield from _files_steps(plan, build, names, 0)
    else:
        yield Env({"CARGO_HOME": CARGO_HOME})
    if plan.compile.target_name is not None or build.toolchain is not None or build.packages:
        yield prepare_step(plan.compile, build, names)
    if names.fetch is not None:
        yield fetch_step(plan.compile, build, names, names.fetch)
    if names.skeleton is not None and not keeps_nothing:
        yield _dependencies_step(group, names, names.skeleton)
    yield _compile_step(group, names)


def build_image_stage(build: ContainerBuild, stage: str | None = None) -> tuple[Instruction, ...]:
    """Return what begins a stage in which our scripts run: as root, whoever the image is for."""
    return (From(image=build.build_image, stage=stage), RunAs(_ROOT))


def prepare_step(
    call: CargoCall,
    build: ContainerBuild,
    names: ContextNames,
    *,
    components: Sequence[str] = (),
) -> Run:
    """The step that makes of the build image what compiles for the target, with the Rust that is asked for."""
    asked = build.toolchain
    of_project = [name for name in (asked.components if asked else ()) if name not in _NOT_FOR_COMPILING]
    targets = [each for each in (asked.targets if asked else ()) if not _NEEDS_A_SYSTEM.search(each)]
    return Run(
        mounts=(
            bind(names, names.scripts["prepare"], "/prepare"),
            bind(names, names.scripts["cargo"], "/cargo"),
            *_NETWORK,
        ),
        words=(
            *words_for_programs(call),
            "sh",
            "/prepare",
            call.target_name or "-",
            ",".join(f"{each.program or ''}={each.package}" for each in build.packages) or "-",
            (asked and asked.channel) or "-",
            ",".join(targets) or "-",
            *of_project,
            *components,
        ),
    )


def fetch_step(call: CargoCall, build: ContainerBuild, names: ContextNames, archive: str) -> Run:
    """The step that fetches all crates, into a layer: what compiles afterwards sees neither network nor secret."""
    return Run(
        mounts=(
            bind(names, names.scripts["fetch"], "/fetch"),
            bind(names, names.scripts["cargo"], "/cargo"),
            bind(names, archive, "/fetch.tar"),
            *_NETWORK,
            *_secrets(build),
        ),
        words=(
            *words_for_crates(call),
            *("sh", "/fetch", build.context.project_path),
            *lock_flags(call),
        ),
    )


def _dependencies_step(group: ImageGroup, names: ContextNames, skeleton: str) -> Run:
    """The step that compiles the dependencies; its mounts are single files, so that no source runs it again."""
    plan, build = group.first, group.container
    late = names.late_variables
    return Run(
        mounts=(
            bind(names, names.scripts["dependencies"], "/dependencies"),
            bind(names, names.scripts["cargo"], "/cargo"),
            bind(names, skeleton, "/skeleton.tar"),
            *([Mount(type="secret", options={"id": late_secret(group), "target": "/build-env"})] if late else ()),
            *for_cargo(build),
        ),
        is_isolated=is_isolated(build),
        words=(
            *words_for_compiling(plan.compile, late=late),
            *("sh", "/dependencies", SOURCES, build.context.project_path, TARGET),
            *program_flags(group, _places(build, SOURCES)),
            *static_flags(plan.compile),
            # The skeleton's lock file has entries that only others need: cargo takes them out.
            *(flag for flag in compile_flags(plan.compile) if flag not in lock_flags(plan.compile)),
        ),
    )


def _compile_step(group: ImageGroup, names: ContextNames) -> Run:
    plan, build = group.first, group.container
    programs = [f"{_tree(image)}={name}" for image in group.images for name in image.compile.binaries]
    keeps_nothing = plan.variant.base is Base.RUST
    sources, target = (_APP, f"{_APP}/target") if keeps_nothing else (SOURCES, TARGET)
    return Run(
        mounts=(
            Mount(type="bind", options={"target": "/context"}),
            *(() if keeps_nothing or names.skeleton is not None else cache_mounts(build)),
            *_runtime_mount(build),
            *for_cargo(build),
        ),
        is_isolated=is_isolated(build),
        words=(
            *(("env", f"RUSTDOCKER_LIBRARIES={':'.join(names.libraries)}") if names.libraries else ()),
            *mirror_words(plan.compile, build, names, names.scripts["compile"], sources=sources, target=target),
            plan.variant.linkage.value,
            names.scripts["mirror"],
            names.scripts["cargo"],
            names.scripts["kept"],
            names.scripts["assemble"],
            names.scripts["fit"],
            _out(plan),
            _runtime(build),
            str(len(programs)),
            *programs,
            *program_flags(group, _places(build, sources)),
            *static_flags(plan.compile),
            *compile_flags(plan.compile),
        ),
    )


def _places(build: ContainerBuild, sources: str) -> Callable[[Path], str]:
    """Return where a path of the context lies in the folder of the sources."""
    return lambda path: f"{sources}/{build.context.path_of(path)}"


def mirror_words(
    call: CargoCall,
    build: ContainerBuild,
    names: ContextNames,
    script: str,
    *,
    sources: str = SOURCES,
    target: str = TARGET,
) -> tuple[str, ...]:
    """Return the words that start a script which brings the mirror up to date, up to those of its own."""
    path = f"/context/{names.folder}/{script}"
    lists = (names.sources or "-", names.package_folders)
    place = (*lists, sources, build.context.project_path, build.git or "-", target)
    return (*words_for_compiling(call), "sh", path, *place)


def for_cargo(build: ContainerBuild) -> Iterator[Mount]:
    """What a step that compiles has, if it is also to fetch."""
    if build.fetch is None:
        yield from _NETWORK
        yield from _secrets(build)


def is_isolated(build: ContainerBuild) -> bool:
    return build.fetch is not None and build.isolates


def _secrets(build: ContainerBuild) -> Iterator[Mount]:
    """What a step that fetches may see and no layer holds; which it is, is no part of the cache's keys."""
    for secret in build.secrets:
        yield Mount(type="secret", options={"id": secret.id})
    if build.ssh_agent:
        yield Mount(type="secret", options={"id": KNOWN_HOSTS})
        yield Mount(type="ssh", options={})


def _out(plan: ImagePlan) -> str:
    """Return where the tree of what is added to the base is made; / where that is the image itself."""
    return "/" if plan.variant.base is Base.RUST else OUT


def _tree(plan: ImagePlan) -> str:
    """Return what the program's tree is called among those of its group, in plain letters.

    It is part of the image's history, and so must be the same whatever else is built with it.
    """
    name = plan.compile.binary
    return name if _PLAIN.fullmatch(name) else sha256(name.encode()).hexdigest()[:16]


def _runtime(build: ContainerBuild) -> str:
    """Return where the base image's files lie, an empty word where there is none."""
    return "/runtime" if build.runtime_image else ""


def _runtime_mount(build: ContainerBuild) -> tuple[Mount, ...]:
    if not build.runtime_image:
        return ()
    return (Mount(type="bind", options={"from": _RUNTIME, "target": _runtime(build)}),)


def late_secret(group: ImageGroup) -> str:
    """Return the ID of the secret with the variables that are no part of the dependencies' key."""
    compiled = group.first.compile
    return f"build-env-{sha256(f'{compiled.package} {compiled.binary}'.encode()).hexdigest()[:16]}"


def bind(names: ContextNames, name: str, target: str) -> Mount:
    return Mount(type="bind", options={"source": f"{names.folder}/{name}", "target": target})


def cache_mounts(build: ContainerBuild) -> Iterator[Mount]:
    if build.fetch is None:
        # Cargo's own lock is inside of its home: on one mount, builds side by side are safe.
        yield Mount(
            type="cache",
            options={"id": "rustdocker-cargo-home", "target": CARGO_HOME, "sharing": "shared"},
        )
    yield Mount(type="cache", options={"id": build.mount_id, "target": KEPT, "sharing": "locked"})


def _final_stage(group: ImageGroup, number: int, files: str) -> Iterator[Instruction]:
    plan, build = group.images[number], group.container
    if plan.variant.base is Base.RUST:
        yield Workdir(posixpath.normpath(posixpath.join(_APP, build.context.project_path)))
    else:
        base = _RUNTIME if plan.variant.base is Base.RUNTIME else "scratch"
        yield From(image=base, stage=final_stage(group, number))
        # Two layers: an edit changes the second alone.
        yield Copy(stage=files, source=f"{OUT}/", destination="/")
        yield Copy(stage=BUILD_STAGE, source=f"{OUT}/{_tree(plan)}/", destination="/")
    own = SEARCH_PATH if plan.variant.base is Base.NONE else {}
    yield from config_instructions(plan.config, entrypoint=str(PROGRAMS / plan.name), environment=own)


def config_instructions(
    config: ImageConfig, *, entrypoint: str, environment: dict[str, str]
) -> Iterator[Instruction]:
    """Return what tells an engine how to run the image."""
    yield Env({**environment, **ENVIRONMENT, **config.env})
    for port in config.expose:
        yield Expose(port)
    if config.labels:
        yield Label(config.labels)
    if config.stop_signal is not None:
        yield StopSignal(config.stop_signal)
    if config.healthcheck is not None:
        yield HealthcheckCommand(config.healthcheck)
    if config.volumes:
        yield Volume(config.volumes)
    if config.workdir is not None:
        yield Workdir(config.workdir)
    yield RunAs(config.user)
    yield Entrypoint((entrypoint,))
    if config.args:
        yield Cmd(config.args)
