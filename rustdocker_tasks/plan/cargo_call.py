"""What cargo is called with, whatever it is called for: profile, environment, lock file. Pure."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.graph import Wanted
from rustdocker_tasks.cargo.lock import find_unlocked
from rustdocker_tasks.cargo.model import PackageId
from rustdocker_tasks.cargo.platforms import holds, linux_triple, platform_of
from rustdocker_tasks.errors import BadValue, OutdatedLock, nearest
from rustdocker_tasks.plan.model import CargoCall, SourcePackage
from rustdocker_tasks.plan.profiles import load_profiles
from rustdocker_tasks.settings.options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from rustdocker_tasks.cargo.model import CargoConfig, Package, Project
    from rustdocker_tasks.plan.model import MachineFacts
    from rustdocker_tasks.plan.target import ChosenTarget
    from rustdocker_tasks.settings.options import Settings
    from rustdocker_tasks.settings.resolve import ResolvedSettings

# Wrappers of rustc that change no program: what they would keep is kept in another way.
_CACHES = {"sccache", "cachepot", "kache"}


def make_call(
    project: Project,
    outside: Sequence[Package],
    resolved: ResolvedSettings,
    *,
    manifest: Path,
    profile: str | None,
    features: tuple[str, ...],
    target: ChosenTarget,
    in_container: bool,
) -> CargoCall:
    """Return what cargo is to be called with, by the project's files and the settings."""
    settings = resolved.settings
    profiles = _known_profiles(project, in_container=in_container)
    return CargoCall(
        manifest=manifest,
        profile=profile,
        features=features,
        default_features=settings.default_features,
        environment={
            **(profile_environment(profiles, profile) if profile else {}),
            **cargo_environment(project, settings, in_container=in_container),
        },
        own_variables=tuple(settings.build_env),
        target_triple=target.triple,
        own_libc=target.own_libc,
        locked_packages=project.locked_packages,
        locked=settings.locked and project.locked_packages is not None,
        root=project.root,
        unread_files=tuple(each for each in project.unread_files if manifest.parent in each.parents),
        sources=own_sources(project, outside),
        other_sources=other_sources(settings),
        vendored=project.config.vendored,
        configured={} if in_container else project.config.env,
    )


def other_sources(settings: Settings) -> tuple[Path, ...]:
    """Return the files and folders that the settings add to the sources, in their shortest names."""
    return tuple(Path(posixpath.normpath(each)) for each in settings.sources)


def cargo_environment(project: Project, settings: Settings, *, in_container: bool) -> dict[str, str]:
    """Return what the project's files and the settings add to cargo's environment."""
    # Neither database nor network answers in a container.
    is_saved = in_container and project.has_sqlx_data
    return {
        **({"SQLX_OFFLINE": "true"} if is_saved else {}),
        # Empty, it is none. Source: the Cargo book, "Environment Variables".
        **({"RUSTC_WRAPPER": ""} if in_container and _is_cache(project.own_config.rustc_wrapper) else {}),
        **({"CARGO_NET_OFFLINE": "true"} if settings.offline else {}),
        **({"RUSTUP_TOOLCHAIN": settings.toolchain} if settings.toolchain and not in_container else {}),
        **settings.build_env,
    }


def _is_cache(wrapper: str | None) -> bool:
    return wrapper is not None and posixpath.basename(wrapper) in _CACHES


def own_sources(project: Project, outside: Sequence[Package]) -> tuple[SourcePackage, ...]:
    """Return the packages that cargo may compile from the user's own folders: of the others it knows nothing."""
    locked = project.locked_packages
    return tuple(
        SourcePackage(name=each.name, folder=each.folder)
        for each in (*project.members, *outside)
        if locked is None or each.name in locked
    )


def wanted_crates(
    project: Project,
    packages: Iterable[Package],
    call: CargoCall,
    *,
    machine: str,
    development: bool = False,
) -> Wanted:
    """Return the question which crates a call compiles for packages, on a machine of that architecture."""
    return Wanted(
        roots=tuple(PackageId(package.name, package.version, None) for package in packages),
        features=call.features,
        default_features=call.default_features,
        target=platform_of(call.target_triple or linux_triple(machine, musl=call.is_of_musl)),
        host=platform_of(linux_triple(machine)),
        resolver=project.resolver,
        development=development,
    )


def common_rustflags(config: CargoConfig, triple: str) -> tuple[str, ...]:
    """Return the configuration's flags for all targets, none where there are any for this one.

    Source: the Cargo book, "Configuration", `build.rustflags`: cargo takes the ones or the others.
    """
    platform = platform_of(triple)
    own = (table for name, table in config.by_target.items() if holds(name, platform) is not False)
    return () if any(table.rustflags for table in own) else config.rustflags


def with_crt_static(environment: Mapping[str, str], *, is_wanted: bool) -> Mapping[str, str]:
    """Return the environment with glibc linked statically by each variable of flags in it.

    Source: the Cargo book, "Configuration", `build.rustflags`: a variable takes the place of what is configured.
    """
    if not is_wanted:
        return environment
    flag = "-Ctarget-feature=+crt-static"
    separators = {"CARGO_ENCODED_RUSTFLAGS": "\x1f", "RUSTFLAGS": " ", "CARGO_BUILD_RUSTFLAGS": " "}
    return {
        name: f"{value}{separators[name]}{flag}" if name in separators else value
        for name, value in environment.items()
    }


def require_toolchain(resolved: ResolvedSettings, facts: MachineFacts) -> None:
    """Raise BadValue where a toolchain is asked for, and the local cargo would take its own all the same."""
    if resolved.settings.toolchain is not None and not facts.has_rustup:
        raise BadValue(
            "toolchain",
            value=resolved.settings.toolchain,
            where=resolved.origin("toolchain").where,
            problem="the cargo that is found first in PATH is none of rustup's, and has but one toolchain",
            example=f"{OPTIONS['toolchain'].example}, with rustup's cargo first in PATH or with --backend buildx",
        )


def _known_profiles(project: Project, *, in_container: bool) -> frozenset[str]:
    """Return the profiles that cargo knows by itself or by the project's files."""
    return project.profiles | (project.own_config if in_container else project.config).profiles


def require_locked(project: Project, resolved: ResolvedSettings) -> None:
    """Raise OutdatedLock where cargo would refuse the lock file, as far as that is seen without cargo."""
    if project.lock is not None and resolved.settings.locked:
        lacks = find_unlocked(project.lock, project.members)
        if lacks is not None:
            raise OutdatedLock(project.root / "Cargo.lock", lacks, set_by=resolved.origin("locked").where)


def require_profile(project: Project, resolved: ResolvedSettings, *, in_container: bool) -> str:
    """Return the profile that the settings name; raises BadValue."""
    name, profiles = resolved.settings.profile, _known_profiles(project, in_container=in_container)
    if name in profiles or name in load_profiles():
        return name
    known = sorted({*profiles, *load_profiles()})
    raise BadValue(
        "profile",
        value=name,
        where=resolved.origin("profile").where,
        problem=f"{project.root / 'Cargo.toml'}, cargo and we have the profiles {', '.join(known)}",
        # Its folder is called `debug`. Source: the Cargo book, "Profiles".
        example='"dev"' if name == "debug" else f'"{nearest(name, known) or "release"}"',
    )


def profile_environment(profiles: Collection[str], name: str) -> dict[str, str]:
    """Return what defines a profile of ours; one that the project has outranks it."""
    own = load_profiles().get(name)
    return own.environment(name) if own is not None and name not in profiles else {}
