"""What a change must pass: lint, types, tests; and the benchmarks."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from invoke.context import Context
from invoke.tasks import task

from tasks.lab import start as start_lab

ROOT = Path(__file__).parent.parent


def _python(c: Context, module: str, *words: str) -> None:
    with c.cd(str(ROOT)):
        c.run(shlex.join([sys.executable, "-m", module, *words]), pty=sys.stdout.isatty())


@task(auto_shortflags=False, help={"fix": "Mend what can be mended."})
def lint(c: Context, fix: bool = False) -> None:  # noqa: FBT001, FBT002 - a flag
    """Check form and rules with ruff."""
    _python(c, "ruff", "format", *([] if fix else ["--check"]), ".")
    _python(c, "ruff", "check", *(["--fix"] if fix else []), ".")


@task(auto_shortflags=False)
def typecheck(c: Context) -> None:
    """Check types with mypy, strictly."""
    _python(c, "mypy")


@task(
    auto_shortflags=False,
    help={"quick": "Only what needs neither cargo nor an engine.", "accept": "Write the golden files anew."},
)
def test(c: Context, quick: bool = False, accept: bool = False) -> None:  # noqa: FBT001, FBT002, PT028 - flags
    """Run the tests."""
    more = ["--accept"] if accept else []
    if quick:
        _python(c, "pytest", "-m", "not cargo and not engine", *more)
        return
    _python(c, "pytest", "-m", "not engine", "--numprocesses=auto", *more)
    start_lab()
    # They wait for an engine most of the time. What a module's tests share is made once.
    _python(c, "pytest", "-m", "engine", "--numprocesses=2", "--dist=loadfile", *more)


@task(auto_shortflags=False)
def check(c: Context) -> None:
    """Run all that CI requires: lint, types and every test."""
    lint(c)
    typecheck(c)
    test(c)


@task(auto_shortflags=False)
def bench(c: Context) -> None:
    """Measure start-up and rebuilds, side by side with doing without us; about an hour."""
    for benchmark in (
        *("startup", "reading", "mirror", "rebuild", "peers"),
        "programs",
        "monorepo",
        "profiles",
        "allocator",
    ):
        _python(c, f"benchmarks.{benchmark}")
