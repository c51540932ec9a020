"""Where a checkout may lie, and how it came there: a build, an edit, and cargo's tests in each such place."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tests.conftest import MAIN, Outcome, Write, crate, invoke, start, write_files

pytestmark = pytest.mark.engine

PLACES = ("spaces and letters", "a link", "a worktree", "a submodule")
BACKENDS = ("buildx", "host")
INVOKE = f"{sys.executable} -m invoke"


def git(*words: str, folder: Path) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def checkout(tmp_path: Path) -> Path:
    """A repository with a project; its name is new: BuildKit knows equal steps of other projects."""
    folder = write_files(tmp_path / f"t{uuid.uuid4().hex[:8]}", crate("placed"))
    with (folder / "src/main.rs").open("a") as file:
        file.write(f"// {folder.name}\n#[test]\nfn runs() {{}}\n")
    (folder / ".gitignore").write_text("target\n__pycache__\n")
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=folder, check=True)
    git("init", "--quiet", folder=folder)
    git("add", ".", folder=folder)
    git("commit", "--quiet", "--message=first", folder=folder)
    return folder


def placed(place: str, folder: Path) -> Path:
    """Return the project in a place."""
    others = folder.parent
    if place == "spaces and letters":
        return folder.rename(others / "mit Leerzeichen, „Zeichen“ und 漢字")
    if place == "a link":
        link = others / "link"
        link.symlink_to(folder)
        # A process is told the folder that it leads to: by the task file the link itself is the project's place.
        (folder / "tasks.py").write_text(
            f"from rustdocker_tasks import collection\nns = collection({str(link)!r})\n"
        )
        return link
    if place == "a worktree":
        git("worktree", "add", "--quiet", str(others / "tree"), folder=folder)
        return others / "tree"
    outer = others / "outer"
    outer.mkdir()
    git("init", "--quiet", folder=outer)
    git("submodule", "--quiet", "add", str(folder), "inner", folder=outer)
    return outer / "inner"


def call(*words: str, folder: Path, backend: str) -> Outcome:
    return invoke(*words, folder=folder, RUSTDOCKER_BACKEND=backend, DOCKER_HOST=CURRENT_ENGINE)


def compiled(outcome: Outcome) -> bool:
    return "Compiling placed" in outcome.stderr


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("place", PLACES)
def test_a_project_is_built_wherever_it_lies(tmp_path: Path, place: str, backend: str) -> None:
    folder = placed(place, checkout(tmp_path))

    first = call("run", folder=folder, backend=backend)
    again = call("run", folder=folder, backend=backend)
    source = folder / "src/main.rs"
    source.write_text(source.read_text().replace("first", "second"))
    edited = call("run", folder=folder, backend=backend)
    tested = call("test", folder=folder, backend=backend)

    assert (first.result, again.result, edited.result) == ("first", "first", "second")
    assert (compiled(first), compiled(again), compiled(edited)) == (True, False, True)
    assert "test runs ... ok" in tested.stderr


@pytest.mark.parametrize("place", PLACES)
def test_the_commit_is_known_wherever_it_lies(tmp_path: Path, place: str) -> None:
    folder = placed(place, checkout(tmp_path))

    assert git("rev-parse", "HEAD", folder=folder) in call("plan", folder=folder, backend="host").result


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A checkout that nobody can write to, not even root."""
    folder, place = checkout(tmp_path), tmp_path / "read-only"
    place.mkdir()
    subprocess.run(["mount", "--bind", folder, place], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_checkout_that_cannot_be_written_to_ends_in_an_error_that_says_so(read_only: Path, backend: str) -> None:
    outcome = call("build", folder=read_only, backend=backend)

    assert outcome.code in {65, 66, 67}
    assert "Read-only file system" in outcome.stderr
    assert (read_only / "src/main.rs").read_text().startswith(MAIN)


def test_modules_of_the_user_s_beside_the_task_file_are_none_of_ours(write: Write) -> None:
    shadowing = {f"{name}.py": "raise SystemExit('not meant')" for name in ("json", "signal", "pydantic")}

    # `python -m invoke` would itself take them for Python's own.
    program = Path(sys.executable).with_name("invoke")
    done = start(str(program), "build", folder=write(crate("shadowing", **shadowing)), RUSTDOCKER_BACKEND="buildx")

    assert done.code == 0
    assert done.result.startswith("sha256:")


@pytest.mark.parametrize("backend", BACKENDS)
def test_without_a_home(tmp_path: Path, backend: str) -> None:
    folder = checkout(tmp_path)
    home = ("env", "--unset=HOME", f"DOCKER_CONFIG={Path.home() / '.docker'}")
    done = subprocess.run(
        [*home, "sh", "-c", f"RUSTDOCKER_BACKEND={backend} DOCKER_HOST={CURRENT_ENGINE} exec {INVOKE} run"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "first\n"), done.stderr
