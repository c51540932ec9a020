"""The only code of ours that prints: results to stdout, everything else to stderr."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rustdocker_tasks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.progress import Progress, TaskID

    from rustdocker_tasks.progress import LiveProgress, Step


_BAR, _WIDE = 20, 60  # columns: of the bar, and of a terminal that has room for it
_AROUND = 13  # columns: the spinner, the seconds, and what lies between
_DIM, _NORMAL = "\x1b[2m", "\x1b[0m"  # ECMA-48, SGR


def show_result(text: str) -> str:
    """Print a result, and return it."""
    with _for_a_reader():
        print(printable(text), flush=True)
    return text


def show_rows(rows: Sequence[tuple[str, bool]]) -> str:
    """Print lines, and return them; on a terminal those that are of less account are dim."""
    # Source: no-color.org: any value but an empty one.
    is_plain = not sys.stdout.isatty() or bool(os.environ.get("NO_COLOR"))
    with _for_a_reader():
        for line, counts in rows:
            shown = printable(line)
            print(shown if counts or is_plain else f"{_DIM}{shown}{_NORMAL}", flush=True)
    return "\n".join(line for line, _ in rows)


@contextmanager
def _for_a_reader() -> Iterator[None]:
    """Let the reader of a pipe have enough, as of `invoke plan | head -1`: what was to be done is done."""
    try:
        yield
    except BrokenPipeError:
        # Python would write what is left as it ends, and complain. Source: the Python docs, "Note on SIGPIPE".
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Terminal:
    """Progress on stderr: plain lines, and where somebody looks on, one below them that tells the step."""

    def say(self, line: str) -> None:
        print(printable(line), file=sys.stderr, flush=True)

    def show(self, step: Step) -> None:
        """Show nothing: a log has no place for what is true for a moment."""

    @contextmanager
    def live(self) -> Iterator[LiveProgress]:
        if not sys.stderr.isatty():
            yield self
            return
        with _bar() as bar:
            yield _Live(bar)


class _Live:
    """Lines above a bar, which rich draws."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task: tuple[str, TaskID] | None = None  # the step that is shown

    def say(self, line: str) -> None:
        self._bar.console.print(printable(line), soft_wrap=True)

    def show(self, step: Step) -> None:
        if self._task is None or self._task[0] != step.name:
            if self._task is not None:
                self._bar.remove_task(self._task[1])
            # A new one, so that its seconds begin at nought.
            self._task = (step.name, self._bar.add_task(step.name, total=None, counter="", detail=""))
        counter = f"{step.done}/{step.total}" if step.total is not None else ""
        width = self._bar.console.width
        taken = len(step.name) + len(counter) + _AROUND + (_BAR + 1 if width >= _WIDE else 0)
        detail = printable(step.detail)[: max(0, width - taken)]
        self._bar.update(self._task[1], completed=step.done, total=step.total, counter=counter, detail=detail)


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    def text(field: str, style: str = "none") -> TextColumn:
        return TextColumn(f"{{task.{field}}}", style=style, markup=False, table_column=Column(no_wrap=True))

    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    return Progress(
        SpinnerColumn(),
        text("description"),
        # It says the same as the counter, which a narrow terminal has room for.
        *([BarColumn(bar_width=_BAR)] if console.width >= _WIDE else []),
        text("fields[counter]"),
        TimeElapsedColumn(),
        text("fields[detail]", style="dim"),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
