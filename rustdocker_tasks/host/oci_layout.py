"""Layers and a configuration -> one archive that is an OCI layout and a docker archive at once.

The blobs are there once. `index.json` is what skopeo, podman and containerd read; `manifest.json` is the only
thing that `docker load` of an Engine before 25 knows.
"""

from __future__ import annotations

import json
import tarfile
from io import BytesIO
from typing import TYPE_CHECKING

from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.host.layer import digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rustdocker_tasks.host.layer import Layer
    from rustdocker_tasks.image import ImageReference

_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class OciImage(Frozen, frozen=True, kw_only=True):
    """An image as its blobs. `stored_size` is in bytes: what a registry or an archive holds."""

    config_digest: str  # the image's ID on an engine with the classic store
    manifest_digest: str  # its ID on one with the containerd store, and its digest in a registry
    archive: bytes
    stored_size: int


def make_image(config: Mapping[str, object], layers: Sequence[Layer], tags: Sequence[ImageReference]) -> OciImage:
    """Return the image and its archive; the tags are in the archive's index alone and not in any digest."""
    config_blob = _json(config)
    manifest_blob = _json(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _descriptor(_CONFIG, config_blob),
            "layers": [_descriptor(_LAYER, layer.blob) for layer in layers],
        }
    )
    blobs = [layer.blob for layer in layers] + [config_blob, manifest_blob]
    files = {
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
        "index.json": _json(_index(manifest_blob, tags)),
        "manifest.json": _json([_docker_manifest(config_blob, layers, tags)]),
        **{_path(digest(blob)): blob for blob in blobs},
    }
    return OciImage(
        config_digest=digest(config_blob),
        manifest_digest=digest(manifest_blob),
        archive=_archive(files),
        stored_size=sum(map(len, blobs)),
    )


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _descriptor(media_type: str, blob: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest(blob), "size": len(blob)}


def _path(blob_digest: str) -> str:
    return "blobs/" + blob_digest.replace(":", "/")


def _index(manifest_blob: bytes, tags: Sequence[ImageReference]) -> dict[str, object]:
    """One entry for each tag, with the annotation that OCI defines and the one that containerd reads."""
    return {
        "schemaVersion": 2,
        "mediaType": _INDEX,
        "manifests": [
            {
                **_descriptor(_MANIFEST, manifest_blob),
                "annotations": {
                    "io.containerd.image.name": tag.full,
                    "org.opencontainers.image.ref.name": tag.tag,
                },
            }
            for tag in tags
        ],
    }


def _docker_manifest(
    config_blob: bytes, layers: Sequence[Layer], tags: Sequence[ImageReference]
) -> dict[str, object]:
    return {
        "Config": _path(digest(config_blob)),
        "RepoTags": [str(tag) for tag in tags],
        "Layers": [_path(layer.digest) for layer in layers],
    }


def _archive(files: Mapping[str, bytes]) -> bytes:
    file = BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in ("blobs", "blobs/sha256"):
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(info)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o644
            archive.addfile(info, BytesIO(content))
    return file.getvalue()
