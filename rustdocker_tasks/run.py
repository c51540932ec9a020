"""The path of `run`, `stop` and `logs`: flags -> image -> container."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.cargo.project import load_project
from rustdocker_tasks.containers import (
    check_container,
    container_name,
    labels_of,
    run_attached,
    run_detached,
    show_log,
    stop_containers,
)
from rustdocker_tasks.engine.daemon import connect
from rustdocker_tasks.engine.request import Limits, RunRequest
from rustdocker_tasks.errors import CheckFailed, UnreadableFile
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.pipeline import build_for_engine
from rustdocker_tasks.run_flags import (
    container_environment,
    memory_limit,
    program_arguments,
    published_ports,
    seconds_to_wait,
    volumes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from rustdocker_tasks.engine.daemon import Daemon
    from rustdocker_tasks.engine.request import Verdict
    from rustdocker_tasks.pipeline import Planned
    from rustdocker_tasks.progress import Progress, Say


_SECONDS_TO_START = 3
# From 126 on codes are those of engines and signals. Source: Docker, `docker run`, "Exit status".
_LAST_OF_ITS_OWN = 125
_PANIC = 101  # Source: Rust's standard library, std::process


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


class CheckFlags(Frozen, frozen=True, kw_only=True):
    """How an image is started to see whether it works."""

    run: RunFlags
    memory: str


def run_image(planned: Planned, flags: RunFlags, *, progress: Progress, show: Callable[[str], object]) -> int:
    """Build the image, run it, and return its program's exit code, 0 for one that goes on in the background.

    `show` gets the result: the container's ID, if it goes on.
    """
    plan = planned.plan
    request = run_request(planned, flags)
    wait_seconds = seconds_to_wait(flags.wait)
    engine = connect()
    request = replace(request, image=build_for_engine(plan, engine, progress=progress).image)
    if not flags.detach:
        return run_attached(engine, request, wait_seconds=wait_seconds, say=progress.say)
    identity, code = run_detached(engine, request, wait_seconds=wait_seconds, say=progress.say)
    if code is None:
        show(identity)
    return code or 0


def check_image(planned: Planned, flags: CheckFlags, *, progress: Progress) -> Verdict:
    """Build the image and start it as Kubernetes does where nothing is granted; raises CheckFailed.

    Its root cannot be written, it has no capability, gets no new privileges, and has a limit of memory; `/tmp` is
    a folder in memory. It has to listen on the ports that it exposes; without one it may go on, or end with 0.
    """
    plan = planned.plan
    request = _granted_nothing(run_request(planned, flags.run), flags.memory)
    wait_seconds = seconds_to_wait(flags.run.wait)
    engine = connect()
    request = replace(request, image=build_for_engine(plan, engine, progress=progress).image)
    until = "it listens" if request.waits_for_ports else "it ends, as no port of it is known (`expose`)"
    progress.say(f"starting {request.label}, where nothing is granted; {wait_seconds} s until {until}")
    verdict = check_container(engine, request, wait_seconds=wait_seconds, say=progress.say)
    _require_works(verdict, request, is_start_enough=False)
    return verdict


def check_before_push(
    planned: Planned, image: str, engine: Daemon, flags: CheckFlags, *, progress: Progress
) -> None:
    """Start an image of the engine's as `check_image` does; raises CheckFailed.

    Of a program without ports only a start is asked: a tool that is told nothing may well end with a code of its
    own.
    """
    request = replace(_granted_nothing(run_request(planned, flags.run), flags.memory), image=image)
    seconds = seconds_to_wait(flags.run.wait) if request.waits_for_ports else _SECONDS_TO_START
    progress.say(f"starting {request.label}, where nothing is granted")
    verdict = check_container(engine, request, wait_seconds=seconds, say=progress.say)
    _require_works(verdict, request, is_start_enough=True, before_push=True)


def _granted_nothing(request: RunRequest, memory: str) -> RunRequest:
    return replace(
        request,
        ports=tuple(replace(port, host_port=None) for port in request.ports),
        limits=Limits(memory=memory_limit(memory), writable=("/tmp",)),  # noqa: S108 - the container's
    )


def _is_its_own(code: int) -> bool:
    """Whether a program chose that code itself."""
    return code <= _LAST_OF_ITS_OWN and code != _PANIC


def _require_works(
    verdict: Verdict, request: RunRequest, *, is_start_enough: bool, before_push: bool = False
) -> None:
    code = verdict.exit_code
    is_fine = code is None or code == 0 or (is_start_enough and _is_its_own(code))
    if verdict.problem is not None:
        found, set_by = verdict.problem.what, verdict.problem.set_by
    elif code is not None and (request.waits_for_ports or not is_fine):
        when = " before it listened" if request.waits_for_ports else ""
        found, set_by = f"it ended with exit code {code}{when}", "the program"
    else:
        return
    raise CheckFailed(request.label, found=found, set_by=set_by, before_push=before_push)


def stop_project(start: Path, binary: str | None, *, dry: bool, say: Say) -> None:
    """Stop and remove what `run` started for the project at `start`; with `dry` only say what that is."""
    stop_containers(connect(), labels_of(load_project(start).root, binary), dry=dry, say=say)


def show_project_log(start: Path, binary: str | None, *, follow: bool) -> None:
    """Copy the log of the project's newest container to stdout and stderr."""
    root = load_project(start).root
    show_log(connect(), labels_of(root, binary), follow=follow, what=binary or root.name)


def run_request(planned: Planned, flags: RunFlags) -> RunRequest:
    """Return what the flags ask for; the image is yet to be built. Raises BadFlag, UnreadableFile."""
    plan = planned.plan
    return RunRequest(
        image="",
        label=plan.tags[0],
        name=container_name(plan.name),
        labels=labels_of(planned.project.root, plan.name),
        ports=published_ports(
            flags.ports, exposed=plan.config.expose, exposed_set_by=planned.resolved.origin("expose").where
        ),
        environment=container_environment(
            flags.env, {path: _read(path) for path in flags.env_files}, environment=os.environ
        ),
        volumes=volumes(flags.volumes, folder=Path.cwd()),
        arguments=program_arguments(flags.args, flags.remainder),
    )


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UnreadableFile("--env-file", Path(path), where=f"--env-file {path}", problem=problem) from error
