"""The task files that `rustdocker init` writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli

from rustdocker_tasks.errors import (
    BadFlag,
    BadValue,
    FileNotWritten,
    RustDockerError,
    TableExists,
    TaskFileExists,
    UnknownKey,
)
from rustdocker_tasks.init import write_project_files
from tests.conftest import MAIN, MANIFEST, write_files

ONE = {"Cargo.toml": MANIFEST.format(name="shop"), "src/main.rs": MAIN}
SEVERAL = {**ONE, "src/bin/other.rs": MAIN}


def init(folder: Path, *, for_nox: bool = False, dry: bool = False, **asked: Any) -> tuple[Path, list[str]]:
    """Return the task file, and what is said."""
    said: list[str] = []
    return write_project_files(folder, asked, for_nox=for_nox, dry=dry, say=said.append)[0], said


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

    with pytest.raises(FileNotWritten):
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
    assert "register(workspace=True)" in init(folder, for_nox=True)[0].read_text()


def test_a_binary_that_the_package_s_table_chooses_needs_no_tasks_of_all(tmp_path: Path) -> None:
    table = '[package.metadata.rustdocker]\nbin = "other"\n'
    folder = write_files(tmp_path, {**SEVERAL, "Cargo.toml": MANIFEST.format(name="shop") + table})

    assert init(folder)[0].read_text() == "from rustdocker_tasks import ns\n"


def test_nox_gets_the_tasks_of_all_where_a_package_has_several_binaries(tmp_path: Path) -> None:
    assert "register(workspace=True)" in init(write_files(tmp_path, SEVERAL), for_nox=True)[0].read_text()


def settings_of(manifest: Path, kind: str = "package") -> object:
    return tomli.loads(manifest.read_text())[kind].get("metadata")


def test_what_is_asked_for_and_is_not_so_anyway_stands_in_the_manifest(tmp_path: Path) -> None:
    folder = write_files(tmp_path, ONE)
    before = (folder / "Cargo.toml").read_text()
    _, said = init(folder, variant="static", backend="auto", bin="shop", features=[], expose="[8080]")

    assert settings_of(folder / "Cargo.toml") == {"rustdocker": {"variant": "static", "expose": [8080]}}
    assert (folder / "Cargo.toml").read_text().startswith(before)
    assert '+variant = "static"' in "\n".join(said)


def test_twice_changes_nothing(tmp_path: Path) -> None:
    folder = write_files(tmp_path, ONE)
    init(folder, variant="static", tag=["{version}"])
    before = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
    _, said = init(folder, variant="static", tag=["{version}"])

    assert {path.name: path.read_text() for path in folder.iterdir() if path.is_file()} == before
    assert [line.rpartition("/")[2] for line in said] == [
        "tasks.py has the tasks already",
        "Cargo.toml needs no more settings for this",
    ]


def test_dry_shows_all_and_writes_nothing(tmp_path: Path) -> None:
    folder = write_files(tmp_path, ONE)
    _, said = init(folder, dry=True, variant="static")

    assert "+from rustdocker_tasks import ns" in "\n".join(said)
    assert '+variant = "static"' in "\n".join(said)
    assert not (folder / "tasks.py").exists()
    assert settings_of(folder / "Cargo.toml") is None


def test_what_is_for_one_binary_stands_in_its_package_and_names_it(tmp_path: Path) -> None:
    folder = write_files(tmp_path, SEVERAL)
    init(folder, bin="other", profile="small")

    assert settings_of(folder / "Cargo.toml") == {"rustdocker": {"bin": "other", "profile": "small"}}


def test_what_is_for_all_programs_of_one_package_makes_no_workspace_of_it(tmp_path: Path) -> None:
    folder = write_files(tmp_path, SEVERAL)
    init(folder, variant="static")

    manifest = tomli.loads((folder / "Cargo.toml").read_text())
    assert manifest["package"]["metadata"] == {"rustdocker": {"variant": "static"}}
    assert "workspace" not in manifest


def test_what_is_for_several_programs_stands_in_the_workspace_s_table(tmp_path: Path) -> None:
    folder = write_files(
        tmp_path,
        {
            "Cargo.toml": '[workspace]\nmembers = ["api", "web"]\n',
            **{f"{name}/Cargo.toml": MANIFEST.format(name=name) for name in ("api", "web")},
            **{f"{name}/src/main.rs": MAIN for name in ("api", "web")},
        },
    )
    init(folder, variant="static")
    init(folder, package="web", profile="small")

    assert settings_of(folder / "Cargo.toml", "workspace") == {"rustdocker": {"variant": "static"}}
    assert settings_of(folder / "web/Cargo.toml") == {"rustdocker": {"profile": "small"}}
    assert settings_of(folder / "api/Cargo.toml") is None


@pytest.mark.parametrize(
    "table",
    [
        "[package.metadata.rustdocker]\nexpose = [1]\n",
        "[package.metadata]\nrustdocker.expose = [1]\n",
        "[package.metadata.rustdocker.static]\nexpose = [1]\n",
    ],
)
def test_settings_that_are_there_are_left_alone_and_so_is_everything_else(tmp_path: Path, table: str) -> None:
    folder = write_files(tmp_path, {**ONE, "Cargo.toml": MANIFEST.format(name="shop") + table})

    with pytest.raises(TableExists) as caught:
        init(folder, variant="static")
    assert 'variant = "static"' in caught.value.hint
    assert not (folder / "tasks.py").exists()


def test_a_manifest_keeps_its_ends_of_lines_and_its_tables(tmp_path: Path) -> None:
    manifest = f'{MANIFEST.format(name="shop")}[package.metadata.deb]\nx = "ü"'.replace("\n", "\r\n").encode()
    folder = write_files(tmp_path, ONE)
    (folder / "Cargo.toml").write_bytes(manifest)
    init(folder, labels='{ a = "b" }')
    written = (folder / "Cargo.toml").read_bytes()

    assert written.startswith(manifest)
    assert written.count(b"\n") == written.count(b"\r\n")
    assert settings_of(folder / "Cargo.toml") == {"deb": {"x": "ü"}, "rustdocker": {"labels": {"a": "b"}}}


@pytest.mark.parametrize(
    ("asked", "error"),
    [({"expos": "[1]"}, UnknownKey), ({"expose": "[0]"}, BadValue), ({"variant": "x"}, BadValue)],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    tmp_path: Path, asked: dict[str, Any], error: type[Exception]
) -> None:
    folder = write_files(tmp_path, ONE)

    with pytest.raises(error):
        init(folder, **asked)
    assert not (folder / "tasks.py").exists()


def test_what_the_workspace_says_counts_for_the_programs_of_its_one_package(tmp_path: Path) -> None:
    table = "[workspace]\n[workspace.metadata.rustdocker]\nlocked = false\n"
    folder = write_files(tmp_path, {**SEVERAL, "Cargo.toml": MANIFEST.format(name="shop") + table})
    init(folder, locked="true")

    assert settings_of(folder / "Cargo.toml") == {"rustdocker": {"locked": True}}


@pytest.mark.parametrize("asked", [{"repository": "ghcr.io/acme/x"}, {"name": "x"}, {"features": "nope"}])
def test_what_no_two_programs_can_have_is_refused_for_all(tmp_path: Path, asked: dict[str, Any]) -> None:
    files = {f"{name}/Cargo.toml": MANIFEST.format(name=name) for name in "ab"}
    files |= {f"{name}/src/main.rs": MAIN for name in "ab"}
    folder = write_files(tmp_path, {**files, "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["a", "b"]\n'})

    with pytest.raises(RustDockerError):
        init(folder, **asked)
    assert not (folder / "tasks.py").exists()


def test_a_binary_that_is_asked_for_needs_no_tasks_of_all(tmp_path: Path) -> None:
    task_file, _ = init(write_files(tmp_path, SEVERAL), bin="other")

    assert "workspace" not in task_file.read_text()


def test_what_is_asked_for_in_a_member_s_folder_is_for_that_member(tmp_path: Path) -> None:
    members = ("api", "web")
    files = {f"{name}/Cargo.toml": MANIFEST.format(name=name) for name in members}
    files |= {f"{name}/src/main.rs": MAIN for name in members}
    folder = write_files(tmp_path, {**files, "Cargo.toml": '[workspace]\nmembers = ["api", "web"]\n'})
    before = (folder / "Cargo.toml").read_text()

    init(folder / "web", variant="static")

    assert settings_of(folder / "web/Cargo.toml") == {"rustdocker": {"variant": "static"}}
    assert (folder / "Cargo.toml").read_text() == before
    write_files(folder, {"web/src/bin/more.rs": MAIN, "api/src/lib.rs": ""})
    init(folder / "web/src", variant="static")
    assert settings_of(folder / "Cargo.toml", "workspace") == {"rustdocker": {"variant": "static"}}


def test_a_project_without_a_program_is_told(tmp_path: Path) -> None:
    folder = write_files(tmp_path, {"Cargo.toml": MANIFEST.format(name="library"), "src/lib.rs": ""})

    said = init(folder)[1]

    assert "so far there is nothing to build: " in said[-1]


def test_a_table_cannot_take_back_what_a_weaker_one_sets(tmp_path: Path) -> None:
    table = '[workspace]\n[workspace.metadata.rustdocker]\nlibc = "gnu"\n'
    folder = write_files(tmp_path, {**ONE, "Cargo.toml": ONE["Cargo.toml"] + table})

    with pytest.raises(BadFlag, match="TOML has no word for nothing"):
        init(folder, libc="")
