"""The archive of a project's skeleton: its files, the list of them, and the packages that are stubs in it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rustdocker_tasks.context.sources import render_rows
from rustdocker_tasks.inputs.archive import make_archive, with_parents
from rustdocker_tasks.inputs.root_files import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rustdocker_tasks.cargo.skeleton import Skeleton
    from rustdocker_tasks.context.sources import Sources

_PLAIN, _EXECUTABLE = 0o644, 0o755


def skeleton_archive(skeleton: Skeleton, sources: Sources) -> bytes:
    """Return the archive that `dependencies.sh` reads; what is taken as it is, is taken from the sources."""
    folders = sources.folders
    entries = [
        Entry(path=_place(folders.path_of(path)), mode=_PLAIN, content=text.encode())
        for path, text in skeleton.files.items()
        if path.is_relative_to(folders.root)  # cargo will say of the others that they are not there
    ]
    made = {entry.path for entry in entries}
    verbatim = tuple(map(str, skeleton.verbatim))
    for file in sources.files.values():
        if _is_within(file.name, verbatim) and _place(file.path) not in made:
            mode = _EXECUTABLE if file.executable else _PLAIN
            entries.append(Entry(path=_place(file.path), mode=mode, content=file.place.read_bytes()))
    listed = [
        (sha256(e.content or b"").hexdigest(), e.mode == _EXECUTABLE, str(e.path.relative_to("/sources")))
        for e in entries
    ]
    rows = render_rows(sorted(listed))
    lists = {
        "list": rows,
        "packages": _lines(skeleton.packages),
        "real": _lines(skeleton.real),
        # The root is called as mirror.sh calls it.
        "whole": _lines("/" if folder == folders.root else folders.path_of(folder) for folder in skeleton.whole),
    }
    more = [Entry(path=PurePosixPath("/", name), mode=_PLAIN, content=content) for name, content in lists.items()]
    return make_archive(with_parents([*entries, *more]))


def _lines(names: Iterable[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


def _place(path: str) -> PurePosixPath:
    return PurePosixPath("/sources") / path


def _is_within(file: str, places: tuple[str, ...]) -> bool:
    return any(file == place or file.startswith(f"{place}/") for place in places)
