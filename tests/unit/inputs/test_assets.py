from __future__ import annotations

import os
from pathlib import Path

import pytest

from rustdocker_tasks.errors import UnreadableFile
from rustdocker_tasks.image_config import Asset, Destination, FileMode
from rustdocker_tasks.inputs.assets import asset_entries
from tests.conftest import write_files

FILES = {"pages/index.html": "1", "pages/css/a.css": "2", "pages/css/b.txt": "3", "run.sh": "4", "a[1].txt": "5"}


def put(root: Path, source: str, destination: str, mode: str | None = None) -> dict[str, tuple[bytes | None, int]]:
    asset = Asset(
        source=root / source, destination=Destination(destination), mode=FileMode(mode) if mode else None
    )
    return {str(e.path): (e.content, e.mode) for e in asset_entries([asset], set_by="x")}


def test_a_file_goes_to_its_destination(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)

    assert put(tmp_path, "pages/index.html", "/srv/i.html") == {"/srv/i.html": (b"1", 0o644)}
    assert put(tmp_path, "a[1].txt", "/srv/a") == {"/srv/a": (b"5", 0o644)}


def test_a_file_goes_into_a_destination_that_is_written_as_a_folder(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)

    assert list(put(tmp_path, "pages/index.html", "/srv/p/")) == ["/srv/p/index.html"]
    assert list(put(tmp_path, "pages/css", "/srv/p/")) == ["/srv/p/a.css", "/srv/p/b.txt"]


def test_what_lies_in_a_folder_goes_below(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)

    assert list(put(tmp_path, "pages", "/srv/p")) == ["/srv/p/css/a.css", "/srv/p/css/b.txt", "/srv/p/index.html"]


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("pages/*.html", ["/srv/index.html"]),
        ("pages/**/*.css", ["/srv/css/a.css"]),
        ("*/css/*", ["/srv/pages/css/a.css", "/srv/pages/css/b.txt"]),
    ],
)
def test_what_matches_a_pattern_goes_below_by_its_path_from_the_fixed_part(
    tmp_path: Path, pattern: str, paths: list[str]
) -> None:
    write_files(tmp_path, FILES)

    assert list(put(tmp_path, pattern, "/srv")) == paths


def test_all_of_a_folder_goes_but_a_repository_caches_and_what_editors_leave(tmp_path: Path) -> None:
    kept = {"p/node_modules/a.js": "1", "p/.vscode/b": "2", "p/sub/c": "3", "p/.well-known/d": "4"}
    write_files(tmp_path, {**kept, "p/.git/config": "", "p/sub/.git": "", "p/a.js~": "", "p/.DS_Store": ""})
    write_files(tmp_path, {"p/target/CACHEDIR.TAG": "", "p/target/site/e": ""})
    (tmp_path / "p/circle").symlink_to(tmp_path / "p")
    (tmp_path / "p/linked").symlink_to(tmp_path / "p/sub")

    names = {name.replace("p/", "/srv/") for name in kept}
    assert put(tmp_path, "p", "/srv").keys() == {*names, "/srv/linked/c"}
    assert put(tmp_path, "p/target/site", "/srv").keys() == {"/srv/e"}


def test_a_pattern_for_all_below_stands_for_files(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)

    assert put(tmp_path, "pages/**", "/srv") == put(tmp_path, "pages", "/srv")


def test_a_link_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p/link").symlink_to("nowhere")

    with pytest.raises(UnreadableFile, match="No such file"):
        put(tmp_path, "p", "/srv")


def test_a_pattern_that_python_cannot_read_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)

    # From 3.13 on Python can, and finds nothing.
    with pytest.raises(UnreadableFile):
        put(tmp_path, "nowhere/pages/x**y", "/srv")


def test_a_project_s_folder_may_look_like_a_pattern(tmp_path: Path) -> None:
    root = write_files(tmp_path / "[x] *", FILES)

    assert list(put(root, "pages/*.html", "/srv")) == ["/srv/index.html"]


def test_what_can_be_run_stays_so_unless_a_mode_is_set(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)
    (tmp_path / "run.sh").chmod(0o700)
    (tmp_path / "link").symlink_to("run.sh")

    assert put(tmp_path, "run.sh", "/run.sh")["/run.sh"] == (b"4", 0o755)
    assert put(tmp_path, "link", "/l", "0640")["/l"] == (b"4", 0o640)


@pytest.mark.parametrize("source", ["none.txt", "*.none", "pages/none/*"])
def test_a_source_that_is_not_there_is_named(tmp_path: Path, source: str) -> None:
    write_files(tmp_path, FILES)

    with pytest.raises(UnreadableFile, match="there is no such file") as caught:
        put(tmp_path, source, "/srv")
    assert caught.value.found == str(tmp_path / source)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(UnreadableFile, match="no ordinary file"):
        put(tmp_path, "pipe", "/srv")


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)
    (tmp_path / "pages" / "again").symlink_to(".")

    assert "/srv/index.html" in put(tmp_path, "pages", "/srv")
