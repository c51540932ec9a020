"""The path of `test`, `clippy`, `fmt` and `clean`: Cargo's files -> plan -> cargo, in a container or here."""

from __future__ import annotations

import os
import re
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.cache import clear_mounts
from rustdocker_tasks.cargo.project import MANIFEST, load_outside, load_project
from rustdocker_tasks.context.folder import remove_own_folder
from rustdocker_tasks.engine.buildx import dismiss_helper
from rustdocker_tasks.engine.connection import connect
from rustdocker_tasks.errors import BadFlag, CargoFailed, TestsFailed
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.host.cargo_command import developer_command, empty_command
from rustdocker_tasks.inputs.style_files import find_kept
from rustdocker_tasks.machine_facts import architecture, git_state, local_toolchain, machine_facts
from rustdocker_tasks.plan.cargo_call import wanted_crates
from rustdocker_tasks.plan.commands import (
    CLEAN,
    CommandWords,
    chosen_packages,
    command_line,
    command_variant,
    developer_profile,
    make_command_plan,
)
from rustdocker_tasks.plan.planner import choose_backend
from rustdocker_tasks.plan.system_packages import has_known_crates, match_records, with_packages
from rustdocker_tasks.printable import megabytes
from rustdocker_tasks.process import stream_lines
from rustdocker_tasks.settings.resolve import resolve_settings
from rustdocker_tasks.settings.sources import Source, metadata_layer, require_placed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rustdocker_tasks.cargo.model import Package, Project
    from rustdocker_tasks.plan.commands import CargoCommand, CommandPlan
    from rustdocker_tasks.plan.model import GitState, MachineFacts, NoGitState
    from rustdocker_tasks.progress import Progress, Say
    from rustdocker_tasks.settings.resolve import ResolvedSettings
    from rustdocker_tasks.settings.sources import Layer

# What is said once all is compiled: by cargo, and by the tests themselves where cargo is to be quiet.
_COMPILED = re.compile(r"\s*(?:Finished|Doc-tests) |running \d+ tests?$")


class PlannedCommand(Frozen, frozen=True, kw_only=True):
    plan: CommandPlan
    git: GitState | NoGitState


def plan_command(
    start: Path,
    layers: Sequence[Layer],
    command: CargoCommand,
    added: CommandWords,
    *,
    facts: MachineFacts | None = None,
) -> PlannedCommand:
    """Return what would be run for the project at `start`; without `facts` the machine is asked.

    Raises ProjectError, SettingsError, BuildxUnusable.
    """
    project = load_project(start)
    outside = load_outside(project)
    resolved = configure_workspace(project, layers)
    kept = find_kept(project, outside)
    facts = facts or machine_facts(resolved, git_state(project, outside))
    backend = choose_backend(resolved, facts, for_image=False)
    plan = make_command_plan(
        project,
        command,
        added,
        resolved,
        outside=outside,
        backend=backend,
        toolchain=local_toolchain(project, resolved, command_variant(), backend.backend),
        facts=facts,
        kept=kept,
    )
    return PlannedCommand(plan=_with_system_packages(plan, project, resolved), git=facts.git)


def configure_workspace(project: Project, layers: Sequence[Layer]) -> ResolvedSettings:
    """Return what is set for the workspace, and for the package that is meant, or lies in its root.

    What packages need of Debian counts for all of them, as all are compiled.
    """
    manifest = project.root / MANIFEST
    require_placed(manifest, project.text)
    workspace = metadata_layer(project.metadata, source=Source.WORKSPACE, manifest=manifest, text=project.text)
    of_all = resolve_settings((workspace, *layers))
    packages = chosen_packages(project, of_all)
    by_package = {each.manifest: resolve_settings((_own_layer(each), workspace, *layers)) for each in packages}
    leading = packages[0].manifest if len(packages) == 1 else manifest
    resolved = by_package.get(leading, of_all)
    needed = dict.fromkeys(name for each in by_package.values() for name in each.settings.build_packages)
    return replace(resolved, settings=replace(resolved.settings, build_packages=tuple(needed)))


def _own_layer(package: Package) -> Layer:
    require_placed(package.manifest, package.text)
    return metadata_layer(package.metadata, source=Source.PACKAGE, manifest=package.manifest, text=package.text)


def _with_system_packages(plan: CommandPlan, project: Project, resolved: ResolvedSettings) -> CommandPlan:
    """Look into the graph where one of its crates may need a package of Debian: what tests need is in it."""
    if plan.container is None or not plan.command.compiles or not has_known_crates(plan.call):
        return plan
    from rustdocker_tasks.cargo.crates import find_graph

    packages = chosen_packages(project, resolved)
    wanted = wanted_crates(project, packages, plan.call, machine=architecture(), development=True)
    graph = find_graph(project, wanted).graph
    if graph is None:
        return plan
    return replace(plan, container=with_packages(plan.container, match_records(graph)))


def run_command(planned: PlannedCommand, *, progress: Progress) -> None:
    """Run it; what cargo says is shown. Raises TestsFailed, CargoFailed, CannotWrite and what a build raises."""
    plan = planned.plan
    progress.say(command_line(plan))
    if plan.container is not None:
        if "--fix" in plan.added.words:
            problem = "what it mends in a container's copy is lost"
            raise BadFlag("--args", value="--fix", problem=problem, example="--backend host")
        from rustdocker_tasks.container_command import run_in_container

        if code := run_in_container(plan, plan.container, planned.git, progress=progress):
            raise TestsFailed(code)
        return
    dismiss_helper()
    environment = {**os.environ, **plan.call.environment}
    run_here = partial(
        _run_here, f"cargo {plan.command.name}", developer_command(plan), plan.call.root, environment, progress.say
    )
    if not plan.command.compiles:
        run_here()
        return
    from rustdocker_tasks.host.fresh_artefacts import fresh_artefacts

    with fresh_artefacts(plan.call, developer_profile(plan), say=progress.say) as compiled:
        run_here(on_any_line=lambda line: compiled() if _COMPILED.match(line) else None)


def _run_here(
    name: str,
    argv: Sequence[str],
    folder: Path,
    environment: dict[str, str],
    say: Say,
    *,
    on_any_line: Callable[[str], None] | None = None,
) -> None:
    def on_line(line: str) -> None:
        if on_any_line is not None:
            on_any_line(line)
        say(line.rstrip("\n"))

    code = stream_lines(argv, folder=folder, environment=environment, on_line=on_line, on_error_line=on_any_line)
    if code != 0:
        hint = "mend what it names, then try again"
        raise CargoFailed(command=name, code=code, found="its message stands above", hint=hint)


def clean_project(start: Path, layers: Sequence[Layer], *, dry: bool, say: Say) -> None:
    """Remove what builds left: in containers the project's mounts, here the target folder; with `dry` say what.

    Raises NoEngine, MountsNotTold, CargoFailed.
    """
    plan = plan_command(start, layers, CLEAN, CommandWords()).plan
    root = plan.call.root
    if plan.container is None:
        if dry:
            say(f"would run `cargo clean` in {root}")
        else:
            _run_here("cargo clean", empty_command(root), root, dict(os.environ), say)
        return
    if dry:
        say("would remove the project's mounts, which `invoke cache` lists")
        return
    say(f"removed: {megabytes(clear_mounts(plan.container))}")
    engine = connect()
    engine.remove_volume(plan.container.shell_id)
    engine.remove_image(f"rustdocker-shell:{plan.container.shell_id}")
    remove_own_folder(root, say=say)
