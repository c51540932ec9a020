"""The path of `watch`: image -> container, and again after each change of the sources."""

from __future__ import annotations

import os
import sys
from functools import partial
from itertools import chain
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.cargo.changes import fixed_part
from rustdocker_tasks.containers import container_name, say_addresses
from rustdocker_tasks.engine.buildx import get_ready
from rustdocker_tasks.engine.connection import connect
from rustdocker_tasks.errors import RustDockerError
from rustdocker_tasks.inputs.source_tree import read_content
from rustdocker_tasks.pipeline import build_for_engine
from rustdocker_tasks.run import run_request
from rustdocker_tasks.run_flags import volumes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from watchfiles import Change
    from watchfiles.main import FileChange

    from rustdocker_tasks.engine.daemon import Daemon
    from rustdocker_tasks.pipeline import Planned
    from rustdocker_tasks.progress import Progress, Say
    from rustdocker_tasks.run import RunFlags

_SECONDS_BETWEEN_LOOKS = 0.02
_MILLISECONDS = 500  # between two looks whether the program still runs
# Somebody waits for the next program, and one that handles no signal does not end by itself as a first process.
_SECONDS_TO_END = 0.3


def watch_image(plan: Callable[[], Planned], flags: RunFlags, *, progress: Progress) -> None:
    """Build and run the image that `plan` returns, and again after each change, until this is interrupted.

    What does not compile is told, and the program before it goes on. Raises what `run` raises, of the first build.
    """
    planned = plan()
    service = _Service(connect(), flags, progress)
    try:
        is_first = True
        while True:
            looks = _changes(planned, flags, progress.say)
            # From the first look on all changes are seen; what came before that into a new folder was not.
            may_have_changed = next(looks) or not is_first
            if is_first:
                service.restart(planned)
                is_first = False
            planned = _restarted_at_changes(service, planned, plan, chain([may_have_changed], looks), progress)
    finally:
        service.stop()


def _restarted_at_changes(
    service: _Service,
    planned: Planned,
    plan: Callable[[], Planned],
    looks: Iterator[bool],
    progress: Progress,
) -> Planned:
    """Restart it after each change; return the plan that brings other folders, which are to be watched then."""
    for changed in looks:
        if not changed:
            service.look()
            continue
        planned_again = planned
        try:
            planned_again = plan()
            service.restart(planned_again)
        except RustDockerError as error:
            progress.say(f"{error}\nwaiting for a change")
        if _places(planned_again) != _places(planned):
            return planned_again
    return planned


class _Service:
    """The container that is there now, if there is one."""

    def __init__(self, engine: Daemon, flags: RunFlags, progress: Progress) -> None:
        self._engine = engine
        self._flags = flags
        self._progress = progress
        self._image: str | None = None
        self._name: str | None = None  # None: nothing runs
        self._signal = "SIGTERM"
        self._labels: Mapping[str, str] = {}

    def restart(self, planned: Planned) -> None:
        """Build the image, and put its container in the place of the one that is there."""
        try:
            self._restart(planned)
        finally:
            if planned.plan.container is not None:
                get_ready()

    def _restart(self, planned: Planned) -> None:
        began = perf_counter()
        request = run_request(planned, self._flags)
        image = build_for_engine(planned.plan, self._engine, progress=self._progress).image
        if image == self._image and self._name is not None:
            self._progress.say("the image is the same: the program goes on")
            return
        self.stop()
        request = replace(request, image=image, name=container_name(planned.plan.name))
        self._image, self._name, self._labels = image, request.name, request.labels
        self._signal = planned.plan.config.stop_signal or "SIGTERM"
        self._engine.create(request)
        self._engine.stream_output(request.name, out=sys.stdout.buffer, err=sys.stderr.buffer)
        running = self._engine.start(request)
        say_addresses(running.addresses, self._progress.say)
        self._progress.say(f"started after {perf_counter() - began:.1f} s; waiting for a change")

    def look(self) -> None:
        """Tell it if the program has ended."""
        if self._name is None:
            return
        if self._name not in self._engine.find(self._labels):
            self._progress.say("the container was removed; waiting for a change")
            self._name = None
        elif (code := self._engine.exit_code(self._name)) is not None:
            self._progress.say(f"the program ended with exit code {code}; waiting for a change")
            self.stop()

    def stop(self) -> None:
        if self._name is None:
            return
        name, self._name = self._name, None
        try:
            self._engine.ask_to_end(name, self._signal)
            deadline = monotonic() + _SECONDS_TO_END
            while name in self._engine.find(self._labels) and self._engine.exit_code(name) is None:
                if monotonic() > deadline:
                    break
                sleep(_SECONDS_BETWEEN_LOOKS)
        finally:
            self._engine.remove(name, seconds=0)


