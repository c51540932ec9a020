"""What a build in containers needs besides the plan of any image. Pure."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.cargo.fetching import make_fetch_skeleton
from rustdocker_tasks.cargo.model import ToolchainFile
from rustdocker_tasks.cargo.platforms import linux_triple
from rustdocker_tasks.cargo.skeleton import make_skeleton
from rustdocker_tasks.errors import BadValue, OutsideOfContext, SecretInLayer
from rustdocker_tasks.image import BaseImage
from rustdocker_tasks.plan.cache import choose_cache
from rustdocker_tasks.plan.cargo_call import other_sources
from rustdocker_tasks.plan.context import context_folders
from rustdocker_tasks.plan.model import ContainerBuild, GitState, NoGitState
from rustdocker_tasks.plan.secrets import keys_in_addresses, needs_git, needs_ssh, secrets_of
from rustdocker_tasks.plan.tools import BuildPackage, tools_of, without_duplicates
from rustdocker_tasks.settings.options import OPTIONS, Cache
from rustdocker_tasks.variants import Base, load_variants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rustdocker_tasks.cargo.model import Package, Project, Target
    from rustdocker_tasks.plan.commands import CommandPlan
    from rustdocker_tasks.plan.model import ImagePlan, MachineFacts
    from rustdocker_tasks.plan.target import ChosenTarget
    from rustdocker_tasks.settings.options import Settings
    from rustdocker_tasks.settings.resolve import ResolvedSettings
    from rustdocker_tasks.variants import Variant

# Source: the rustup book, "Overrides".
_OUTRANKS_THE_FILE = "RUSTUP_TOOLCHAIN"

# Crates whose work is to compile C, or to read its headers.
_READ_C = {"cc", "cmake", "clang-sys"}

# Crates whose work is to read the repository in a build script or a macro.
_READ_GIT = {
    *("vergen", "vergen-git2", "vergen-gitcl", "vergen-gix"),
    *("git-testament", "git-version", "shadow-rs"),
}


def image_container(
    project: Project,
    programs: Sequence[tuple[Package, Target]],
    *,
    outside: Sequence[Package],
    resolved: ResolvedSettings,
    variant: Variant,
    target: ChosenTarget,
    facts: MachineFacts,
) -> ContainerBuild:
    """Return what an image needs in a container; raises BadValue, OutsideOfContext, SecretInLayer."""
    build = _container_build(
        project, programs, outside=outside, resolved=resolved, variant=variant, target=target, facts=facts
    )
    _require_no_secret_in_layers(build, resolved, in_image=variant.base is Base.RUST)
    return build


def _container_build(
    project: Project,
    programs: Sequence[tuple[Package, Target]],
    *,
    outside: Sequence[Package],
    resolved: ResolvedSettings,
    variant: Variant,
    target: ChosenTarget,
    facts: MachineFacts,
    kept: Sequence[Path] = (),
) -> ContainerBuild:
    """Return it; `kept` are sources that no ignore file keeps out. Raises BadValue, OutsideOfContext."""
    settings = resolved.settings
    require_no_variable_of_scripts(resolved)
    git = _git_folder(resolved, facts) if settings.git_folder else None
    context = context_folders(project, outside, git, kept, others=other_sources(settings))
    cache = choose_cache(resolved, facts)
    stores = (*settings.cache_from, *((settings.cache_to,) if settings.cache_to else ()))
    rust = settings.build_image or BaseImage(f"rust:1-slim-{settings.debian_release}")
    rust = rust.mirrored(settings.base_registry)
    runtime = settings.runtime_image or BaseImage(f"debian:{settings.debian_release}-slim")
    runtime = runtime.mirrored(settings.base_registry)
    project_id = f"rustdocker-{_hash(_project_id(project, settings, facts))}"
    has_ssh = needs_ssh(project, settings.build_env)
    asked = {
        "git": "`git-folder`" if git is not None else None,
        "musl": "C code in a program of musl" if target.is_of_musl and _reads_c(project) else None,
    }
    if needs_git(project, settings.build_env):
        asked |= dict.fromkeys(("git", "ssh") if has_ssh else ("git",), "`net.git-fetch-with-cli`")
    return ContainerBuild(
        builder=settings.builder,
        builder_set_by=resolved.origin("builder").where,
        build_image=rust,
        build_image_set_by=resolved.origin("build-image" if settings.build_image else "debian-release").where,
        runtime_image=runtime if variant.base is Base.RUNTIME else None,
        runtime_image_set_by=resolved.origin(
            "runtime-image" if settings.runtime_image else "debian-release"
        ).where,
        context=context,
        project_id=project_id,
        # Another compiler and another C library have artefacts of their own.
        cache_id=f"{project_id}-{_hash(rust, variant.linkage.value, *(['gnu'] if target.crt_static else []))}",
        cache_reason=f"{cache.cache.value}: {cache.reason}",
        fetch=make_fetch_skeleton(project, outside) if settings.offline else None,
        isolates=facts.isolates,
        skeleton=make_skeleton(project, programs, outside) if cache.cache is Cache.LAYER else None,
        cache_from=settings.cache_from,
        cache_to=settings.cache_to,
        cache_folders=tuple(store.folder for store in stores if store.folder is not None),
        cache_set_by=resolved.origin("cache-to").where,
        packages=without_duplicates(
            (
                *tools_of(
                    project.own_config,
                    target.triple or linux_triple(facts.machine, musl=target.is_of_musl),
                    asked,
                ),
                *(
                    BuildPackage(package=name, because=resolved.origin("build-packages").where)
                    for name in settings.build_packages
                ),
            )
        ),
        build_packages=tuple(map(str, settings.build_packages)),
        runtime_packages=settings.runtime_packages,
        runtime_packages_set_by=resolved.origin("runtime-packages").where,
        sees_git=git is not None,
        toolchain=_toolchain_in_container(project, resolved),
        git_readers=() if git else tuple(sorted(_READ_GIT & (project.locked_packages or frozenset()))),
        ca_bundle=settings.ca_bundle,
        secrets=secrets_of(project, settings.build_env),
        ssh_agent=has_ssh,
        unseen_config=project.unseen_config,
        sent_secrets=(*project.own_config.secrets, *keys_in_addresses(project)),
    )


def _reads_c(project: Project) -> bool:
    return bool(_READ_C & (project.locked_packages or _READ_C))


def command_container(
    project: Project,
    *,
    outside: Sequence[Package],
    resolved: ResolvedSettings,
    target: ChosenTarget,
    facts: MachineFacts,
    kept: Sequence[Path],
) -> ContainerBuild:
    """Return what a command of cargo's for developers needs in a container; raises as `image_container`.

    What it compiles is always kept on mounts: it is no image, and so has no layer to take elsewhere.
    """
    build = _container_build(
        project,
        (),
        outside=outside,
        resolved=resolved,
        variant=load_variants()["minimal"],
        target=target,
        facts=facts,
        kept=kept,
    )
    made = replace(
        build,
        cache_id=f"{build.cache_id}-dev",
        cache_reason="mount: what commands compile is kept on this builder",
        skeleton=None,
        cache_from=(),
        cache_to=None,
        cache_folders=(),
        runtime_packages=(),
    )
    _require_no_secret_in_layers(made, resolved, in_image=False)
    return made


def _require_no_secret_in_layers(build: ContainerBuild, resolved: ResolvedSettings, *, in_image: bool) -> None:
    """Raise SecretInLayer where a secret of cargo's own files would be in one; `in_image`: the sources are."""
    because = build.cache_reason.removeprefix("layer: ").removeprefix("set by ")
    layers = (
        (in_image, "the image, which holds the sources", resolved.origin("variant").where),
        (build.skeleton is not None, "the layer of the dependencies", because),
        (build.fetch is not None, "the layer of what was fetched", resolved.origin("offline").where),
    )
    for would_be, layer, set_by in layers:
        if build.sent_secrets and would_be:
            raise SecretInLayer(build.sent_secrets, layer=layer, set_by=set_by)


