"""Our folder of the build context: what the build needs that is not among the user's files.

Every name in it holds a hash of the content: BuildKit takes a file of the same name, size and time for unchanged.
"""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rustdocker_tasks.context.skeleton import skeleton_archive
from rustdocker_tasks.context.sources import list_sources, read_digests, render_list, short_digest
from rustdocker_tasks.errors import CannotWrite, UnnameableFolder, UnusableTarget
from rustdocker_tasks.explanation import FILE, find_changes
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.inputs.archive import make_archive, with_parents
from rustdocker_tasks.inputs.files import write_whole
from rustdocker_tasks.inputs.lock import locked
from rustdocker_tasks.inputs.root_files import libraries_among
from rustdocker_tasks.inputs.source_tree import MARK_OF_CACHES
from rustdocker_tasks.plan.model import ContextNames

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rustdocker_tasks.cargo.skeleton import Skeleton
    from rustdocker_tasks.context.sources import SourceFile, Sources
    from rustdocker_tasks.explanation import Changes
    from rustdocker_tasks.inputs.root_files import Entry
    from rustdocker_tasks.plan.context import ContextFolders
    from rustdocker_tasks.progress import Say

_OURS = "target/rustdocker"
_CONTEXT = f"{_OURS}/context"
_CONTENTS = "contents"
_LOCK = "lock"
# What such a mark begins with.
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Made by rustdocker-tasks.\n"
# What a mount of a Dockerfile cannot name in all versions of BuildKit.
_NOT_FOR_MOUNTS = re.compile(r"[\"'$\\\x00-\x1f\x7f]")
SCRIPTS = (
    "prepare",
    "packages",
    "fetch",
    "dependencies",
    "compile",
    "mirror",
    "cargo",
    "kept",
    "files",
    "assemble",
    "fit",
)
FOR_DEVELOPERS = ("command", "shell")


class BuildContext(Frozen, frozen=True, kw_only=True):
    """A context that is ready to be sent, with our folder in it."""

    folders: ContextFolders
    names: tuple[ContextNames, ...]  # for each group of images
    sources: Mapping[str, SourceFile]  # by path
    patterns: tuple[str, ...]  # of the ignore file, without ours
    changes: Changes | None  # since the last build
    secrets: tuple[str, ...] = ()  # links to secrets, which are left out, by path

    def dockerfile(self, name: str) -> Path:
        """Return where the Dockerfile of that name goes: in the context it would change the cache's keys."""
        return self.folders.project / _OURS / name / "Dockerfile"

    def add_contents(self, paths: Sequence[str]) -> None:
        """Send the content of these files under a name of its own."""
        folder = self.folders.project / _CONTEXT / _CONTENTS
        folder.mkdir(exist_ok=True)
        for file in (self.sources[path] for path in paths if path in self.sources):
            if not (folder / file.digest).exists():
                write_whole(folder / file.digest, file.read())


class GroupContents(Frozen, frozen=True, kw_only=True):
    """What a group of images needs of the context besides the sources."""

    support: tuple[Sequence[Entry], ...]  # for each image what it holds besides base and program
    fetch: Skeleton | None = None
    skeleton: Skeleton | None = None


@contextmanager
def prepared_context(
    folders: ContextFolders, contents: Sequence[GroupContents], *, others: Sequence[Path] = (), say: Say
) -> Iterator[BuildContext]:
    """Write our folder into the project and hand the context over.

    One build at a time, as the next one cleans up. `others` are folders that are no sources.
    Raises UnusableSource, IgnoredManifest, UnnameableFolder, UnusableTarget, CannotWrite.
    """
    ours = _own_folder(folders.project)
    with locked(ours / _LOCK, say=say):
        with cannot_write(ours):
            context = _prepare(folders, contents, others)
        for path in context.secrets:
            say(f"{path} leads to a place of secrets, and is not sent")
        yield context


def _prepare(folders: ContextFolders, contents: Sequence[GroupContents], others: Sequence[Path]) -> BuildContext:
    folder = folders.project / _CONTEXT
    require_nameable(folders)
    sources = list_sources(folders, others=others)
    folder.mkdir(exist_ok=True)
    before = _last_list(folder)
    of_all: dict[str, Any] = {
        "folder": folders.path_of(folder),
        "sources": _write(folder, "sources", render_list(sources)),
        "package_folders": _write(folder, "package-folders", folder_list(folders)),
        "scripts": {name: _write(folder, name, script(name)) for name in (*SCRIPTS, *FOR_DEVELOPERS)},
    }
    names = tuple(
        ContextNames(
            files=tuple(_write_files(folder, support) for support in each.support),
            fetch=_write_skeleton(folder, "fetch", each.fetch, sources),
            skeleton=_write_skeleton(folder, "skeleton", each.skeleton, sources),
            libraries=libraries_among(entry for support in each.support for entry in support),
            **of_all,
        )
        for each in contents
    )
    _clean(folder, names, {file.digest for file in sources.files.values()})
    after = {path: file.digest for path, file in sources.files.items()}
    context = BuildContext(
        folders=folders,
        names=names,
        sources=sources.files,
        patterns=sources.patterns,
        changes=find_changes(before, after),
        secrets=sources.secrets,
    )
    context.add_contents([file.path for file in sources.files.values() if not file.is_plain])
    return context


