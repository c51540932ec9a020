"""One task file for three Cargo workspaces with twelve programs, and a service in Python.

`invoke build` builds all images, `invoke shop.build` those of one workspace, `invoke shop.shop-api.run` runs one.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from rustdocker_tasks import RustDockerError, workspace

HERE = Path(__file__).parent
WORKSPACES = [workspace(HERE / name, name=name) for name in ("shop", "billing", "tools")]


def in_each(c: Context, name: str, **flags: object) -> None:
    """Run a task of every workspace: one that fails is no reason for the others to, and fails the whole."""
    failed = None
    for each in WORKSPACES:
        try:
            each[name](c, **flags)
        except RustDockerError as error:
            sys.stderr.write(f"{error}\n")
            failed = error
    if failed:
        sys.exit(failed.exit_code)


@task
def build(c: Context, changed_since: str = "") -> None:
    """Build the images of all workspaces, or of those programs that differ from a git revision's; print them."""
    in_each(c, "build", changed_since=changed_since or None)


@task
def push(c: Context, changed_since: str = "") -> None:
    """Push the images of all workspaces, or of those programs that differ from a git revision's."""
    in_each(c, "push", changed_since=changed_since or None)


@task
def test(c: Context) -> None:
    """Run the tests of the service in Python, then those in Rust."""
    words = shlex.join([sys.executable, "-m", "unittest", "--quiet"])
    with c.cd(str(HERE / "greeter")):
        tested = c.run(words, warn=True)
    in_each(c, "test")
    if tested.failed:
        sys.exit(tested.exited)


ns = Collection(build, push, test, *WORKSPACES)
