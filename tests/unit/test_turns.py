"""Test processes that share the engines never wait for each other, or for themselves, for ever."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Thread

from tests.engine.turns import Turns


def run(*bodies: object) -> list[Thread]:
    threads = [Thread(target=body, daemon=True) for body in bodies]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    return threads


def test_who_is_alone_may_come_and_go(tmp_path: Path) -> None:
    def alone() -> None:
        turns = Turns(tmp_path)
        with turns.alone():
            turns.come("1")
            turns.is_last_to_go()

    (thread,) = run(alone)
    thread.join(10)

    assert not thread.is_alive()


def test_who_ends_does_not_wait_for_who_wants_to_be_alone(tmp_path: Path) -> None:
    inside, done = Event(), Event()
    order = []

    def ends() -> None:
        turns = Turns(tmp_path)
        with turns.beside_others():
            inside.set()
            done.wait(0.3)  # meanwhile the other one shuts the door
            turns.is_last_to_go()
            order.append("ended")

    def alone() -> None:
        inside.wait(10)
        with Turns(tmp_path).alone():
            order.append("alone")

    for thread in run(ends, alone):
        thread.join(10)

    assert order == ["ended", "alone"]


def test_the_last_of_those_that_came_is_told(tmp_path: Path) -> None:
    one, two = Turns(tmp_path), Turns(tmp_path)

    assert (one.come("first"), two.come("second")) == ("first", "first")
    assert (two.is_last_to_go(), one.is_last_to_go()) == (False, True)
