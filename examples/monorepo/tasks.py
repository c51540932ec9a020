"""One task file for three Cargo workspaces with twelve programs, and a service in Python.

`invoke build` builds all images, `invoke shop.build` those of one workspace, `invoke shop.shop-api.run` runs one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from rustdocker_tasks import workspace

HERE = Path(__file__).parent
WORKSPACES = [workspace(HERE / name, name=name) for name in ("shop", "billing", "tools")]


@task
def build(c: Context) -> None:
    """Build the images of all workspaces; print their names and IDs."""
    for each in WORKSPACES:
        each["build"](c)


@task
def push(c: Context, changed_since: str = "") -> None:
    """Push the images of all workspaces, or of those programs that differ from a git revision's."""
    for each in WORKSPACES:
        each["push"](c, changed_since=changed_since or None)


@task
def test(c: Context) -> None:
    """Run the tests of the service in Python, then those in Rust."""
    with c.cd(str(HERE / "greeter")):
        c.run(f"{sys.executable} -m unittest --quiet")
    for each in WORKSPACES:
        each["test"](c)


ns = Collection(build, push, test, *WORKSPACES)
