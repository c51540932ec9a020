"""Cargo's commands for developers: which there are, and what one of them is to be called with. Pure."""

from __future__ import annotations

import re
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

from rustdocker_tasks.errors import NoSuchPackage, nearest
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.plan.cargo_call import (
    make_call,
    require_locked,
    require_profile,
    require_toolchain,
)
from rustdocker_tasks.plan.compile_flags import compile_flags
from rustdocker_tasks.plan.container import command_container
from rustdocker_tasks.plan.target import target_in_container, target_on_host
from rustdocker_tasks.settings.options import Backend
from rustdocker_tasks.settings.sources import Source
from rustdocker_tasks.variants import load_variants

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rustdocker_tasks.cargo.model import Package, Project
    from rustdocker_tasks.plan.model import CargoCall, ContainerBuild, MachineFacts, Toolchain
    from rustdocker_tasks.plan.planner import ChosenBackend
    from rustdocker_tasks.settings.resolve import ResolvedSettings
    from rustdocker_tasks.variants import Variant


class CargoCommand(Frozen, frozen=True, kw_only=True):
    """A command of cargo's that people work with."""

    name: str
    component: str | None = None  # rustup's, that has it
    usual: tuple[str, ...] = ()  # flags that it gets unasked
    usual_last: tuple[str, ...] = ()  # and those for what it runs
    compiles: bool = True
    needs_lock: bool = True  # where it compiles: a lock file that is out of date is refused


CLEAN = CargoCommand(name="clean", compiles=False)
SHELL = CargoCommand(name="shell", needs_lock=False)
TEST = CargoCommand(name="test")
CLIPPY = CargoCommand(name="clippy", component="clippy", usual=("--all-targets",))
# Told by nobody, rustfmt colours what goes to a file too.
FMT = CargoCommand(name="fmt", component="rustfmt", usual_last=("--color=never",), compiles=False)


class CommandWords(Frozen, frozen=True, kw_only=True):
    """What the user adds to a command."""

    words: tuple[str, ...] = ()  # for cargo
    last: tuple[str, ...] = ()  # for what cargo runs

    @property
    def flags(self) -> tuple[str, ...]:
        """The words that are cargo's own: what follows `--` is for what it runs."""
        return tuple(takewhile(lambda word: word != "--", self.words))


class CommandPlan(Frozen, frozen=True, kw_only=True):
    """One call of a command, for one package or for all of a workspace."""

    command: CargoCommand
    call: CargoCall
    packages: tuple[str, ...]
    is_whole: bool  # they are all members of the workspace
    added: CommandWords
    backend: Backend
    backend_reason: str
    container: ContainerBuild | None  # None: on the host backend
    binaries: int  # how many the packages have


def _is_whole(resolved: ResolvedSettings) -> bool:
    """Whether nobody names a package; what Cargo.toml names is the one whose program is in the image."""
    return resolved.settings.package is None or resolved.origin("package").source < Source.INVOKE


def chosen_packages(project: Project, resolved: ResolvedSettings) -> tuple[Package, ...]:
    """Return the package that is named, or all members; raises NoSuchPackage."""
    name = resolved.settings.package
    if name is None or _is_whole(resolved):
        return project.members
    named = tuple(package for package in project.members if package.name == name)
    if not named:
        names = sorted(package.name for package in project.members)
        set_by = resolved.origin("package").where
        raise NoSuchPackage(name, candidates=names, set_by=set_by, nearest=nearest(name, names))
    return named


def command_variant() -> Variant:
    """Return the variant that decides what commands compile for: a dynamic one."""
    return load_variants()["minimal"]


def make_command_plan(
    project: Project,
    command: CargoCommand,
    added: CommandWords,
    resolved: ResolvedSettings,
    *,
    outside: Sequence[Package],
    backend: ChosenBackend,
    toolchain: Toolchain | None = None,
    facts: MachineFacts,
    kept: Sequence[Path] = (),
) -> CommandPlan:
    """Return the plan of a command, which reads `kept` whatever is ignored; raises ProjectError, SettingsError.

    `toolchain` is for `target_on_host`.
    The profile is the command's own unless a flag asks for another one: that of the settings is the image's.
    """
    packages = chosen_packages(project, resolved)
    in_container = backend.backend is Backend.BUILDX
    is_asked_for = _is_asked_for(resolved, "profile")
    profile = require_profile(project, resolved, in_container=in_container) if is_asked_for else None
    dynamic = command_variant()
    if in_container:
        target = target_in_container(dynamic, resolved, project.own_config)
    else:
        require_toolchain(resolved, facts)
        target = target_on_host(dynamic, resolved, project.config, toolchain)
    if command.compiles and command.needs_lock:
        require_locked(project, resolved)
    is_whole = _is_whole(resolved)
    return CommandPlan(
        command=command,
        call=make_call(
            project,
            outside,
            resolved,
            manifest=project.root / "Cargo.toml" if is_whole else packages[0].manifest,
            profile=profile,
            features=resolved.settings.features,
            target=target,
            in_container=in_container,
        ),
        packages=tuple(package.name for package in packages),
        is_whole=is_whole,
        added=added,
        backend=backend.backend,
        backend_reason=backend.reason,
        container=command_container(
            project, outside=outside, resolved=resolved, target=target, facts=facts, kept=kept
        )
        if in_container
        else None,
        binaries=sum(len(package.binaries) for package in packages),
    )


def _is_asked_for(resolved: ResolvedSettings, key: str) -> bool:
    return resolved.origin(key).source is Source.FLAG


def developer_profile(plan: CommandPlan) -> str:
    """Return the profile that a command compiles with: its own words may name one. Source: `cargo help test`."""
    words = plan.added.flags
    named = [word.removeprefix("--profile=") for word in words if word.startswith("--profile=")]
    named += [following for word, following in pairwise(words) if word == "--profile"]
    if named:
        return named[-1]
    # Short flags may stand in one word.
    is_release = any(word == "--release" or re.fullmatch("-[kqv]*r[kqv]*", word) for word in words)
    return "release" if is_release else plan.call.profile or "dev"


def cargo_words(plan: CommandPlan, manifest: str) -> list[str]:
    """Return the words after `cargo test` and the like, with the path of the manifest where cargo runs."""
    given = {*plan.added.flags}
    if plan.command.compiles:
        chosen = ["--workspace"] if plan.is_whole else []
        own = [*chosen, *plan.command.usual, *compile_flags(plan.call)]
    else:
        # `--all` would also take in packages outside of the workspace.
        own = [*(f"--package={name}" for name in plan.packages), *plan.command.usual]
    # Cargo refuses a flag that is there twice.
    own = [flag for flag in own if flag not in given]
    words = [f"--manifest-path={manifest}", *own, *plan.added.words]
    last = [*plan.command.usual_last, *plan.added.last]
    return [*words, *(["--"] if last and "--" not in words else []), *last]


def command_line(plan: CommandPlan) -> str:
    """Return the first line of a command: what is run, where, and why there."""
    what = "the workspace" if plan.is_whole and len(plan.packages) > 1 else ", ".join(plan.packages)
    where = "on the host" if plan.container is None else f"in {plan.container.build_image}"
    return f"cargo {plan.command.name} for {what} {where} ({plan.backend.value}: {plan.backend_reason})"
