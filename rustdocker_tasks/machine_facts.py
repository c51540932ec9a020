"""What of this machine decides a plan: buildx, engine, git, environment."""

from __future__ import annotations

import os
from pathlib import Path
from platform import machine
from subprocess import CalledProcessError
from typing import TYPE_CHECKING

from rustdocker_tasks.engine.buildx import find_plugin
from rustdocker_tasks.engine.connection import connect
from rustdocker_tasks.engine.local_socket import ask_version
from rustdocker_tasks.engine.versions import buildkit_problem, isolates_steps
from rustdocker_tasks.errors import NoCargo, NoEngine
from rustdocker_tasks.inputs.git import query_git
from rustdocker_tasks.plan.cargo_call import cargo_environment
from rustdocker_tasks.plan.context import context_folders
from rustdocker_tasks.plan.created import created_at
from rustdocker_tasks.plan.model import MachineFacts
from rustdocker_tasks.plan.target import needs_toolchain
from rustdocker_tasks.process import read_output
from rustdocker_tasks.settings.options import Backend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rustdocker_tasks.cargo.model import Package, Project
    from rustdocker_tasks.plan.model import GitState, NoGitState, Toolchain
    from rustdocker_tasks.settings.resolve import ResolvedSettings
    from rustdocker_tasks.variants import Variant

_ARCHITECTURES = {"arm64": "aarch64"}


def git_state(project: Project, outside: Sequence[Package]) -> GitState | NoGitState:
    """Return the commit that is checked out."""
    return query_git(project.root, context_folders(project, outside).beside)


def machine_facts(resolved: ResolvedSettings, git: GitState | NoGitState) -> MachineFacts:
    """Return what was found here; buildx and an engine are asked where it matters."""
    return MachineFacts(
        buildx_problem=buildx_problem(resolved),
        git=git,
        isolates=_isolates(resolved),
        machine=architecture(),
        created=created_at(os.environ),
        has_rustup=resolved.settings.toolchain is None or _has_rustup(),
        is_ci=os.environ.get("CI", "") not in {"", "0", "false"},
    )


def local_toolchain(
    project: Project, resolved: ResolvedSettings, variant: Variant, backend: Backend
) -> Toolchain | None:
    """Return what the local Rust compiles for, None where nobody has to know: rustc is asked for it.

    Raises NoCargo, CargoFailed.
    """
    if backend is not Backend.HOST or not needs_toolchain(variant, project.config):
        return None
    from rustdocker_tasks.host.compile import query_toolchain

    return query_toolchain(project.root, cargo_environment(project, resolved.settings, in_container=False))


def architecture() -> str:
    """Return this machine's architecture as target triples have it: macOS calls it arm64."""
    name = machine()
    return _ARCHITECTURES.get(name, name)


def buildx_problem(resolved: ResolvedSettings) -> str | None:
    """Look for buildx, unless nobody asks: the engine is asked whether it answers."""
    if resolved.settings.backend is Backend.HOST:
        return "nobody asked for it"
    if find_plugin(os.environ) is None:
        return "docker has no buildx plugin here"
    if resolved.settings.builder is None:
        try:
            return buildkit_problem(_api_version())
        except NoEngine as error:
            return f"no engine answers ({error.found})"
    return None


def _api_version() -> str:
    """Return the version of the engine's API; raises NoEngine."""
    return ask_version(os.environ) or connect().api_version


def _has_rustup() -> bool:
    """Whether the cargo found first refuses a toolchain that there is not; without cargo nobody knows."""
    environment = {**os.environ, "RUSTUP_TOOLCHAIN": "no-such-toolchain"}
    try:
        read_output(("cargo", "--version"), folder=Path("/"), environment=environment, quiet=True)
    except (CalledProcessError, NoCargo):
        return True
    return False


def _isolates(resolved: ResolvedSettings) -> bool:
    """Ask the engine, where `offline` makes it matter; another builder is newer than those that could not."""
    if not resolved.settings.offline or resolved.settings.builder is not None:
        return True
    try:
        return isolates_steps(_api_version())
    except NoEngine:
        return True
