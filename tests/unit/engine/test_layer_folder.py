from __future__ import annotations

from pathlib import Path

import pytest

from rustdocker_tasks.engine.layer_folder import set_damaged_index_aside


@pytest.mark.parametrize(
    ("content", "is_damaged"),
    [
        (b'{"schemaVersion":2,', True),
        (b"", True),
        (b"\xff", True),
        (b"null", True),
        (b"[" * 100_000, True),
        (b"{}", False),
    ],
)
def test_an_index_that_was_cut_off_makes_room_for_another(
    tmp_path: Path,
    content: bytes,
    is_damaged: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    (tmp_path / "index.json").write_bytes(content)

    assert set_damaged_index_aside(tmp_path) == is_damaged

    left = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert left == {"index.json.damaged" if is_damaged else "index.json": content}


def test_a_folder_that_is_not_there_yet_is_left_alone(tmp_path: Path) -> None:
    assert not set_damaged_index_aside(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []
