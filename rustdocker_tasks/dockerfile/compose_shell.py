"""CommandPlan -> the Dockerfile of an image to look around in: what compiles, without the sources. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.dockerfile.compose import KEPT, bind, build_image_stage, prepare_step
from rustdocker_tasks.dockerfile.instructions import Cmd, Dockerfile, Entrypoint, Env, Run

if TYPE_CHECKING:
    from rustdocker_tasks.plan.commands import CommandPlan
    from rustdocker_tasks.plan.model import ContainerBuild, ContextNames


def compose_shell(plan: CommandPlan, build: ContainerBuild, names: ContextNames) -> Dockerfile:
    """Return the Dockerfile, for a context that holds what `names` says."""
    return (
        *build_image_stage(build),
        Env({"CARGO_HOME": f"{KEPT}/cargo-home", "CARGO_TARGET_DIR": f"{KEPT}/target"}),
        prepare_step(plan.call, build, names),
        Run(
            mounts=(bind(names, names.scripts["cargo"], "/cargo"), bind(names, names.scripts["shell"], "/shell")),
            words=("cp", "/cargo", "/shell", "/rustdocker/"),
        ),
        Entrypoint(("sh", "/rustdocker/shell")),
        Cmd(()),
    )
