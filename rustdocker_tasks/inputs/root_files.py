"""What stands in the image's file tree beside the program."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rustdocker_tasks.image_config import ImageConfig, User

CERTIFICATES = PurePosixPath("/etc/ssl/certs/ca-certificates.crt")
PROGRAMS = PurePosixPath("/usr/local/bin")
ZONES = PurePosixPath("/usr/share/zoneinfo")
USERS = tuple(map(PurePosixPath, ("/etc/passwd", "/etc/group", "/etc/nsswitch.conf")))
_LIBRARY = re.compile(r"\.so(?:\.[0-9.]+)?$")
_TMP = PurePosixPath("/tmp")  # noqa: S108 - the image's own
_HOME = PurePosixPath("/home/nonroot")
# Without it glibc asks the network before the container's own /etc/hosts.
_NSSWITCH = b"passwd: files\ngroup: files\nhosts: files dns\n"


# OpenSSL built from source and other libraries look here before their compiled-in place.
ENVIRONMENT = {"SSL_CERT_FILE": str(CERTIFICATES)}
# What an image needs that inherits none from a base.
SEARCH_PATH = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


class Entry(Frozen, frozen=True, kw_only=True):
    """A file, or a folder where `content` is None. `path` is absolute in the image."""

    path: PurePosixPath
    mode: int
    content: bytes | None = None
    uid: int = 0
    gid: int = 0


def libraries_among(entries: Iterable[Entry]) -> tuple[str, ...]:
    """Return the places of what is named as a shared library is, in order."""
    files = {entry.path for entry in entries if entry.content is not None}
    return tuple(sorted(str(path) for path in files if _LIBRARY.search(path.name) and ":" not in str(path)))


def program_entry(name: str, content: bytes) -> Entry:
    return Entry(path=PROGRAMS / name, mode=0o755, content=content)


def support_entries(config: ImageConfig, *, certificates: bytes, zones: Mapping[str, bytes]) -> Iterator[Entry]:
    """Return all that a program expects of a system but libraries: certificates, zones, users and folders."""
    user = config.user
    yield _text(CERTIFICATES, certificates)
    for name, zone in zones.items():
        yield _text(ZONES / name, zone)
    for path, content in zip(USERS, (_passwd(user), _group(user), _NSSWITCH), strict=True):
        yield _text(path, content)
    yield Entry(path=_TMP, mode=0o1777)
    yield Entry(path=_HOME, mode=0o700, uid=user.uid, gid=user.gid)
    yield from _folders(config)


def _folders(config: ImageConfig) -> Iterator[Entry]:
    """The folders that are the program's own, and the one that it starts in."""
    user = config.user
    there = {str(_TMP), str(_HOME)}
    for folder in dict.fromkeys(config.volumes):
        if folder not in there:
            yield Entry(path=PurePosixPath(folder), mode=0o755, uid=user.uid, gid=user.gid)
    if config.workdir is not None and config.workdir not in {*there, *config.volumes}:
        yield Entry(path=PurePosixPath(config.workdir), mode=0o755)


def _text(path: PurePosixPath, content: bytes) -> Entry:
    return Entry(path=path, mode=0o644, content=content)


def _passwd(user: User) -> bytes:
    lines = ["root:x:0:0:root:/root:/sbin/nologin"]
    if user.uid != 0:
        lines.append(f"nonroot:x:{user.uid}:{user.gid}:nonroot:{_HOME}:/sbin/nologin")
    return "".join(line + "\n" for line in lines).encode()


def _group(user: User) -> bytes:
    lines = ["root:x:0:"]
    if user.gid != 0:
        lines.append(f"nonroot:x:{user.gid}:")
    return "".join(line + "\n" for line in lines).encode()
