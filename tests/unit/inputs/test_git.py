from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from rustdocker_tasks.inputs.git import parse_status, query_git, repository_of
from rustdocker_tasks.plan.model import GitState, NoGitState

HEADS = "# branch.oid 0f1e\n# branch.head main\n"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (HEADS, GitState(commit="0f1e", branch="main", dirty=False)),
        (HEADS + "? new.rs\n", GitState(commit="0f1e", branch="main", dirty=True)),
        (HEADS + "# branch.ab +1 -0\n", GitState(commit="0f1e", branch="main", dirty=False)),
        (HEADS.replace("main", "(detached)"), GitState(commit="0f1e", branch=None, dirty=False)),
        (HEADS.replace("0f1e", "(initial)"), NoGitState("the repository has no commit yet")),
    ],
)
def test_status_is_read(status: str, state: GitState | NoGitState) -> None:
    assert parse_status(status) == state


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    command = ["git", *identity, *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.cargo
def test_git_itself_is_asked(tmp_path: Path) -> None:
    git(tmp_path, "init", "--initial-branch=main")
    assert query_git(tmp_path) == NoGitState("the repository has no commit yet")
    inner = tmp_path / "shop"
    inner.mkdir()
    (inner / "a file").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--message=one")
    commit = git(tmp_path, "rev-parse", "HEAD")
    clean = GitState(commit=commit, branch="main", dirty=False, folder=tmp_path / ".git")
    assert query_git(inner) == clean

    # Only what lies in the folder counts, files that git does not know among it.
    (tmp_path / "outside").touch()
    assert query_git(inner) == clean
    assert query_git(inner, [tmp_path / "outside", Path("/usr")]) == replace(clean, dirty=True)
    (inner / "new\udcff.rs").touch()
    assert query_git(inner) == replace(clean, dirty=True)


@pytest.mark.cargo
def test_where_there_is_no_repository_git_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = query_git(tmp_path)
    assert isinstance(state, NoGitState)
    assert "not a git repository" in state.reason

    monkeypatch.setenv("PATH", str(tmp_path))
    assert query_git(tmp_path) == NoGitState("git is not installed")


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/shop",
        "https://GitHub.com/acme/shop.git",
        "https://me:secret@github.com/acme/shop.git/",
        "https://token@github.com:443/acme/shop",
        "git@github.com:acme/shop.git",
        "ssh://git@github.com:22/acme/shop.git",
        "git://github.com/acme/shop/",
    ],
)
def test_all_ways_to_a_repository_have_one_name_without_a_password(url: str) -> None:
    assert repository_of(url) == "github.com/acme/shop"


def test_other_repositories_have_other_names() -> None:
    assert repository_of("/srv/shop.git") != repository_of("/srv/mail.git")
    assert repository_of("https://github.com/acme/shop") != repository_of("https://github.com/acme/mail")


@pytest.mark.cargo
def test_clones_have_the_place_of_their_origin(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "origin")
    (tmp_path / "origin" / "shop").mkdir()
    (tmp_path / "origin" / "shop" / "file").write_text("1")
    git(tmp_path / "origin", "add", ".")
    git(tmp_path / "origin", "commit", "--quiet", "--message=one")
    clones = [tmp_path / "one", tmp_path / "two"]
    for clone in clones:
        git(tmp_path, "clone", "--quiet", str(tmp_path / "origin"), str(clone))

    first, second = (query_git(clone / "shop") for clone in clones)
    outer = query_git(clones[0])

    assert isinstance(first, GitState)
    assert isinstance(second, GitState)
    assert isinstance(outer, GitState)
    assert replace(first, folder=None) == replace(second, folder=None)
    assert first.folder == clones[0] / ".git"
    assert first.place is not None
    assert first.place.endswith("/origin#shop/")
    assert outer.place != first.place


@pytest.mark.cargo
def test_a_folder_of_another_repository_is_never_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("home", "plain"):
        git(tmp_path, "init", "--quiet", name)
        (tmp_path / name / "w").mkdir()
        (tmp_path / name / "w" / "file").write_text(name)
        git(tmp_path / name, "add", ".")
        git(tmp_path / name, "commit", "--quiet", "--message=one")
    (tmp_path / "home/w/api").symlink_to(tmp_path / "plain/w")
    git(tmp_path, "clone", "--quiet", "--shared", "plain", "borrowing")

    through_a_link, borrowing = query_git(tmp_path / "home/w/api"), query_git(tmp_path / "borrowing")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "plain/.git"))
    by_variable = query_git(tmp_path / "home")

    for state, problem in (
        (through_a_link, "lies elsewhere"),
        (borrowing, "borrows"),
        (by_variable, "lies elsewhere"),
    ):
        assert isinstance(state, GitState)
        assert state.folder is None
        assert problem in str(state.folder_problem)
