"""What of a project decides which crates are fetched: every manifest, lock file, configuration. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.skeleton import Skeleton

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rustdocker_tasks.cargo.model import Package, Project


def make_fetch_skeleton(project: Project, outside: Sequence[Package]) -> Skeleton:
    """Return all that `cargo fetch` reads, with empty sources; `outside` are compiled with the project.

    Nothing is left out: with `--locked --offline` cargo wants the index of every package in the lock file.
    """
    packages = (*project.members, *outside)
    config = project.own_config
    root = project.root
    return Skeleton(
        files={target.place: "" for each in packages for target in each.targets},
        packages=tuple(sorted({each.name for each in packages})),
        verbatim=(
            root / "Cargo.toml",
            root / "Cargo.lock",
            *(each.manifest for each in packages),
            *(file for each in outside for file in each.inherited_files),
            *config.files,
            *config.named_files,
        ),
    )
