"""What an image holds, read from what the engine saves of it."""

from __future__ import annotations

import json
import sys
import tarfile
import zlib
from typing import IO, TYPE_CHECKING, cast

from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# How a layer begins. Source: the media types of the OCI image specification, RFC 1952 and RFC 8878.
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_CHUNK = 1 << 20
_AS_THE_ENGINE = 6  # zlib's usual level, at which an engine compresses what it pushes
# What Debian keeps of packages in images that have no package manager: a file for each.
_RECORDS = "var/lib/dpkg/status.d/"


class SavedLayer(Frozen, frozen=True, kw_only=True):
    """One layer. Sizes are in bytes, paths have no slash in front."""

    stored: int  # compressed
    files: Mapping[str, int]
    records: Mapping[str, str]  # of Debian's packages, by path

    @property
    def unpacked(self) -> int:
        return sum(self.files.values())


def read_layers(archive: IO[bytes]) -> tuple[SavedLayer, ...]:
    """Return the layers in the archive of `docker save`, the lowest first.

    They are there as the engine keeps them: compressed on containerd's store, plain on the classic one, where they
    are compressed here.
    """
    with tarfile.open(fileobj=archive) as saved:
        manifest = json.load(_opened(saved, "manifest.json"))
        return tuple(_read(saved, name) for name in manifest[0]["Layers"])


def _opened(saved: tarfile.TarFile, name: str) -> IO[bytes]:
    return cast("IO[bytes]", saved.extractfile(name))


def _read(saved: tarfile.TarFile, name: str) -> SavedLayer:
    member = saved.getmember(name)
    start = _opened(saved, name).read(len(_ZSTD))
    is_zstd = start == _ZSTD
    is_compressed = is_zstd or start.startswith(_GZIP)
    stored = member.size if is_compressed else sum(_compressed(_opened(saved, name)))
    files, records = {}, {}
    content = _without_zstd(_opened(saved, name)) if is_zstd else _opened(saved, name)
    with content, tarfile.open(fileobj=content, mode="r|*") as layer:
        for entry in layer:
            path = entry.name.removeprefix("./").lstrip("/")
            if entry.isfile():
                files[path] = entry.size
                if path.startswith(_RECORDS):
                    record = cast("IO[bytes]", layer.extractfile(entry)).read()
                    records[path] = record.decode(errors="replace")
    return SavedLayer(stored=stored, files=files, records=records)


def _without_zstd(content: IO[bytes]) -> IO[bytes]:
    """Before Python 3.14 tarfile itself knows none, and a Python may be built without it."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return cast("IO[bytes]", zstd.ZstdFile(content))


def _compressed(content: IO[bytes]) -> Iterator[int]:
    compressor = zlib.compressobj(_AS_THE_ENGINE, zlib.DEFLATED, 31)
    while chunk := content.read(_CHUNK):
        yield len(compressor.compress(chunk))
    yield len(compressor.flush())
