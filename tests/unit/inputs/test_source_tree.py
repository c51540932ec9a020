"""What is looked at as a source."""

from __future__ import annotations

from pathlib import Path

import pytest

from rustdocker_tasks.inputs.source_tree import scan
from tests.conftest import write_files


@pytest.mark.parametrize(("may_read", "content"), [(False, "closed"), (True, "")])
def test_a_file_that_nobody_may_read_is_no_unknown_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, *, may_read: bool
) -> None:
    write_files(tmp_path, {"key": "x"})
    # Who is root may read anything.
    monkeypatch.setattr("rustdocker_tasks.inputs.source_tree.read_content", lambda *_: "")
    monkeypatch.setattr("os.access", lambda *_: may_read)

    (row,) = scan(tmp_path, others=frozenset(), extra=(), known={}).values()

    assert row.content == content
