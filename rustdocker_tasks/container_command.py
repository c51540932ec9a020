"""Run a command of cargo's in a container: plan -> one solve -> exit code, and what the command changed."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rustdocker_tasks.context.folder import GroupContents, prepared_context
from rustdocker_tasks.dockerfile.compose_command import compose_command
from rustdocker_tasks.inputs.files import write_whole
from rustdocker_tasks.inputs.proxies import find_proxies
from rustdocker_tasks.solve import solve_alone, what_does_not_count

if TYPE_CHECKING:
    from rustdocker_tasks.context.folder import BuildContext
    from rustdocker_tasks.context.sources import SourceFile
    from rustdocker_tasks.plan.commands import CommandPlan
    from rustdocker_tasks.plan.model import ContainerBuild, GitState, NoGitState
    from rustdocker_tasks.progress import Progress


def run_in_container(
    plan: CommandPlan, container: ContainerBuild, git: GitState | NoGitState, *, progress: Progress
) -> int:
    """Run the command, and return the exit code of the tests that it ran, 0 where it ran none.

    What it says is shown. Sources that it changed are written back, unless they were changed meanwhile.
    Raises ProjectError, CompileError, EngineError.
    """
    proxies = find_proxies(os.environ)
    for line in what_does_not_count(plan.call, git, container, proxies):
        progress.say(line)
    contents = GroupContents(support=(), fetch=container.fetch)
    with (
        prepared_context(container.context, [contents], say=progress.say) as context,
        TemporaryDirectory() as name,
    ):
        dockerfile = compose_command(plan, container, context.names[0], run=token_hex(8))
        folder = Path(name)
        solve_alone(
            dockerfile,
            context,
            container,
            proxies,
            name=plan.command.name,
            is_of_musl=plan.call.is_of_musl,
            folder=folder,
            progress=progress,
        )
        _take_back(folder / "files", context, progress)
        code = folder / "code"
        return int(code.read_text()) if code.exists() else 0


def _is_unchanged(source: SourceFile) -> bool:
    try:
        return sha256(source.place.read_bytes()).hexdigest() == source.digest
    except OSError:
        return False  # moved or removed


def _take_back(folder: Path, context: BuildContext, progress: Progress) -> None:
    """Write the sources that the command changed, in their own places."""
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        source = context.sources.get(path.relative_to(folder).as_posix())
        if source is None:
            continue  # a build script's
        if not _is_unchanged(source):
            progress.say(f"{source.place} was changed meanwhile, and is left alone")
            continue
        place = source.place.resolve()  # a link stays one
        mode = place.stat().st_mode
        write_whole(place, path.read_bytes())
        place.chmod(mode)
        progress.say(f"formatted {source.place}")
