"""What counts as a change, and which folders are watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rustdocker_tasks import watch
from rustdocker_tasks.errors import CargoFailed
from rustdocker_tasks.run import RunFlags
from rustdocker_tasks.terminal import Terminal
from tests import models


def flags(*volumes: str) -> RunFlags:
    return RunFlags(
        detach=False, ports=(), env=(), env_files=(), volumes=volumes, args=None, remainder="", wait="1"
    )


def test_what_builds_write_over_and_over_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "main.rs"
    # What is written before each look; None: nothing.
    texts = ["a", "b", None, "b", None, "b", "b", "b", "c"]

    def looks(*_: object, **__: object) -> Iterator[set[tuple[int, str]]]:
        for text in texts:
            if text is not None:
                source.write_text(text)
            yield set() if text is None else {(1, str(source))}

    monkeypatch.setattr("watchfiles.watch", looks)
    monkeypatch.setattr(watch, "_places", lambda _: [])
    monkeypatch.setattr(watch, "_written", lambda _: [])

    counts = list(watch._changes(cast("Any", None), flags(), print))

    # The same again counts once, as it may hide another content in between, and not once more right after that.
    assert counts == [True, True, False, True, False, True, False, True, True]


def test_folders_of_a_plan_that_does_not_build_are_watched_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing:
        def restart(self, _: object) -> None:
            raise CargoFailed(command="cargo build", code=101, found="x", hint="y")

    monkeypatch.setattr(watch, "_places", lambda planned: [planned])
    planned = watch._restarted_at_changes(
        cast("Any", Failing()), cast("Any", "old"), lambda: cast("Any", "new"), iter([True, True]), Terminal()
    )

    assert planned == cast("Any", "new")


def test_what_the_program_was_given_to_write_into_is_not_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shop = models.package("shop", manifest=tmp_path / "shop/Cargo.toml")
    planned = cast("Any", SimpleNamespace(project=models.project(shop)))
    given = flags("./data:/data", "./fixed:/fixed:ro", ".:/all", "named:/named")

    assert list(watch._written_by_program(planned, given)) == [tmp_path / "data"]


def filter_of(
    monkeypatch: pytest.MonkeyPatch, *, places: list[Path], written: list[Path]
) -> Callable[[int, str], bool]:
    """What decides whether a path counts at all."""
    filters: list[Any] = []

    def looks(*_: object, watch_filter: object, **__: object) -> Iterator[set[tuple[int, str]]]:
        filters.append(watch_filter)
        return iter(())

    monkeypatch.setattr("watchfiles.watch", looks)
    monkeypatch.setattr(watch, "_places", lambda _: places)
    monkeypatch.setattr(watch, "_written", lambda _: written)
    assert list(watch._changes(cast("Any", None), flags(), print)) == []
    (found,) = filters
    return cast("Callable[[int, str], bool]", found)


def test_a_folder_beside_one_that_is_written_into_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts_at_all = filter_of(monkeypatch, places=[], written=[tmp_path / "target"])

    counts = {
        name: counts_at_all(1, str(tmp_path / name)) for name in ("target", "target/a.rs", "target-info/a.rs")
    }
    assert counts == {"target": False, "target/a.rs": False, "target-info/a.rs": True}


def test_what_the_folders_around_a_project_are_called_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / ".venv/src/shop"
    counts_at_all = filter_of(monkeypatch, places=[project], written=[])

    assert counts_at_all(1, str(project / "src/main.rs"))
    assert not counts_at_all(1, str(project / ".venv/lib.py"))


def test_where_the_system_does_not_tell_of_all_changes_each_file_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "main.rs"
    source.write_text("a")

    def looks(*_: object, force_polling: bool = False, **__: object) -> Iterator[set[tuple[int, str]]]:
        if not force_polling:
            raise PermissionError(13, "Permission denied")
        yield {(1, str(source))}

    monkeypatch.setattr("watchfiles.watch", looks)
    monkeypatch.setattr(watch, "_places", lambda _: [tmp_path])
    monkeypatch.setattr(watch, "_written", lambda _: [])
    said: list[str] = []

    assert list(watch._changes(cast("Any", None), flags(), said.append)) == [True]
    assert "Permission denied" in said[0]
