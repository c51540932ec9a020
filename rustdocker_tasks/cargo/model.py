"""What a Cargo project is to us: plain frozen data, read by `project.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    name: str
    required_features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    name: str
    version: str
    manifest: Path
    binaries: tuple[Binary, ...]
    default_run: str | None
    path_dependencies: tuple[Path, ...]  # the folders, whatever the kind of the dependency
    metadata: Mapping[str, object]  # [package.metadata], as written

    @property
    def folder(self) -> Path:
        return self.manifest.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A workspace, or a package alone, which is a workspace of one."""

    root: Path  # the folder of the workspace's Cargo.toml
    here: Path  # the folder of the nearest Cargo.toml to where the search began
    members: tuple[Package, ...]
    default_members: tuple[Package, ...]
    outside: tuple[Package, ...]  # path dependencies that are no members: compiled with them all the same
    metadata: Mapping[str, object]  # [workspace.metadata], as written
    locked_packages: frozenset[str] | None  # the names in Cargo.lock, None if there is none
