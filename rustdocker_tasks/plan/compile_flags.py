"""What both backends tell cargo to compile, in the same words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rustdocker_tasks.plan.model import CompileStep


def compile_flags(step: CompileStep) -> list[str]:
    """Return cargo's flags for profile, features and lock file."""
    return [
        f"--profile={step.profile}",
        *([f"--features={','.join(step.features)}"] if step.features else []),
        *([] if step.default_features else ["--no-default-features"]),
        *lock_flags(step),
    ]


def lock_flags(step: CompileStep) -> list[str]:
    # Without it cargo renews a lock file that is out of date, and rewrites one that is not in its own form.
    return ["--locked"] if step.locked else []
