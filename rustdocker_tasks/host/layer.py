"""Files -> one layer of an image: fixed order, owners and times, so that the same input has the same digest."""

from __future__ import annotations

from gzip import GzipFile
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING

from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.inputs.archive import make_archive, with_parents

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rustdocker_tasks.inputs.root_files import Entry

# Of zlib's levels the one after which time doubles for the last 5 % of size (measured on a Rust program).
_COMPRESSION = 3


class Layer(Frozen, frozen=True, kw_only=True):
    """A compressed layer. Digests read `sha256:` and 64 hex digits, sizes are in bytes.

    Source: OCI image-spec, config.md, "Layer DiffID": the digest of the archive before compression.
    """

    name: str
    blob: bytes
    digest: str
    diff_id: str
    unpacked_size: int  # of the files' contents


def make_layer(name: str, entries: Iterable[Entry]) -> Layer:
    """Return the layer with `entries`, and every folder on the way to them that is not among them."""
    complete = with_parents(entries)
    archive = make_archive(complete)
    blob = _compress(archive)
    return Layer(
        name=name,
        blob=blob,
        digest=digest(blob),
        diff_id=digest(archive),
        unpacked_size=sum(len(entry.content or b"") for entry in complete),
    )


def digest(blob: bytes) -> str:
    return f"sha256:{sha256(blob).hexdigest()}"


def _compress(archive: bytes) -> bytes:
    file = BytesIO()
    with GzipFile(filename="", mode="wb", compresslevel=_COMPRESSION, fileobj=file, mtime=0) as gzip:
        gzip.write(archive)
    return file.getvalue()
