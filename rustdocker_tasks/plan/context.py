"""What of this disk a build in containers gets: one folder, and in it what the project is made of. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.errors import OutsideOfContext
from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rustdocker_tasks.cargo.model import Package, Project


class ContextFolders(Frozen, frozen=True, kw_only=True):
    """The folder of a build context, and what in it are sources; all paths are absolute."""

    root: Path
    project: Path  # the workspace's folder
    packages: tuple[Path, ...] = ()  # packages outside of that
    files: tuple[Path, ...] = ()  # of the workspaces that those inherit from; not all are there
    manifests: tuple[Path, ...] = ()  # those without which cargo refuses the project
    git: Path | None = None  # the repository's own folder, which is sent and is no source

    @property
    def places(self) -> tuple[Path, ...]:
        """The folders and files that are sources, none within another."""
        every = dict.fromkeys((self.project, *self.packages, *self.files))
        return tuple(place for place in every if every.keys().isdisjoint(place.parents))

    @property
    def project_path(self) -> str:
        """The workspace's folder from the root, `.` where it is that."""
        return self.path_of(self.project)

    def path_of(self, place: Path) -> str:
        """Return a place's path from the context's root, with forward slashes."""
        return place.relative_to(self.root).as_posix()


def context_folders(project: Project, outside: Sequence[Package], git: Path | None = None) -> ContextFolders:
    """Return the workspace's folder or, if packages lie outside of it, the nearest that they all lie in."""
    root = project.root
    strangers = [each for each in (*project.members, *outside) if not each.folder.is_relative_to(root)]
    packages = tuple(dict.fromkeys(each.folder for each in strangers))
    files = tuple(dict.fromkeys(file for each in strangers for file in each.inherited_files))
    manifests = (root / "Cargo.toml", *(each.manifest for each in (*project.members, *outside)))
    return ContextFolders(
        root=_folder_around(root, (*packages, *(each.parent for each in (*files, *([git] if git else []))))),
        project=root,
        packages=packages,
        files=files,
        manifests=manifests,
        git=git,
    )


def _folder_around(root: Path, others: Sequence[Path]) -> Path:
    for folder in (root, *root.parents):
        if all(other.is_relative_to(folder) for other in others):
            return folder
    # Of another drive.
    raise OutsideOfContext(others[0], root=root, set_by="a path dependency or a member")
