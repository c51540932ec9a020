"""Files -> a tar archive: fixed order, owners and times, so that the same input gives the same bytes. Pure."""

from __future__ import annotations

import tarfile
from io import BytesIO
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rustdocker_tasks.inputs.root_files import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable


def with_parents(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries in order, with every folder on the way to them that is not among them."""
    complete = {entry.path: entry for entry in entries}
    for path in list(complete):
        for parent in path.parents:
            if parent != PurePosixPath("/"):
                complete.setdefault(parent, Entry(path=parent, mode=0o755))
    return [complete[path] for path in sorted(complete)]


def make_archive(entries: Iterable[Entry]) -> bytes:
    """Return an archive of the entries as they come; names are relative to the image's root."""
    file = BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry in entries:
            info = tarfile.TarInfo(str(entry.path.relative_to("/")))
            info.mode, info.uid, info.gid, info.mtime = entry.mode, entry.uid, entry.gid, 0
            info.type = tarfile.DIRTYPE if entry.content is None else tarfile.REGTYPE
            info.size = len(entry.content or b"")
            archive.addfile(info, BytesIO(entry.content or b""))
    return file.getvalue()
