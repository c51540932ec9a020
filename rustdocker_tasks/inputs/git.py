"""What git knows of the sources: commit, branch, and whether they differ from it."""

from __future__ import annotations

import os
import re
import shutil
from subprocess import CalledProcessError
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.plan.model import GitState, NoGitState
from rustdocker_tasks.process import read_output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

# Without the lock, git does not write its index anew. Names in quotes are ASCII, whatever the user's settings.
_ADDRESS = re.compile(
    r"(?:[a-z+]+://)?(?:[^@/]*@)?(?P<host>[^/:]+)(?::\d+(?=/))?[:/]/*(?P<path>[^/].*?)/*(?:\.git)?/*"
)
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
    return replace(state, place=_place(folder)) if isinstance(state, GitState) else state


def _in_repository(folder: Path, others: Sequence[Path]) -> Iterator[str]:
    """Those of the folders that lie in the same repository: git refuses to tell of others."""
    if others:
        top = read_output(("git", "rev-parse", "--show-toplevel"), folder=folder, quiet=True).rstrip("\n")
        yield from (str(other) for other in others if other.resolve().is_relative_to(top))


def _place(folder: Path) -> str | None:
    """Return what names the folder in every clone of its repository, None if it was not cloned."""
    try:
        origin = read_output(("git", "config", "--get", "remote.origin.url"), folder=folder, quiet=True).strip()
        inside = read_output(("git", "rev-parse", "--show-prefix"), folder=folder, quiet=True).strip()
    except CalledProcessError:
        return None
    return f"{repository_of(origin)}#{inside}"


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
