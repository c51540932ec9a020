"""The path of `run`, `stop` and `logs`: flags -> image -> container."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.cargo.project import load_project
from rustdocker_tasks.containers import (
    container_name,
    labels_of,
    run_attached,
    run_detached,
    show_log,
    stop_containers,
)
from rustdocker_tasks.engine.connection import connect
from rustdocker_tasks.engine.request import RunRequest
from rustdocker_tasks.errors import UnreadableFile
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.inputs.root_files import PROGRAMS
from rustdocker_tasks.pipeline import build_for_engine
from rustdocker_tasks.run_flags import (
    container_environment,
    program_arguments,
    published_ports,
    seconds_to_wait,
    volumes,
)

if TYPE_CHECKING:
    from rustdocker_tasks.cargo.binaries import BinaryRequest
    from rustdocker_tasks.pipeline import Planned
    from rustdocker_tasks.progress import Progress, Say


class RunFlags(Frozen, frozen=True, kw_only=True):
    """The flags of `run`, as typed."""

    detach: bool
    ports: tuple[str, ...]
    env: tuple[str, ...]
    env_files: tuple[str, ...]
    volumes: tuple[str, ...]
    args: str | None
    remainder: str
    wait: str


def run_image(planned: Planned, flags: RunFlags, *, progress: Progress) -> tuple[int, str | None]:
    """Build the image, run it, and return its program's exit code; 0 and its container's ID if it goes on."""
    plan = planned.plan
    request = run_request(planned, flags)
    wait_seconds = seconds_to_wait(flags.wait)
    engine = connect()
    request = replace(request, image=build_for_engine(plan, engine, progress=progress).image)
    if not flags.detach:
        return run_attached(engine, request, wait_seconds=wait_seconds, say=progress.say), None
    identity, code = run_detached(engine, request, wait_seconds=wait_seconds, say=progress.say)
    return (0, identity) if code is None else (code, None)


def stop_project(start: Path, choice: BinaryRequest, *, dry: bool, say: Say) -> None:
    """Stop and remove what `run` started for the project at `start`; with `dry` only say what that is."""
    _, labels = _chosen(start, choice)
    stop_containers(connect(), labels, dry=dry, say=say)


def show_project_log(start: Path, choice: BinaryRequest, *, follow: bool, say: Say) -> None:
    """Copy the log of the project's newest container to stdout and stderr."""
    what, labels = _chosen(start, choice)
    show_log(connect(), labels, follow=follow, what=what, say=say)


def _chosen(start: Path, choice: BinaryRequest) -> tuple[str, dict[str, str]]:
    """Return what containers are called together, and their labels: all of a project's where nothing is chosen.

    A member's folder is a choice too.
    """
    project = load_project(start)
    here = next(
        (each for each in project.members if each.folder != project.root and _is_in(start, each.folder)), None
    )
    package = choice.package or (here.name if here else None)
    labels = labels_of(project.root, package=package, name=choice.binary)
    return choice.binary or package or project.root.name, labels


def _is_in(start: Path, folder: Path) -> bool:
    return start.resolve().is_relative_to(folder.resolve())


def run_request(planned: Planned, flags: RunFlags) -> RunRequest:
    """Return what the flags ask for; the image is yet to be built. Raises BadFlag, UnreadableFile."""
    plan = planned.plan
    return RunRequest(
        image="",
        label=plan.tags[0],
        name=container_name(plan.name),
        labels=labels_of(planned.project.root, package=plan.compile.package, name=plan.name),
        ports=published_ports(
            flags.ports, exposed=plan.config.expose, exposed_set_by=planned.resolved.origin("expose").where
        ),
        environment=container_environment(
            flags.env, {path: _read(path) for path in flags.env_files}, environment=os.environ
        ),
        volumes=volumes(flags.volumes, folder=Path.cwd()),
        program=str(PROGRAMS / plan.name),
        arguments=program_arguments(flags.args, flags.remainder),
    )


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")  # docker passes over a byte order mark too
    except (OSError, UnicodeDecodeError) as error:
        problem = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UnreadableFile("--env-file", Path(path), where=f"--env-file {path}", problem=problem) from error
