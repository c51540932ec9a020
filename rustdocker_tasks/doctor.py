"""The path of `doctor`: this machine -> facts, for `diagnosis` to judge."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from subprocess import CalledProcessError
from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.project import load_project
from rustdocker_tasks.commands import configure_workspace
from rustdocker_tasks.diagnosis import MachineReport, parse_buildkit, parse_eviction
from rustdocker_tasks.engine.buildx import find_plugin, inspect_builder
from rustdocker_tasks.engine.ca_bundle import find_ca_bundle
from rustdocker_tasks.engine.connection import connect
from rustdocker_tasks.errors import EngineGone, NoCargoToml, NoEngine
from rustdocker_tasks.inputs.proxies import find_proxies
from rustdocker_tasks.process import read_output
from rustdocker_tasks.settings.resolve import resolve_settings
from rustdocker_tasks.variants import Base, load_variants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rustdocker_tasks.engine.request import EngineFacts
    from rustdocker_tasks.settings.resolve import ResolvedSettings
    from rustdocker_tasks.settings.sources import Layer


def find_settings(start: Path, layers: Sequence[Layer]) -> ResolvedSettings:
    """Return what is set for the project at `start`, or by `layers` alone where there is none.

    Raises ProjectError where it is broken, SettingsError.
    """
    try:
        project = load_project(start)
    except NoCargoToml:
        return resolve_settings(layers)
    return configure_workspace(project, layers)


def examine(resolved: ResolvedSettings) -> MachineReport:
    """Return what was found on this machine that matters for builds with these settings."""
    plugin = find_plugin(os.environ)
    engine, problem = _engine()
    bundle = find_ca_bundle(os.environ)
    settings = resolved.settings
    # What names an own builder is asked whatever the engine says.
    inspected = inspect_builder(settings.builder) if plugin and (engine or settings.builder) else ""
    variant = load_variants().get(settings.variant or "")
    return MachineReport(
        backend=settings.backend,
        needs_containers=variant is not None and variant.base is not Base.NONE,
        builder=settings.builder,
        has_builder=bool(inspected),
        buildkit=parse_buildkit(inspected),
        plugin=str(plugin) if plugin else None,
        engine=engine,
        engine_problem=problem,
        eviction=parse_eviction(inspected),
        cargo=_version("cargo"),
        git=shutil.which("git") is not None,
        unreachable_proxies=find_proxies(os.environ).unreachable,
        ca_bundle=str(bundle) if bundle else None,
    )


def _engine() -> tuple[EngineFacts | None, str]:
    try:
        return connect().describe(), ""
    except (NoEngine, EngineGone) as error:
        return None, f"none answers ({error.found})"


def _version(program: str) -> str | None:
    """Return what the program says of its version, None where it is not, or cannot be started."""
    if shutil.which(program) is None:
        return None
    try:
        return read_output((program, "--version"), folder=Path("/"), quiet=True).strip()
    except CalledProcessError:
        return None