def require_no_variable_of_scripts(resolved: ResolvedSettings) -> None:
    """Raise BadValue for a variable of cargo's that the scripts of a build in containers have for themselves."""
    for name in resolved.settings.build_env:
        if name.islower() and not name.endswith("_proxy"):
            raise BadValue(
                "build-env",
                value=f"the variable {name}",
                where=resolved.origin("build-env").where,
                problem="those in small letters are of the scripts that build in containers",
                example=f'{{ {name.upper()} = "…" }}, or take backend = "host"',
            )


def require_one_line(resolved: ResolvedSettings) -> None:
    """Raise BadValue where the image's environment, labels or folder hold what no Dockerfile can say."""
    settings = resolved.settings
    tables = (("env", settings.env), ("labels", settings.labels))
    texts = [
        *((key, f"the name {name!r}", name) for key, table in tables for name in table),
        *((key, f"the value of {name}", value) for key, table in tables for name, value in table.items()),
        ("workdir", repr(settings.workdir), settings.workdir or ""),
    ]
    for key, what, text in texts:
        if "\n" in text or "\r" in text:
            raise BadValue(
                key,
                value=f"{what} holds a line break",
                where=resolved.origin(key).where,
                problem="a Dockerfile has no line breaks in names, values and folders",
                example=f'{OPTIONS[key].example}, or take backend = "host"',
            )


def _hash(*words: str) -> str:
    return sha256("\0".join(words).encode()).hexdigest()[:16]


def require_container(plan: ImagePlan | CommandPlan, problem: str) -> ContainerBuild:
    """Return what a build in containers needs, or raise BadValue: the plan's backend makes none."""
    if plan.container is not None:
        return plan.container
    raise BadValue(
        "backend",
        value=plan.backend.value,
        where=plan.backend_reason.removeprefix("set by "),
        problem=problem,
        example="--backend buildx",
    )


def _git_folder(resolved: ResolvedSettings, facts: MachineFacts) -> Path:
    """Return the repository's folder, or raise BadValue where none can be sent."""
    git = facts.git
    if isinstance(git, GitState) and git.folder is not None:
        return git.folder
    raise BadValue(
        "git-folder",
        value="true",
        where=resolved.origin("git-folder").where,
        problem=git.reason if isinstance(git, NoGitState) else str(git.folder_problem),
        example="false",
    )


def _project_id(project: Project, settings: Settings, facts: MachineFacts) -> str:
    """Return what tells a project from others of its name, and not from its other clones."""
    place = facts.git.place if isinstance(facts.git, GitState) else None
    return settings.cache_id or place or str(project.root)


def _toolchain_in_container(project: Project, resolved: ResolvedSettings) -> ToolchainFile | None:
    """Return what is asked for, None where nobody asks for anything, or cargo's environment does.

    The setting outranks the file, and is said in its way.
    """
    settings, file = resolved.settings, project.toolchain
    if settings.toolchain is not None:
        origin = Path(resolved.origin("toolchain").where)
        components, targets = (file.components, file.targets) if file is not None else ((), ())
        return ToolchainFile(path=origin, channel=settings.toolchain, components=components, targets=targets)
    if file is not None and _OUTRANKS_THE_FILE in settings.build_env:
        return None
    if file is not None and file.folder is not None:
        raise OutsideOfContext(file.folder, root=project.root, set_by=f"`path` in {file.path}")
    return file
