"""What of this disk a build in containers gets: one folder, and in it what the project is made of. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.cargo.model import TargetKind
from rustdocker_tasks.errors import OutsideOfContext
from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rustdocker_tasks.cargo.model import Package, Project


class ContextFolders(Frozen, frozen=True, kw_only=True):
    """The folder of a build context, and what in it are sources; all paths are absolute."""

    root: Path
    project: Path  # the workspace's folder
    # Outside of that: the folders of packages, and where packages are from, and what else is a source.
    beside: tuple[Path, ...] = ()
    files: tuple[Path, ...] = ()  # single files outside of all those; not all are there
    manifests: tuple[Path, ...] = ()  # those, and the lock file, without which cargo refuses the project
    git: Path | None = None  # the repository's own folder, which is sent and is no source
    kept: tuple[Path, ...] = ()  # sources that no ignore file of the user's keeps out
    vendored: tuple[Path, ...] = ()  # folders of crates, each of whose files cargo wants to see

    @property
    def places(self) -> tuple[Path, ...]:
        """The folders and files that are sources, none within another."""
        every = dict.fromkeys((self.project, *self.beside, *self.files))
        return tuple(place for place in every if every.keys().isdisjoint(place.parents))

    @property
    def project_path(self) -> str:
        """The workspace's folder from the root, `.` where it is that."""
        return self.path_of(self.project)

    @property
    def package_paths(self) -> tuple[str, ...]:
        """The packages' folders from the root, `.` where one is that."""
        return tuple(dict.fromkeys(self.path_of(each.parent) for each in self.manifests if each.suffix == ".toml"))

    def path_of(self, place: Path) -> str:
        """Return a place's path from the context's root, with forward slashes."""
        return place.relative_to(self.root).as_posix()


def context_folders(
    project: Project,
    outside: Sequence[Package],
    git: Path | None = None,
    kept: Sequence[Path] = (),
    *,
    others: Sequence[Path] = (),
) -> ContextFolders:
    """Return the workspace's folder or, if packages or `others` lie outside, the nearest that they all lie in."""
    root = project.root
    packages = (*project.members, *outside)
    config = project.own_config
    # What cargo's configuration names may be anywhere on this machine; a package depends on what it says.
    configured = (folder for folder in config.package_folders if folder.is_relative_to(project.repository))
    places = (*(each.folder for each in packages), *configured, *others)
    beside = tuple(dict.fromkeys(folder for folder in places if not folder.is_relative_to(root)))
    of_packages = (
        file
        for each in packages
        for file in (*_crate_roots(each), *(() if each.folder.is_relative_to(root) else each.inherited_files))
    )
    files = dict.fromkeys(
        file
        for file in (*of_packages, *config.files, *config.named_files, *kept)
        if not any(file.is_relative_to(folder) for folder in (root, *beside))
    )
    return ContextFolders(
        root=_folder_around(root, (*beside, *(file.parent for file in files), *([git.parent] if git else []))),
        project=root,
        beside=beside,
        files=tuple(files),
        manifests=(
            root / "Cargo.toml",
            *((root / "Cargo.lock",) if project.lock is not None else ()),
            *(each.manifest for each in packages),
        ),
        git=git,
        kept=tuple(kept),
        vendored=tuple(
            folder
            for folder in config.vendored
            if folder.is_relative_to(root) or any(folder.is_relative_to(place) for place in beside)
        ),
    )


def joined(contexts: Sequence[ContextFolders]) -> ContextFolders:
    """Return the context of several images of a project, which may differ in other sources and the repository."""
    first = contexts[0]
    git = next((each.git for each in contexts if each.git is not None), None)
    return replace(
        first,
        # Each is the project's folder or one around it.
        root=min((each.root for each in contexts), key=lambda root: len(root.parts)),
        beside=tuple(dict.fromkeys(place for each in contexts for place in each.beside)),
        files=tuple(dict.fromkeys(file for each in contexts for file in each.files)),
        git=git,
    )


def _crate_roots(package: Package) -> Iterator[Path]:
    """Where a package's library, programs and build script are, which need not be in its folder."""
    for target in package.targets:
        if target.kind in {TargetKind.LIBRARY, TargetKind.BINARY, TargetKind.BUILD_SCRIPT}:
            yield target.place


def _folder_around(root: Path, others: Sequence[Path]) -> Path:
    for folder in (root, *root.parents):
        if all(other.is_relative_to(folder) for other in others):
            return folder
    # Of another drive.
    raise OutsideOfContext(others[0], root=root, set_by="a path dependency or a member")
