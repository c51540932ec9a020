"""CommandPlan -> Dockerfile objects. Pure. What is built is no image: a folder with what the command left."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from rustdocker_tasks.dockerfile.compose import (
    BUILD_STAGE,
    CARGO_HOME,
    OUT,
    build_image_stage,
    cache_mounts,
    fetch_step,
    for_cargo,
    is_isolated,
    mirror_words,
    prepare_step,
)
from rustdocker_tasks.dockerfile.instructions import Copy, Dockerfile, Env, From, Mount, Run
from rustdocker_tasks.plan.commands import cargo_words

if TYPE_CHECKING:
    from rustdocker_tasks.plan.commands import CommandPlan
    from rustdocker_tasks.plan.model import ContainerBuild, ContextNames

_COMMAND_STAGE = "rustdocker-command"


def compose_command(plan: CommandPlan, build: ContainerBuild, names: ContextNames, *, run: str) -> Dockerfile:
    """Return the Dockerfile of a command, for a context that holds what `names` says.

    `run` is a word that no other run has: somebody wants to know what the tests say now, not what they said. To
    let BuildKit pass over its cache would also empty the mounts (seen with 0.25).
    """
    component = plan.command.component
    return (
        *build_image_stage(build, BUILD_STAGE),
        Env({"CARGO_HOME": CARGO_HOME}),
        prepare_step(
            plan.call,
            build,
            names,
            components=[component] if component else [],
        ),
        *([fetch_step(plan.call, build, names, names.fetch)] if names.fetch is not None else []),
        From(image=BUILD_STAGE, stage=_COMMAND_STAGE),
        _command_step(plan, build, names, run),
        From(image="scratch"),
        Copy(stage=_COMMAND_STAGE, source=f"{OUT}/", destination="/"),
    )


def _command_step(plan: CommandPlan, build: ContainerBuild, names: ContextNames, run: str) -> Run:
    # From the folder where cargo runs: `fmt` does so in a copy.
    manifest = posixpath.relpath(plan.call.manifest.as_posix(), plan.call.root.as_posix())
    return Run(
        mounts=(
            Mount(type="bind", options={"target": "/context"}),
            *cache_mounts(build),
            *for_cargo(build),
        ),
        is_isolated=is_isolated(build),
        words=(
            *mirror_words(plan.call, build, names, names.scripts["command"]),
            names.scripts["mirror"],
            names.scripts["cargo"],
            names.scripts["kept"],
            OUT,
            run,
            str(max(1, plan.binaries)),
            plan.command.name,
            *cargo_words(plan, manifest),
        ),
    )
