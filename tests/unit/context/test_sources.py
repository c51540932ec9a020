from __future__ import annotations

from hashlib import sha256

import pytest

from rustdocker_tasks.context.folder import prepared_context
from rustdocker_tasks.context.sources import list_sources, render_list
from rustdocker_tasks.errors import UnusableSource, UnusableTarget
from tests.conftest import Write, crate


def paths(folder: object) -> set[str]:
    return set(list_sources(folder).files)  # type: ignore[arg-type]


def test_what_is_no_source_or_a_secret_stays_out(write: Write) -> None:
    folder = write(
        crate(
            **{
                "src/a/deep.txt": "",
                "target/release/x": "",
                ".git/config": "",
                ".env": "SECRET=1",
                "sub/.env.local": "SECRET=1",
                "web/node_modules/x.js": "",
                "cache/CACHEDIR.TAG": "",
                "cache/x": "",
                ".cargo/config.toml": "",
            }
        )
    )

    assert paths(folder) == {"Cargo.toml", "src/main.rs", "src/a/deep.txt", "tasks.py", ".cargo/config.toml"}


def test_the_user_s_own_ignore_file_counts(write: Write) -> None:
    folder = write(crate(**{".dockerignore": "*.md\nprivate\n!private/not", "README.md": "", "private/key": ""}))

    assert paths(folder) == {"Cargo.toml", "src/main.rs", "tasks.py", ".dockerignore"}


def test_the_list_holds_digest_mode_and_path(write: Write) -> None:
    folder = write({"a b.txt": "x", "run.sh": "y"})
    (folder / "run.sh").chmod(0o755)

    rows = render_list(list_sources(folder)).decode().splitlines()

    assert rows == [f"{sha256(b'x').hexdigest()} - a b.txt", f"{sha256(b'y').hexdigest()} x run.sh"]


def test_a_link_is_sent_as_what_it_leads_to(write: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "shared.txt"
    outside.write_text("shared")
    folder = write(crate())
    (folder / "src" / "shared.txt").symlink_to(outside)

    with prepared_context(folder, (), None) as context:
        content = folder / context.names.folder / "contents" / sha256(b"shared").hexdigest()

        assert content.read_text() == "shared"
        assert not context.sources["src/shared.txt"].is_plain


def test_what_an_earlier_build_needed_is_removed(write: Write) -> None:
    folder = write(crate())
    with prepared_context(folder, (), None) as first:
        pass
    (folder / "src" / "main.rs").write_text("fn main() {}")

    with prepared_context(folder, (), None) as second:
        left = {path.name for path in (folder / second.names.folder).iterdir()}

    assert first.names.sources not in left
    assert second.names.sources in left


@pytest.mark.parametrize("name", ["line\nbreak", "back\\slash"])
def test_a_name_that_no_list_can_hold_is_refused(write: Write, name: str) -> None:
    folder = write(crate(**{f"src/{name}": ""}))

    with pytest.raises(UnusableSource):
        list_sources(folder)


def test_an_ignored_file_may_have_any_name(write: Write) -> None:
    folder = write(crate(**{"data/back\\slash": "", ".dockerignore": "data"}))

    assert "data/back\\slash" not in paths(folder)


def test_a_target_folder_that_is_a_link_is_refused(write: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = write(crate())
    (folder / "target").symlink_to(tmp_path_factory.mktemp("elsewhere"))

    with pytest.raises(UnusableTarget), prepared_context(folder, (), None):
        pass


def test_the_user_s_files_keep_their_times(write: Write) -> None:
    folder = write(crate())
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}

    with prepared_context(folder, (), None):
        pass

    assert {path: path.stat().st_mtime_ns for path in before} == before
