"""What tests, lints and formatting read besides what images are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rustdocker_tasks.cargo.model import Package, Project

# Source: the Cargo book, "Package Layout": cargo finds what is in them by itself.
_OF_DEVELOPERS = ("tests", "benches", "examples")
# Source: the documentation of rustfmt and of Clippy, "Configuration": looked for in all folders above.
_STYLE = ("rustfmt.toml", ".rustfmt.toml", "clippy.toml", ".clippy.toml")


def find_kept(project: Project, outside: Sequence[Package]) -> tuple[Path, ...]:
    """Return the folders and files that commands for developers read, whatever an ignore file says of them.

    Those of style are looked for up to the repository's folder.
    """
    packages = (*project.members, *outside)
    folders = [each.folder / name for each in packages for name in _OF_DEVELOPERS]
    above = dict.fromkeys(
        folder
        for each in packages
        for folder in (each.folder, *each.folder.parents)
        if folder.is_relative_to(project.repository)
    )
    files = [folder / name for folder in above for name in _STYLE]
    return tuple(place for place in (*folders, *files) if place.exists())