def require_nameable(folders: ContextFolders) -> None:
    """Raise UnnameableFolder where a Dockerfile could not name what lies in the project's folder."""
    if _NOT_FOR_MOUNTS.search(folders.project_path):
        raise UnnameableFolder(folders.project, root=folders.root)


def remove_own_folder(root: Path, *, say: Say) -> None:
    """Remove our folder in the project's target folder, when no build is at work; raises CannotWrite."""
    ours = root / _OURS
    if not (ours / _LOCK).exists():
        return
    with locked(ours / _LOCK, say=say), cannot_write(ours):
        shutil.rmtree(ours)


def explanation_file(root: Path) -> Path:
    """Return where it is kept what the last build did."""
    return root / _OURS / FILE


@contextmanager
def cannot_write(folder: Path) -> Iterator[None]:
    """Turn a disk's refusal into CannotWrite."""
    try:
        yield
    except OSError as error:
        raise CannotWrite(Path(error.filename or folder), error.strerror or str(error)) from error


def render_ignore_file(patterns: Iterable[str], folder: str) -> str:
    """Return the text that keeps everything out of the context but the sources and our folder."""
    return "".join(f"{line}\n" for line in (*patterns, f"!{folder}"))


def script(name: str) -> bytes:
    """Return a script of the build, one of SCRIPTS or FOR_DEVELOPERS."""
    return files("rustdocker_tasks.dockerfile").joinpath(f"{name}.sh").read_bytes()


def folder_list(folders: ContextFolders) -> bytes:
    """Return the list of the packages that cargo may compile, a folder in each line."""
    return "".join(f"{path}\n" for path in folders.package_paths).encode("utf-8", "surrogateescape")


def files_archive(support: Sequence[Entry]) -> bytes:
    """Return what the image holds besides base and program, as the archive that the build unpacks."""
    return make_archive(with_parents(support))


def _own_folder(root: Path) -> Path:
    ours = root / _OURS
    if (root / "target").is_symlink():
        raise UnusableTarget(root / "target", "it is a link, which a build context does not follow")
    try:
        ours.mkdir(parents=True, exist_ok=True)
        (ours / ".gitignore").write_text("*\n")
        # Where cargo's target folder is another one, this is one of the project's folders, and holds no source.
        (ours / MARK_OF_CACHES).write_text(_TAG)
    except OSError as error:
        raise UnusableTarget(ours, error.strerror or str(error)) from error
    return ours


def _last_list(folder: Path) -> dict[str, str] | None:
    """Return the digests of the sources of the last build by path, None if there was none."""
    lists = [*folder.glob("sources-*")]
    if len(lists) != 1:
        return None
    return read_digests(lists[0].read_bytes())


def _write(folder: Path, name: str, content: bytes) -> str:
    full = f"{name}-{short_digest(content)}"
    if not (folder / full).exists():
        write_whole(folder / full, content)
    return full


def _write_skeleton(folder: Path, name: str, skeleton: Skeleton | None, sources: Sources) -> str | None:
    return _write(folder, name, skeleton_archive(skeleton, sources)) if skeleton is not None else None


def _write_files(folder: Path, support: Sequence[Entry]) -> str:
    """Write the archive; its name is known without making it, which takes longer than all else here."""
    name = f"files-{_digest_of(support)}.tar"
    if not (folder / name).exists():
        write_whole(folder / name, files_archive(support))
    return name


def _digest_of(support: Sequence[Entry]) -> str:
    parts = []
    for entry in support:
        content = entry.content or b""
        head = f"{entry.path}\n{entry.mode} {entry.uid} {entry.gid} {len(content)}\n"
        parts += [head.encode("utf-8", "surrogateescape"), content]
    return short_digest(b"".join(parts))


def _clean(folder: Path, names: Sequence[ContextNames], digests: set[str]) -> None:
    """Remove what an earlier build needed and this one does not."""
    wanted = {_CONTENTS, *(name for each in names for name in each.all)}
    for path in folder.iterdir():
        if path.name not in wanted:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in (folder / _CONTENTS).glob("*"):
        if path.name not in digests:
            path.unlink()