def _places(planned: Planned) -> list[Path]:
    """Return the files and folders that the image is made of, none within another."""
    plan = planned.plan
    besides = (*map(fixed_part, (asset.source for asset in plan.assets)), *plan.ca_certificates)
    packages = (package.folder for package in planned.outside)
    root = planned.project.root
    every = dict.fromkeys((root, *packages, *plan.compile.other_sources, *besides))
    # A pattern in a folder around the project would have all that lies there watched.
    kept = [place for place in every if place.exists() and place not in root.parents]
    return [place for place in kept if not any(other in place.parents for other in kept)]


def _changes(planned: Planned, flags: RunFlags, say: Say) -> Iterator[bool]:
    """Whether a source changed, again and again; what builds and the program itself write is none.

    A build script may write a source anew each time, which would go on for ever: once a build was for nothing but
    what held the same before, the same is no change right after it.
    """
    from watchfiles import DefaultFilter

    seen: dict[str, str] = {}
    usual = DefaultFilter()
    written = tuple(map(str, (*_written(planned), *_written_by_program(planned, flags))))
    places = _places(planned)

    def counts_at_all(change: Change, path: str) -> bool:
        is_written = any(path == folder or path.startswith(f"{folder}{os.sep}") for folder in written)
        # What the folders around the project are called says nothing.
        above = [place for place in places if path == str(place) or path.startswith(f"{place}{os.sep}")]
        below = os.path.relpath(path, above[0]) if above else path
        return not is_written and usual(change, Path(path).name if below == os.curdir else below)

    looks = _looks(places, counts_at_all, say)
    is_repeated = False  # the last build was for nothing new
    for changes in looks:
        contents = {path: _content(path) for _, path in changes}
        is_new = any(seen.get(path) != content for path, content in contents.items())
        counts = is_new or (bool(contents) and not is_repeated)
        yield counts
        is_repeated = counts and not is_new
        seen |= contents


def _looks(places: Sequence[Path], counts: Callable[[Change, str], bool], say: Say) -> Iterator[set[FileChange]]:
    """Return what changed since the look before, again and again."""
    from watchfiles import watch

    look = partial(watch, *places, watch_filter=counts, rust_timeout=_MILLISECONDS, yield_on_timeout=True)
    try:
        yield from look()
    except OSError as error:
        # A folder of another user's, or more folders than `fs.inotify.max_user_watches` has room for.
        say(f"the system does not tell of all changes ({error}): each file is looked at in turn")
        yield from look(force_polling=True, ignore_permission_denied=True)


def _content(path: str) -> str:
    try:
        return read_content(path, Path(path).stat())
    except OSError:
        return "none"  # it is gone


def _written(planned: Planned) -> Iterator[Path]:
    """The folders that builds write into."""
    yield planned.project.root / "target"
    if planned.plan.container is not None:
        yield from planned.plan.container.cache_folders
    else:
        from rustdocker_tasks.host.compile import query_folders

        folders = query_folders(planned.plan.compile)
        yield from (folders.target_dir, folders.build_dir)


def _written_by_program(planned: Planned, flags: RunFlags) -> Iterator[Path]:
    """The folders that it was given to write into, but for one that holds packages: `.` is all that is watched."""
    for bind in volumes(flags.volumes, folder=Path.cwd()):
        source, _, place = bind.partition(":")
        holds_packages = any(package.folder.is_relative_to(source) for package in planned.project.members)
        if source.startswith("/") and not place.endswith(":ro") and not holds_packages:
            yield Path(source)
