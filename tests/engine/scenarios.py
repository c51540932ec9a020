"""Tables of changes to a project, each with what the next build compiles for it, by mode."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from tests.engine.workspace import Compiled, Workspace


class Step(NamedTuple):
    """A change, what the program prints after it, and what is compiled for it, by mode: None where it is none."""

    name: str
    change: Callable[[Workspace], None]
    printed: str
    mount: Compiled
    layer: Compiled | None
    host: Compiled
    environment: dict[str, str] | None = None
    program: str = "app"


def unchanged(_: Workspace) -> None:
    pass


def edit(name: str, old: str, new: str) -> Callable[[Workspace], None]:
    return lambda workspace: workspace.change(name, old, new)


def write(name: str, text: str) -> Callable[[Workspace], None]:
    return lambda workspace: workspace.write(name, text)


def remove(name: str) -> Callable[[Workspace], None]:
    return lambda workspace: (workspace.folder / name).unlink()


def go_through(workspace: Workspace, steps: Iterable[Step]) -> None:
    """Build after each change; every step that is not as its row says is told."""
    differences = {}
    for step in steps:
        wanted = getattr(step, workspace.mode), step.printed
        if wanted[0] is None:
            continue
        step.change(workspace)
        name = step.program if step.program == "app" else f"{workspace.prefix}{step.program}"
        found = workspace.build(f"--bin={name}", **(step.environment or {}))
        if found != wanted:
            differences[step.name] = {"found": found, "wanted": wanted}
    assert not differences, "\n".join(f"{k}: {v}" for k, v in differences.items())
