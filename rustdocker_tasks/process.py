"""The only code of ours that starts a process. A whole command line is shown under `invoke --echo` alone."""

from __future__ import annotations

import shlex
import subprocess
from contextlib import contextmanager, nullcontext, suppress
from contextvars import ContextVar
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from rustdocker_tasks.errors import NoCargo
from rustdocker_tasks.overhear import overheard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_Started = TypeVar("_Started")
_SECONDS_TO_END = 10
_ECHO: ContextVar[Callable[[str], None] | None] = ContextVar("echo", default=None)


@contextmanager
def echoed(say: Callable[[str], None] | None) -> Iterator[None]:
    """Hand to `say` each command that does the work: cargo's and buildx', and none that only asks."""
    token = _ECHO.set(say)
    try:
        yield
    finally:
        _ECHO.reset(token)


def is_echoed() -> bool:
    return _ECHO.get() is not None


def echo(command: str) -> None:
    """Show a command, if that is asked for."""
    say = _ECHO.get()
    if say is not None:
        say(command)


def read_output(
    argv: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    given: str = "",
    quiet: bool = False,
) -> str:
    """Return what the process writes to stdout; its stderr is the user's, with `quiet` that of its error.

    `given` is all that it finds on its stdin.

    Raises NoCargo if there is no such program, CalledProcessError if it fails.
    """
    return _started(
        argv,
        lambda: (
            subprocess.run(  # noqa: S603 - argv is ours, no shell reads it
                argv,
                cwd=folder,
                env=environment,
                check=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE if quiet else None,
                input=given,
                text=True,
                # A file's name comes back as it went, whatever the locale.
                errors="surrogateescape",
            ).stdout
        ),
    )


def stream_lines(
    argv: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    on_line: Callable[[str], None],
    on_error_line: Callable[[str], None] | None = None,
) -> int:
    """Run the process, hand each line of its stdout to `on_line`, return its exit code.

    Its stderr is the user's terminal; its lines go to `on_error_line` as well, without colours. If this is
    interrupted, the process is ended before anything else.
    """
    echo(shlex.join(map(str, argv)))
    with overheard(on_error_line) if on_error_line else nullcontext() as stderr:
        process = _started(
            argv,
            lambda: subprocess.Popen(  # noqa: S603 - as above
                argv,
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=stderr,
                stdin=subprocess.DEVNULL,
                text=True,
                errors="surrogateescape",
            ),
        )
        with _ended_if_interrupted(process):
            for line in process.stdout or ():
                on_line(line)
    return process.returncode


def _started(argv: Sequence[str], start: Callable[[], _Started]) -> _Started:
    try:
        return start()
    except FileNotFoundError as error:
        raise NoCargo(argv[0]) from error


@contextmanager
def _ended_if_interrupted(process: subprocess.Popen[Any]) -> Iterator[None]:
    """Wait for the process after the block; if that is interrupted, end it before anything else."""
    with process:
        try:
            yield
        except BaseException:
            _end(process.pid)
            raise


class Helper:
    """A process that gets ready, does what one line asks for, and writes lines.

    Without that line it ends with this process. Raises OSError where it cannot be started.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - as above

    def ask(self, text: str, *, meanwhile: Callable[[], None], on_line: Callable[[str], None]) -> int:
        """Ask it, and return its exit code; if this is interrupted, it is ended before anything else.

        A line ends with a line feed alone: a carriage return is part of it, as in a bar that is drawn again.
        `meanwhile` is called once it is at work, and is not to wait for anything.
        """
        with _ended_if_interrupted(self._process):
            # If it has ended already, its exit code says so.
            with suppress(BrokenPipeError), cast("IO[bytes]", self._process.stdin) as stdin:
                stdin.write(f"{text}\n".encode("utf-8", "surrogateescape"))
            meanwhile()
            for line in cast("IO[bytes]", self._process.stdout):
                on_line(line.decode("utf-8", "surrogateescape"))
        return self._process.returncode

    def dismiss(self) -> None:
        """End it: nobody needs it."""
        with self._process as process:
            process.kill()


def _end(pid: int) -> None:
    """End the process and all that it started: cargo leaves a build script to itself.

    A terminal's Ctrl-C has reached them as well: this is for a signal that reached only us. They are in our
    process group all the same, since git and ssh may ask for a password on the terminal.
    """
    import psutil

    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.terminate()
    _, alive = psutil.wait_procs(family, timeout=_SECONDS_TO_END)
    for member in alive:
        with suppress(psutil.NoSuchProcess):
            member.kill()
