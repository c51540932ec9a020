"""The lab: what the tests need of a machine besides cargo, a Docker Engine and Python.

Brought up by `invoke lab`, beside whatever the machine has: buildx, a current engine, base images,
registries.
"""

from __future__ import annotations

from invoke.context import Context
from invoke.tasks import task

from tasks.lab.debian import install
from tasks.lab.engine import HOST, start_buildx, start_engine, stop_engine
from tasks.lab.images import require_images
from tasks.lab.registry import start_registries, stop_registries


@task(auto_shortflags=False, help={"stop": "End what the lab started."})
def lab(_: Context, stop: bool = False) -> None:  # noqa: FBT001, FBT002 - a flag
    """Bring up what the tests need; a second start takes seconds."""
    if stop:
        stop_registries()
        stop_engine()
    else:
        start()


def start() -> None:
    install({"skopeo": "skopeo"})
    start_buildx()
    start_engine()
    start_registries()
    require_images([None, HOST])
