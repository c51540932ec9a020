"""What stands in the image's file tree beside the program."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rustdocker_tasks.host.layer import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rustdocker_tasks.host.program import Library
    from rustdocker_tasks.image import User

CERTIFICATES = PurePosixPath("/etc/ssl/certs/ca-certificates.crt")
PROGRAMS = PurePosixPath("/usr/local/bin")
_ZONES = PurePosixPath("/usr/share/zoneinfo")
_HOME = PurePosixPath("/home/nonroot")
# Without it glibc asks the network before the container's own /etc/hosts.
_NSSWITCH = b"passwd: files\ngroup: files\nhosts: files dns\n"


def program_entry(name: str, content: bytes) -> Entry:
    return Entry(path=PROGRAMS / name, mode=0o755, content=content)


def support_entries(
    *, user: User, certificates: bytes, zones: Mapping[str, bytes], libraries: Iterable[Library]
) -> Iterator[Entry]:
    """Return all that a program expects of a system: libraries, certificates, zones, users, `/tmp`, a home."""
    for library in libraries:
        content = library.source.read_bytes()
        yield Entry(path=PurePosixPath(library.destination), mode=0o755, content=content)
    yield _text(CERTIFICATES, certificates)
    for name, zone in zones.items():
        yield _text(_ZONES / name, zone)
    yield _text(PurePosixPath("/etc/passwd"), _passwd(user))
    yield _text(PurePosixPath("/etc/group"), _group(user))
    yield _text(PurePosixPath("/etc/nsswitch.conf"), _NSSWITCH)
    yield Entry(path=PurePosixPath("/tmp"), mode=0o1777)  # noqa: S108 - the image's own
    yield Entry(path=_HOME, mode=0o700, uid=user.uid, gid=user.gid)


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
