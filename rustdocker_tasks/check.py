"""The path of `check`: image -> a container where nothing is granted -> a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.containers import check_container
from rustdocker_tasks.engine.connection import connect
from rustdocker_tasks.engine.request import HealthProbe, Limits, RunRequest, Verdict
from rustdocker_tasks.errors import CheckFailed
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.pipeline import build_for_engine
from rustdocker_tasks.programs import build_programs, do_with_each
from rustdocker_tasks.run import RunFlags, run_request
from rustdocker_tasks.run_flags import memory_limit, seconds_to_wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rustdocker_tasks.engine.daemon import Daemon
    from rustdocker_tasks.pipeline import Planned
    from rustdocker_tasks.progress import Progress
    from rustdocker_tasks.results import BuildReport, FailedImage

_SECONDS_TO_START = 3
# From 126 on codes are those of engines and signals. Source: Docker, `docker run`, "Exit status".
_LAST_OF_ITS_OWN = 125
_PANIC = 101  # Source: Rust's standard library, std::process


class CheckFlags(Frozen, frozen=True, kw_only=True):
    """How an image is started to see whether it works."""

    run: RunFlags
    memory: str


def check_image(planned: Planned, flags: CheckFlags, *, progress: Progress) -> Verdict:
    """Build the image and start it as Kubernetes does where nothing is granted; raises CheckFailed.

    Its root cannot be written, it has no capability, gets no new privileges, and has a limit of memory; `/tmp` is
    a folder in memory. It has to listen on the ports that it exposes, and its healthcheck has to succeed; without
    both it may go on, or end with 0.
    """
    request, seconds = _request(planned, flags), seconds_to_wait(flags.run.wait)
    engine = connect()
    request = replace(request, image=build_for_engine(planned.plan, engine, progress=progress).image)
    return _start(request, engine, seconds=seconds, is_start_enough=False, progress=progress)


def check_programs(
    planned: Sequence[Planned], flags: CheckFlags, *, progress: Progress
) -> tuple[dict[str, Verdict], list[BuildReport | FailedImage]]:
    """Build all images in one go and start those that were made, as `check_before_push` does.

    Return what each did, by the image's first tag, and what became of each image.
    """
    requests, seconds = [_request(each, flags) for each in planned], seconds_to_wait(flags.run.wait)
    if not planned:
        return {}, build_programs(planned, progress=progress)
    engine = connect()
    made = build_programs(planned, progress=progress)
    asked = {request.label: request for request in requests}
    verdicts: dict[str, Verdict] = {}

    def check(each: Planned, image: BuildReport) -> None:
        tag = each.plan.tags[0]
        request = replace(asked[tag], image=image.image)
        verdicts[tag] = _start(request, engine, seconds=seconds, progress=progress)

    return verdicts, do_with_each(planned, made, check, progress=progress)


def check_before_push(
    planned: Planned, image: str, engine: Daemon, flags: CheckFlags, *, progress: Progress
) -> None:
    """Start an image of the engine's as `check_image` does; raises CheckFailed.

    Of a program without ports only a start is asked: a tool that is told nothing may well end with a code of its
    own.
    """
    request = replace(_request(planned, flags), image=image)
    _start(request, engine, seconds=seconds_to_wait(flags.run.wait), before_push=True, progress=progress)


def _request(planned: Planned, flags: CheckFlags) -> RunRequest:
    """Return what the engine is asked for, without the image, yet to be built; raises BadFlag, UnreadableFile."""
    request = _granted_nothing(run_request(planned, flags.run), flags.memory)
    healthcheck = planned.plan.config.healthcheck
    if healthcheck is None:
        return request
    set_by = planned.resolved.origin("healthcheck").where
    return replace(request, health=HealthProbe(command=healthcheck.command, set_by=set_by))


def _start(
    request: RunRequest,
    engine: Daemon,
    *,
    seconds: int,
    is_start_enough: bool = True,
    before_push: bool = False,
    progress: Progress,
) -> Verdict:
    """Start it and return what it did; raises CheckFailed."""
    if is_start_enough and not request.waits_for_ports and request.health is None:
        seconds = _SECONDS_TO_START
    progress.say(
        f"starting {request.label}, where nothing is granted; {seconds} s until {_end_of_waiting(request)}"
    )
    verdict = check_container(engine, request, wait_seconds=seconds, say=progress.say)
    _require_works(verdict, request, is_start_enough=is_start_enough, before_push=before_push)
    return verdict


def _end_of_waiting(request: RunRequest) -> str:
    if request.health is not None:
        return "it listens and is healthy" if request.waits_for_ports else "it is healthy"
    return "it listens" if request.waits_for_ports else "it ends, as no port of it is known (`expose`)"


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
    awaited = "listened" if request.waits_for_ports else "was healthy" if request.health else None
    if verdict.problem is not None:
        found, set_by = verdict.problem.what, verdict.problem.set_by
    elif code is not None and (awaited or not is_fine):
        when = f" before it {awaited}" if awaited else ""
        found, set_by = f"it ended with exit code {code}{when}", "the program"
    else:
        return
    raise CheckFailed(request.label, found=found, set_by=set_by, before_push=before_push)
