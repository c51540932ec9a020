"""What commands for developers compile on the host, kept as images' programs are: made of the sources at hand."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.host.compile import drop_stale, only_one, query_folders, read_record, write_record
from rustdocker_tasks.host.freshness import inspect, make_scope, record_build
from rustdocker_tasks.host.units import find_triples
from rustdocker_tasks.plan.model import profile_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rustdocker_tasks.host.compile import CargoFolders
    from rustdocker_tasks.host.freshness import Record, Scope
    from rustdocker_tasks.plan.model import CargoCall
    from rustdocker_tasks.progress import Say


@contextmanager
def fresh_artefacts(call: CargoCall, profile: str, *, say: Say) -> Iterator[Callable[[], None]]:
    """Let a call of cargo in the block compile all that was made of other sources, and record what it made.

    What is yielded is to be called once cargo has compiled: what it runs then may build, and write files. Raises
    NoCargo, CargoFailed, CannotWrite.
    """
    folders = query_folders(call)
    with ExitStack() as lock:
        lock.enter_context(only_one(folders.ours, say=say))
        record = read_record(folders, call.root)
        scope = _command_scope(call, profile, folders, record)
        inspection = inspect(scope, build_dir=folders.build_dir, record=record)
        drop_stale([call], profile, scope, inspection.stale)

        def note() -> None:
            made_for = _command_scope(call, profile, folders, record)
            after = record_build(
                made_for, build_dir=folders.build_dir, before=inspection, triple=record.triple, made=()
            )
            write_record(folders, call.root, after)
            lock.close()

        compiled = _Once(note)
        try:
            yield compiled
        finally:
            compiled()
            compiled.raise_error()


class _Once:
    """Do something at the first call, of whatever thread; an error of it waits until it is asked for."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._lock = Lock()
        self._is_done = False
        self._error: Exception | None = None

    def __call__(self) -> None:
        with self._lock:
            if not self._is_done:
                self._is_done = True
                try:
                    self._work()
                except Exception as error:  # noqa: BLE001 - it is raised where somebody hears it
                    self._error = error

    def raise_error(self) -> None:
        if self._error is not None:
            raise self._error


def _command_scope(call: CargoCall, profile: str, folders: CargoFolders, record: Record) -> Scope:
    """Return the scope of a command, whose own words and environment may name any target."""
    folder = profile_folder(profile)
    scope = make_scope(
        [call],
        profile_folder=folder,
        target_dir=folders.target_dir,
        build_dir=folders.build_dir,
        record=record,
    )
    triples = find_triples(folders.build_dir, profile_folder=folder)
    return replace(scope, triples=scope.triples | triples, only_named=True)
