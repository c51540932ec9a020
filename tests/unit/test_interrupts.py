from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from rustdocker_tasks.interrupts import Terminated, deferred, raised_on_signals


def test_a_deferred_block_comes_to_its_end_and_the_signal_counts_then() -> None:
    done = []

    with pytest.raises(KeyboardInterrupt):
        with deferred():
            signal.raise_signal(signal.SIGINT)
            done.append("first")
        done.append("after")

    assert done == ["first"]


def test_a_second_signal_ends_a_deferred_block() -> None:
    done = []

    with pytest.raises(KeyboardInterrupt), deferred():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        done.append("first")

    assert done == []


def test_sigterm_is_raised_and_keeps_its_kind_when_deferred() -> None:
    with pytest.raises(Terminated), raised_on_signals(), deferred():
        signal.raise_signal(signal.SIGTERM)


def test_what_a_library_makes_of_sigterm_hides_it_not() -> None:
    def watch() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            raise KeyboardInterrupt from None

    with pytest.raises(Terminated), raised_on_signals():
        watch()
    with pytest.raises(KeyboardInterrupt) as caught, raised_on_signals():
        signal.raise_signal(signal.SIGINT)
    assert not isinstance(caught.value, Terminated)


def test_handlers_are_as_before_afterwards() -> None:
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    with raised_on_signals(), deferred():
        pass

    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_a_thread_that_no_signal_reaches_does_its_work() -> None:
    def work() -> str:
        with raised_on_signals(), deferred():
            return "done"

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result() == "done"


def test_an_ignored_signal_stays_ignored() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with raised_on_signals():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, former)
