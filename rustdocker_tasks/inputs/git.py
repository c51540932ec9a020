"""What git knows of the sources: commit, branch, and whether they differ from it."""

from __future__ import annotations

import os
import shutil
from subprocess import CalledProcessError
from typing import TYPE_CHECKING

from rustdocker_tasks.plan.model import GitState, NoGitState
from rustdocker_tasks.process import read_output

if TYPE_CHECKING:
    from pathlib import Path

# Without the lock, git does not write its index anew. Names in quotes are ASCII, whatever the user's settings.
_STATUS = ("git", "--no-optional-locks", "-c", "core.quotePath=true", "status", "--porcelain=v2", "--branch")


def query_git(folder: Path) -> GitState | NoGitState:
    """Return the state of the repository around a folder, judged by what lies in the folder."""
    if shutil.which("git") is None:
        return NoGitState("git is not installed")
    try:
        status = read_output(
            (*_STATUS, "--untracked-files=normal", "--", "."),
            folder=folder,
            environment={**os.environ, "LC_ALL": "C"},
            quiet=True,
        )
    except CalledProcessError as error:
        reason: list[str] = error.stderr.strip().splitlines()
        return NoGitState(f"git says: {reason[0]}" if reason else "git fails")
    return parse_status(status)


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
