"""What git knows of the sources: commit, branch, and whether they differ from it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from subprocess import CalledProcessError
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.plan.model import GitState, NoGitState
from rustdocker_tasks.process import read_output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_ADDRESS = re.compile(
    r"(?:[a-z+]+://)?(?:[^@/]*@)?(?P<host>[^/:]+)(?::\d+(?=/))?[:/]/*(?P<path>[^/].*?)/*(?:\.git)?/*"
)
# Without the lock, git does not write its index anew. Names in quotes are ASCII, whatever the user's settings.
_STATUS = ("git", "--no-optional-locks", "-c", "core.quotePath=true", "status", "--porcelain=v2", "--branch")


def query_git(folder: Path, more: Iterable[Path] = ()) -> GitState | NoGitState:
    """Return the state of the repository around a folder, judged by what lies in it and in `more` folders."""
    if shutil.which("git") is None:
        return NoGitState("git is not installed")
    try:
        status = read_output(
            (*_STATUS, "--untracked-files=normal", "--", ".", *_in_repository(folder, [*more])),
            folder=folder,
            environment={**os.environ, "LC_ALL": "C"},
            quiet=True,
        )
    except CalledProcessError as error:
        reason: list[str] = error.stderr.strip().splitlines()
        return NoGitState(f"git says: {reason[0]}" if reason else "git fails")
    state = parse_status(status)
    if isinstance(state, NoGitState):
        return state
    answer = _ask(folder, "rev-parse", "--absolute-git-dir", "--show-cdup", "--show-prefix")
    place, up, inside = (*answer.split("\n"), "", "", "")[:3]
    # By the folder's own name, which may lead through a link.
    own = Path(os.path.normpath(folder / up / ".git"))
    problem = _problem_of_folder(own, Path(place))
    origin = _ask(folder, "config", "--get", "remote.origin.url")
    return replace(
        state,
        place=f"{repository_of(origin)}#{inside}" if origin else None,
        folder=own if problem is None else None,
        folder_problem=problem,
    )


def changed_files(folder: Path, since: str) -> list[Path]:
    """Return the files of the repository around a folder that differ from a revision's, untracked ones too.

    Of another branch it is the commit where both part that counts. A submodule is one file to git. The paths hold
    no symbolic link above the repository. Raises ValueError with what is wrong.
    """
    if shutil.which("git") is None:
        message = "git is not installed"
        raise ValueError(message)
    try:
        top = Path(read_output(("git", "rev-parse", "--show-toplevel"), folder=folder, quiet=True).rstrip("\n"))
        base = _base(folder, since)
        names = read_output(("git", "diff", "--name-only", "--no-renames", "-z", base), folder=top, quiet=True)
        new = read_output(("git", "ls-files", "--others", "--exclude-standard", "-z"), folder=top, quiet=True)
    except CalledProcessError as error:
        lines = error.stderr.strip().splitlines()
        problem = f"git says: {lines[0]}" if lines else "git says: it has no commit in common with this branch"
        if _ask(folder, "rev-parse", "--is-shallow-repository") == "true":
            problem += "; this clone has but the newest commits: `git fetch --unshallow` brings the others"
        raise ValueError(problem) from error
    return [top / name for name in (names + new).split("\0") if name]


def text_before(path: Path, since: str) -> str | None:
    """Return what a file held in a revision, or where another branch parted; None where git does not tell."""
    try:
        words = ("git", "show", f"{_base(path.parent, since)}:./{path.name}")
        return read_output(words, folder=path.parent, quiet=True)
    except CalledProcessError:
        return None


def _base(folder: Path, since: str) -> str:
    return read_output(("git", "merge-base", "HEAD", f"{since}^{{commit}}"), folder=folder, quiet=True).strip()


def _problem_of_folder(folder: Path, real: Path) -> str | None:
    """Return why a repository's own folder does not tell the repository's state alone, None if it does."""
    if folder.is_symlink() or not folder.is_dir() or not folder.samefile(real):
        return "the .git of this repository lies elsewhere, as that of a worktree or a submodule does"
    if (folder / "objects/info/alternates").exists():
        return "this repository borrows the objects of another"
    try:
        config = (folder / "config").read_text(encoding="utf-8", errors="replace").lower()
    except OSError:
        config = ""
    # Their names stand in the repository's configuration, which holds passwords too, and is not sent.
    formats = ("objectformat", "refstorage")
    return "this repository's format is not git's usual one" if any(name in config for name in formats) else None


def _ask(folder: Path, *words: str) -> str:
    try:
        return read_output(("git", *words), folder=folder, quiet=True).rstrip("\n")
    except CalledProcessError:
        return ""


def _in_repository(folder: Path, others: Sequence[Path]) -> Iterator[str]:
    """Those of the folders that lie in the same repository: git refuses to tell of others."""
    if others:
        top = _ask(folder, "rev-parse", "--show-toplevel")
        yield from (str(other) for other in others if other.resolve().is_relative_to(top))


def repository_of(url: str) -> str:
    """Return host and path of a repository's address: the same for all ways to reach it, and without a password.

    Source: git-clone(1), "Git URLs".
    """
    match = _ADDRESS.fullmatch(url)
    return f"{match['host'].lower()}/{match['path']}" if match else url


def parse_status(text: str) -> GitState | NoGitState:
    """Return what `git status --porcelain=v2 --branch` says.

    Source: git-status(1), "Porcelain Format Version 2".
    """
    lines = text.splitlines()
    heads = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# branch."))
    commit, branch = heads["branch.oid"], heads["branch.head"]
    if commit == "(initial)":
        return NoGitState("the repository has no commit yet")
    return GitState(
        commit=commit,
        branch=None if branch == "(detached)" else branch,
        dirty=any(not line.startswith("#") for line in lines),
    )
