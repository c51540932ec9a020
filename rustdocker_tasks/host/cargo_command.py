"""What is to be compiled -> cargo's arguments. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.plan.commands import cargo_words
from rustdocker_tasks.plan.compile_flags import compile_flags, lock_flags, program_flags

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rustdocker_tasks.plan.commands import CommandPlan
    from rustdocker_tasks.plan.model import CargoCall, CompileGroup

# Flags for the last crate alone: unlike RUSTFLAGS they add to the user's own flags, wherever those are set,
# and leave build scripts and the dependencies' artefacts as they are.
_CRT_STATIC = ("--", "-C", "target-feature=+crt-static")


def build_command(group: CompileGroup) -> list[str]:
    """Return the command that compiles the binaries and reports their artefacts as JSON lines on stdout.

    One that does not compile is no reason for the others to wait.
    """
    step = group.first.compile
    return [
        "cargo",
        "rustc" if step.crt_static else "build",
        *(["--keep-going"] if len(group.images) > 1 else []),
        *program_flags(group, str),
        "--message-format=json-render-diagnostics",
        *compile_flags(step),
        *([f"--target={step.target_triple}"] if step.target_triple else []),
        *(_CRT_STATIC if step.crt_static else ()),
    ]


def developer_command(plan: CommandPlan) -> list[str]:
    """Return the command that runs tests, lints or formats."""
    triple = plan.call.target_triple if plan.command.compiles else None
    target = [f"--target={triple}"] if triple else []
    return ["cargo", plan.command.name, *target, *cargo_words(plan, str(plan.call.manifest))]


def empty_command(root: Path) -> list[str]:
    """Return the command that empties a workspace's target folder."""
    return ["cargo", "clean", f"--manifest-path={root / 'Cargo.toml'}"]


def clean_command(call: CargoCall, profile: str, packages: Iterable[str], triples: Iterable[str]) -> list[str]:
    """Return the command that drops the artefacts of `packages`, for this machine and `triples`."""
    return [
        "cargo",
        "clean",
        "--quiet",
        f"--manifest-path={call.manifest}",
        f"--profile={profile}",
        *lock_flags(call),
        *(f"--package={package}" for package in sorted(packages)),
        *(f"--target={triple}" for triple in sorted(triples)),
    ]


def folders_command(manifest: Path) -> list[str]:
    """Return the command that says where cargo puts things; it needs no network and writes nothing."""
    return ["cargo", "metadata", "--no-deps", "--format-version=1", f"--manifest-path={manifest}"]
