"""The words of an image: port, reference, user, configuration.

A value here is right from birth, so nobody checks it twice. Nothing here knows Cargo or an engine.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

if TYPE_CHECKING:
    from typing_extensions import Self

# Source: distribution/reference, regexp.go. Lengths: reference.go, NameTotalLengthMax, and the OCI
# distribution spec's tag grammar.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]+)?"
_NAME = rf"(?:{_HOST}/)?{_COMPONENT}(?:/{_COMPONENT})*"
_REFERENCE = re.compile(rf"(?P<name>{_NAME})(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}))?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME_LENGTH = 255
_HIGHEST_PORT = 65_535
_HIGHEST_ID = 4_294_967_294  # one less than (uid_t)-1, which means "no change" to chown(2)


class Port(str):
    """A port that the program listens on, as the OCI spec writes it: `8080/tcp`.

    Made of 8080, "8080" or "53/udp"; ValueError says what is wrong with anything else.
    """

    __slots__ = ()

    def __new__(cls, value: str | int) -> Self:
        number, slash, protocol = str(value).partition("/")
        if not _is_number(number, highest=_HIGHEST_PORT) or int(number) == 0:
            message = f"a port is a number from 1 to {_HIGHEST_PORT}"
            raise ValueError(message)
        if slash and protocol not in {"tcp", "udp", "sctp"}:
            message = "a port's protocol is tcp, udp or sctp"
            raise ValueError(message)
        return super().__new__(cls, f"{int(number)}/{protocol or 'tcp'}")

    @property
    def number(self) -> int:
        return int(self.partition("/")[0])

    @property
    def protocol(self) -> str:
        return self.partition("/")[2]


class Registry(str):
    """Where images are pushed, such as `ghcr.io/acme`: what stands before their names. ValueError otherwise."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if not re.fullmatch(rf"{_HOST}(?:/{_COMPONENT})*", str(text)):
            message = "a registry is a host name, with an optional :port and lower-case /folders"
            raise ValueError(message)
        return super().__new__(cls, text)


class ImageReference(str):
    """An image's name with its tag, such as `ghcr.io/acme/shop:1.2`.

    Without a tag it is `latest`, as docker has it. ValueError if the text is no reference.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        match = _REFERENCE.fullmatch(text)
        if match is None or len(match["name"]) > _NAME_LENGTH:
            message = "a tag is a lower-case image name with an optional :tag"
            raise ValueError(message)
        return super().__new__(cls, f"{match['name']}:{match['tag'] or 'latest'}")

    @property
    def tag(self) -> str:
        return self.rpartition(":")[2]

    @property
    def repository(self) -> str:
        return self.rpartition(":")[0]

    @property
    def registry(self) -> str | None:
        """The registry's host, `docker.io` for docker's own; None for a bare name, which nobody can push."""
        return self.full.partition("/")[0] if "/" in self else None

    @property
    def full(self) -> str:
        """The reference with the registry that docker leaves out: `docker.io/library/shop:1.2`."""
        return _with_registry(self)


class BaseImage(str):
    """An image to build on, such as `debian:trixie-slim` or `debian@sha256:…`; ValueError for anything else."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if text == "scratch":
            message = "scratch holds nothing to build on: the variants minimal and static need no base image"
            raise ValueError(message)
        name, at, digest = str(text).partition("@")
        if at and not _DIGEST.fullmatch(digest):
            message = "a digest is sha256: and 64 hex digits"
            raise ValueError(message)
        match = _REFERENCE.fullmatch(name)
        if match is None or len(match["name"]) > _NAME_LENGTH:
            message = "a base image is a lower-case image name with an optional :tag or @digest"
            raise ValueError(message)
        return super().__new__(cls, text)

    @property
    def registry(self) -> str:
        """The host that it is pulled from, `docker.io` where none is named."""
        return _with_registry(self).partition("/")[0]


def _with_registry(name: str) -> str:
    first, slash, _ = name.partition("/")
    if slash and (first == "localhost" or "." in first or ":" in first):
        return str(name)
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"


class User(str):
    """Who runs the program, as `uid:gid`. Numbers: Kubernetes' runAsNonRoot can check only those.

    Made of 1000, "1000" or "1000:1000"; the group is the user's number if missing.
    """

    __slots__ = ()

    def __new__(cls, value: str | int) -> Self:
        uid, colon, gid = str(value).partition(":")
        if not all(_is_number(n, highest=_HIGHEST_ID) for n in ((uid, gid) if colon else (uid,))):
            message = "a user is a number, or two: user:group"
            raise ValueError(message)
        return super().__new__(cls, f"{int(uid)}:{int(gid or uid)}")

    @property
    def uid(self) -> int:
        return int(self.partition(":")[0])

    @property
    def gid(self) -> int:
        return int(self.partition(":")[2])


class Signal(str):
    """A signal by its name or number, such as `SIGINT` or `2`; ValueError for anything else."""

    __slots__ = ()

    def __new__(cls, value: str | int) -> Self:
        if not re.fullmatch(r"SIG[A-Z0-9]+(?:[+-][0-9]{1,2})?|[1-9]|[1-5][0-9]|6[0-4]", str(value)):
            message = "a signal is a name such as SIGINT, or a number from 1 to 64"
            raise ValueError(message)
        return super().__new__(cls, value)


def _is_number(text: str, *, highest: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(highest)) and int(text) <= highest


def parse_env_name(text: str) -> str:
    """Return `text` if it can name an environment variable, else raise ValueError."""
    if not text or "=" in text or "\0" in text:
        message = "a variable's name is not empty and holds no `=`"
        raise ValueError(message)
    return text


class ImageConfig(Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """What the image tells an engine about running it. Keys are settings as the user writes them."""

    expose: Annotated[
        tuple[Port, ...], Meta(description="Ports the program listens on.", examples=["[8080]"])
    ] = ()
    env: Annotated[
        dict[str, str],
        Meta(description="Environment of the program.", examples=['{ RUST_LOG = "info" }']),
    ] = {}
    args: Annotated[
        tuple[str, ...],
        Meta(description="Arguments of the program, unless `run` gives others.", examples=['["--verbose"]']),
    ] = ()
    labels: Annotated[
        dict[str, str],
        Meta(
            description="Labels of the image, besides those that Cargo.toml gives.",
            examples=['{ "com.acme.team" = "shop" }'],
        ),
    ] = {}
    stop_signal: Annotated[
        Signal | None,
        Meta(description="The signal that asks the program to end, in place of SIGTERM.", examples=['"SIGINT"']),
    ] = None
    user: Annotated[
        User, Meta(description="Who runs the program: user or user:group.", examples=['"65532:65532"'])
    ] = User("65532:65532")
