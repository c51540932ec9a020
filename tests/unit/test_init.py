"""The task files that `rustdocker init` writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from rustdocker_tasks.errors import TaskFileExists, TaskFileNotWritten
from rustdocker_tasks.init import write_task_file
from tests.conftest import MAIN, MANIFEST, write_files

ONE = {"Cargo.toml": MANIFEST.format(name="shop"), "src/main.rs": MAIN}
SEVERAL = {**ONE, "src/bin/other.rs": MAIN}


def init(folder: Path, *, for_nox: bool = False) -> tuple[Path, list[str]]:
    said: list[str] = []
    return write_task_file(folder, for_nox=for_nox, dry=False, say=said.append), said


@pytest.mark.parametrize(
    "source", ["# TODO: from rustdocker_tasks import ns\n", "import mine\n", "this is no Python"]
)
def test_a_task_file_of_others_is_left_alone_and_what_to_add_keeps_its_tasks(tmp_path: Path, source: str) -> None:
    folder = write_files(tmp_path, {**ONE, "tasks.py": source})

    with pytest.raises(TaskFileExists) as caught:
        init(folder)
    assert (folder / "tasks.py").read_text() == source
    assert "from rustdocker_tasks import ns" in caught.value.hint
    assert "ns.add_task(…)" in caught.value.hint


def test_a_package_of_tasks_would_be_hidden_by_a_file(tmp_path: Path) -> None:
    folder = write_files(tmp_path, {**ONE, "tasks/__init__.py": "import mine\n"})

    with pytest.raises(TaskFileExists):
        init(folder)
    assert not (folder / "tasks.py").exists()


@pytest.mark.parametrize(
    "files",
    [
        {"tasks.py": "from rustdocker_tasks import collection\n"},
        {"tasks.py": "import rustdocker_tasks\n"},
        {
            "tasks/__init__.py": "from tasks.images import ns\n",
            "tasks/images.py": "from rustdocker_tasks import ns",
        },
    ],
)
def test_our_own_tasks_are_recognised(tmp_path: Path, files: dict[str, str]) -> None:
    _, said = init(write_files(tmp_path, {**ONE, **files}))

    assert "has the tasks already" in said[0]


def test_a_folder_called_tasks_that_is_no_package_is_no_task_file(tmp_path: Path) -> None:
    path, _ = init(write_files(tmp_path, {**ONE, "tasks/notes.txt": ""}))

    assert path.is_file()


def test_what_cannot_be_written_is_told_of_the_task_file(tmp_path: Path) -> None:
    folder = write_files(tmp_path, ONE)
    (folder / "tasks.py").mkdir()

    with pytest.raises(TaskFileNotWritten):
        init(folder)


def test_a_program_that_its_workspace_s_folder_does_not_choose_gets_the_tasks_of_all(tmp_path: Path) -> None:
    folder = write_files(
        tmp_path,
        {
            "Cargo.toml": MANIFEST.format(name="library") + '[workspace]\nmembers = ["cli"]\n',
            "src/lib.rs": "",
            "cli/Cargo.toml": MANIFEST.format(name="cli"),
            "cli/src/main.rs": MAIN,
        },
    )

    assert "workspace(" in init(folder)[0].read_text()
    assert "packages=['cli']" in init(folder, for_nox=True)[0].read_text()


def test_a_binary_that_the_package_s_table_chooses_needs_no_tasks_of_all(tmp_path: Path) -> None:
    table = '[package.metadata.rustdocker]\nbin = "other"\n'
    folder = write_files(tmp_path, {**SEVERAL, "Cargo.toml": MANIFEST.format(name="shop") + table})

    assert init(folder)[0].read_text() == "from rustdocker_tasks import ns\n"


def test_nox_gets_the_binaries_of_a_package_that_has_several(tmp_path: Path) -> None:
    assert "bins=['other', 'shop']" in init(write_files(tmp_path, SEVERAL), for_nox=True)[0].read_text()
