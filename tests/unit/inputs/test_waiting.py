from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from rustdocker_tasks.errors import CannotWrite
from rustdocker_tasks.inputs.lock import locked


def test_a_build_waits_for_another_one_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "target" / "lock"
    said: list[str] = []
    order: list[str] = []
    waiting = Event()

    def say(line: str) -> None:
        said.append(line)
        waiting.set()

    def second() -> None:
        with locked(path, say=say):
            order.append("second")

    with locked(path, say=said.append):
        other = Thread(target=second)
        other.start()
        assert waiting.wait(10)
        order.append("first")
    other.join(10)

    assert said == [f"waiting for the end of another build, which holds {path}"]
    assert order == ["first", "second"]


def test_a_build_that_failed_leaves_the_lock_to_the_next(tmp_path: Path) -> None:
    said: list[str] = []
    with suppress(ValueError), locked(tmp_path / "lock", say=said.append):
        raise ValueError

    with locked(tmp_path / "lock", say=said.append):
        assert said == []


def test_a_place_without_room_for_a_lock_is_told(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("a file")

    with pytest.raises(CannotWrite), locked(tmp_path / "target" / "lock", say=print):
        pass


def test_a_lock_whose_folder_was_removed_meanwhile_is_taken_anew(tmp_path: Path) -> None:
    path = tmp_path / "target" / "lock"
    waiting = Event()
    held: list[bool] = []

    def second() -> None:
        with locked(path, say=lambda _: waiting.set()):
            held.append(path.exists())

    with locked(path, say=print):
        other = Thread(target=second)
        other.start()
        assert waiting.wait(10)
        path.unlink()
        path.parent.rmdir()
    other.join(10)

    assert held == [True]
