"""The user's own files for the image: templates, static pages, configuration."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from rustdocker_tasks.errors import UnreadableFile
from rustdocker_tasks.inputs.root_files import Entry
from rustdocker_tasks.inputs.source_tree import MARK_OF_CACHES, is_of_others

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rustdocker_tasks.image_config import Asset

_WILDCARDS = "*?["
_ANYBODY_RUNS = 0o111


def asset_entries(assets: Sequence[Asset], *, set_by: str) -> Iterator[Entry]:
    """Return the files that `assets` names, with what is in them; raises UnreadableFile.

    A file goes to its destination, or into it where that ends in `/`. What lies in a folder, or matches a pattern,
    goes below its destination, by its path from the folder or from the part of the pattern without wildcards.
    Links are followed. Of a folder a repository's `.git` is left out, what editors leave, and folders that are
    marked as caches, such as cargo's target folder.
    """
    for asset in assets:
        try:
            found = list(_files(asset.source, into_folder=asset.destination.is_folder))
        except OSError as error:
            place = Path(error.filename or asset.source)
            raise UnreadableFile("assets", place, where=set_by, problem=error.strerror or str(error)) from error
        except ValueError as error:
            # Before Python 3.13 `**` is a whole part of a pattern.
            raise UnreadableFile("assets", asset.source, where=set_by, problem=str(error)) from error
        if not found:
            raise UnreadableFile("assets", asset.source, where=set_by, problem="there is no such file")
        for place, below in found:
            yield _entry(asset, place, PurePosixPath(asset.destination) / below, set_by=set_by)


def _files(source: Path, *, into_folder: bool) -> Iterator[tuple[Path, PurePosixPath]]:
    """The files of a source in order, and where below its destination each goes."""
    fixed = _fixed_part(source)
    if fixed != source:
        pattern = str(source.relative_to(fixed))
        # Before Python 3.13 it stands for folders alone at the end.
        pattern += "/*" if pattern == "**" or pattern.endswith("/**") else ""
        for path in sorted(fixed.glob(pattern)):
            if not path.is_dir():
                yield path, PurePosixPath(path.relative_to(fixed))
    elif source.is_dir():
        for path in sorted(_walk(source, above=())):
            yield path, PurePosixPath(path.relative_to(source))
    elif source.exists():
        yield source, PurePosixPath(source.name if into_folder else "")


def _walk(folder: Path, *, above: tuple[Path, ...]) -> Iterator[Path]:
    """The files in a folder, by each way that leads to them without a circle."""
    own = folder.resolve()
    if own in above or (above and (folder / MARK_OF_CACHES).exists()):
        return
    for entry in os.scandir(folder):
        if entry.name == ".git":
            continue
        if entry.is_dir():
            yield from _walk(Path(entry.path), above=(*above, own))
        elif not is_of_others(entry.name):
            yield Path(entry.path)


def _fixed_part(source: Path) -> Path:
    """Return the path itself if it is there or no pattern, else the folder where its pattern begins.

    That is the nearest that exists: the project's own folder may have a name that looks like a pattern.
    """
    if source.exists() or not any(character in str(source) for character in _WILDCARDS):
        return source
    return next(parent for parent in source.parents if parent.exists())


def _entry(asset: Asset, place: Path, path: PurePosixPath, *, set_by: str) -> Entry:
    try:
        mode = place.stat().st_mode
        # A pipe would be read for ever.
        content = place.read_bytes() if stat.S_ISREG(mode) else None
    except OSError as error:
        problem = error.strerror or str(error)
        raise UnreadableFile("assets", place, where=set_by, problem=problem) from error
    if content is None:
        raise UnreadableFile("assets", place, where=set_by, problem="it is no ordinary file")
    usual = 0o755 if mode & _ANYBODY_RUNS else 0o644
    return Entry(path=path, mode=asset.mode.bits if asset.mode else usual, content=content)
