"""How large an image is, read from what the engine saves of it."""

from __future__ import annotations

import json
import tarfile
import zlib
from typing import IO, TYPE_CHECKING, cast

from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 20
_AS_THE_ENGINE = 6  # zlib's usual level, at which an engine compresses what it pushes


class LayerSize(Frozen, frozen=True, kw_only=True):
    """One layer in bytes: compressed, and its files' contents."""

    stored: int
    unpacked: int
    files: dict[str, int]  # those that were asked for


def measure_layers(archive: IO[bytes], files: frozenset[str]) -> list[LayerSize]:
    """Return the sizes of the layers in the archive of `docker save`, and of the named files in them.

    Layers are there as the engine keeps them: compressed on containerd's store, plain on the classic one, where
    they are compressed here.
    """
    with tarfile.open(fileobj=archive) as saved:
        manifest = json.load(_opened(saved, "manifest.json"))
        return [_measure(saved, name, files) for name in manifest[0]["Layers"]]


def _opened(saved: tarfile.TarFile, name: str) -> IO[bytes]:
    return cast("IO[bytes]", saved.extractfile(name))


def _measure(saved: tarfile.TarFile, name: str, files: frozenset[str]) -> LayerSize:
    member = saved.getmember(name)
    is_compressed = _opened(saved, name).read(len(_GZIP)) == _GZIP
    stored = member.size if is_compressed else sum(_compressed(_opened(saved, name)))
    unpacked, found = 0, {}
    with tarfile.open(fileobj=_opened(saved, name), mode="r:*") as layer:
        for entry in layer:
            unpacked += entry.size if entry.isfile() else 0
            if entry.name.lstrip("./") in files:
                found[entry.name.lstrip("./")] = entry.size
    return LayerSize(stored=stored, unpacked=unpacked, files=found)


def _compressed(content: IO[bytes]) -> Iterator[int]:
    compressor = zlib.compressobj(_AS_THE_ENGINE, zlib.DEFLATED, 31)
    while chunk := content.read(_CHUNK):
        yield len(compressor.compress(chunk))
    yield len(compressor.flush())
