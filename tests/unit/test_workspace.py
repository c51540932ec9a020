"""The collection of a workspace, as Invoke sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
from invoke.exceptions import Exit

from rustdocker_tasks import workspace
from tests.conftest import MAIN, MANIFEST, write_files


def members(folder: Path, *names: str) -> Path:
    listed = ", ".join(f'"{name}"' for name in names)
    files = {"Cargo.toml": f'[workspace]\nresolver = "2"\nmembers = [{listed}]\n'}
    for name in names:
        files |= {f"{name}/Cargo.toml": MANIFEST.format(name=name), f"{name}/src/main.rs": MAIN}
    return write_files(folder, files)


def test_each_program_has_a_collection_of_its_own(tmp_path: Path) -> None:
    made = workspace(members(tmp_path, "api", "web"))

    assert set(made.tasks) == {"build", "push"}
    assert {"api.build", "api.run", "web.stop"} <= set(made.task_names)


def test_programs_called_like_a_task_or_like_each_other_are_there_too(tmp_path: Path) -> None:
    made = workspace(members(tmp_path, "push", "a-b", "a_b"))

    assert {"push", "push-program.build", "a-b.build", "a-b-program.build"} <= set(made.task_names)


def test_what_is_set_for_one_program_is_not_set_for_another(tmp_path: Path) -> None:
    made = workspace(members(tmp_path, "api", "web"))
    bodies = [made.collections[name].tasks["build"].body for name in ("api", "web")]
    bound = [
        next(c.cell_contents for c in body.__closure__ if hasattr(c.cell_contents, "binary")) for body in bodies
    ]

    assert [each.binary for each in bound] == ["api", "web"]


def test_files_that_cannot_be_read_end_invoke_with_the_message(tmp_path: Path) -> None:
    folder = members(tmp_path, "api")
    (folder / "api/Cargo.toml").write_text("[package")

    with pytest.raises(Exit) as ended:
        workspace(folder)
    assert ended.value.code == 65
    assert "api/Cargo.toml" in str(ended.value.message)
