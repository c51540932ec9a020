"""Ctrl-C and its relatives: one way out for all of them, and none in the middle of what must not be half done."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_POLITE_REQUESTS = (signal.SIGTERM, signal.SIGHUP)


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: to be cleaned up after like Ctrl-C."""


@contextmanager
def raised_on_signals() -> Iterator[None]:
    """Raise Terminated where SIGTERM or SIGHUP would end the process with nothing cleaned up.

    A library that makes a KeyboardInterrupt of its own of it does not hide which signal it was.
    """
    received: list[int] = []

    def terminate(number: int, _: object) -> None:
        received.append(number)
        raise Terminated

    try:
        with _handled(_POLITE_REQUESTS, terminate):
            yield
    except KeyboardInterrupt as error:
        if received and not isinstance(error, Terminated):
            raise Terminated from error
        raise


@contextmanager
def deferred() -> Iterator[None]:
    """Let the block come to its end before Ctrl-C or another signal counts; a second one counts at once.

    An engine goes on with a request whose client has gone: what it makes after that, nobody would remove.
    """
    received: list[int] = []

    def remember(number: int, _: object) -> None:
        received.append(number)
        if len(received) > 1:
            raise KeyboardInterrupt

    try:
        with _handled((signal.SIGINT, *_POLITE_REQUESTS), remember):
            yield
    finally:
        if received:
            signal.raise_signal(received[0])


@contextmanager
def _handled(numbers: tuple[signal.Signals, ...], handler: Callable[..., None]) -> Iterator[None]:
    # Signals are the main thread's. What is ignored stays ignored: that is how `nohup` works.
    is_main = threading.current_thread() is threading.main_thread()
    heeded = [number for number in numbers if is_main and signal.getsignal(number) != signal.SIG_IGN]
    earlier = {number: signal.signal(number, handler) for number in heeded}
    try:
        yield
    finally:
        for number, former in earlier.items():
            signal.signal(number, former)
