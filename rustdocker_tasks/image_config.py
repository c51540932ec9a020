"""What an image tells an engine about running it: port, user, signal, folder, health check.

A value here is right from birth, so nobody checks it twice. Nothing here knows Cargo or an engine.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

if TYPE_CHECKING:
    from typing_extensions import Self

_HIGHEST_PORT = 65_535
_MOST_RETRIES = 2**31 - 1  # a Dockerfile's is a number of 32 bits
_HIGHEST_ID = 4_294_967_294  # one less than (uid_t)-1, which means "no change" to chown(2)
_OUR_VARIABLES = {"CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "CARGO_BUILD_BUILD_DIR"}
# Those of Linux, and the names that docker knows: of real-time signals RTMIN to RTMIN+15 and RTMAX-14 to RTMAX.
# Source: moby/sys, signal/signal_linux.go.
_SIGNAL = re.compile(
    "SIG(?:ABRT|ALRM|BUS|CHLD|CLD|CONT|FPE|HUP|ILL|INT|IO|IOT|KILL|PIPE|POLL|PROF|PWR|QUIT|SEGV|STKFLT|STOP|SYS|TERM|"
    r"TRAP|TSTP|TTIN|TTOU|URG|USR1|USR2|VTALRM|WINCH|XCPU|XFSZ|RTMIN(?:\+(?:[1-9]|1[0-5]))?|RTMAX(?:-(?:[1-9]|1[0-4]))?)"
    "|[1-9]|[1-5][0-9]|6[0-4]"
)
_LINKS = {"bin", "lib", "lib32", "lib64", "libx32", "sbin"}
_OF_THE_KERNEL = {"dev", "proc", "sys"}


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
        if not _SIGNAL.fullmatch(str(value)):
            message = "a signal is a name such as SIGINT, or a number from 1 to 64"
            raise ValueError(message)
        return super().__new__(cls, value)


class ContainerPath(str):
    """A folder or file of the image, absolute, such as `/var/lib/shop`; ValueError for anything else."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        path = PurePosixPath(str(text))
        if not path.is_absolute() or ".." in path.parts or len(path.parts) == 1:
            message = "a path in the image is absolute, without `..`, and not / itself"
            raise ValueError(message)
        top = path.parts[1]
        if top in _LINKS:
            # A copied folder would take the place of the link, and nothing would start.
            message = f"/{top} is a link to /usr/{top} in Debian: write /usr{path}"
            raise ValueError(message)
        if top in _OF_THE_KERNEL:
            message = f"what stands in /{top} is the kernel's"
            raise ValueError(message)
        return super().__new__(cls, str(PurePosixPath("/", *path.parts[1:])))


class Destination(ContainerPath):
    """Where an asset goes; one that ends in `/` is a folder, as in a Dockerfile's COPY."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        path = ContainerPath.__new__(cls, text)
        return str.__new__(cls, f"{path}/") if str(text).endswith("/") else path

    @property
    def is_folder(self) -> bool:
        return self.endswith("/")


class Duration(str):
    """A time as docker writes it, such as `30s` or `1m30s`; ValueError for anything else."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if not re.fullmatch(r"(?=.)(?:[0-9]{1,4}h)?(?:[0-9]{1,4}m)?(?:[0-9]{1,4}(?:\.[0-9]{1,3})?s)?", str(text)):
            message = "a time is written 30s, 1m30s or 1h"
            raise ValueError(message)
        return super().__new__(cls, text)

    @property
    def nanoseconds(self) -> int:
        units = {"h": 3600, "m": 60, "s": 1}
        return round(sum(float(n) * units[unit] for n, unit in re.findall(r"([0-9.]+)([hms])", self)) * 10**9)


class Healthcheck(Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """How an engine finds out whether the program works. Source: Docker, `HEALTHCHECK`."""

    command: Annotated[tuple[str, ...], Meta(min_length=1)]
    interval: Duration | None = None
    timeout: Duration | None = None
    start_period: Duration | None = None
    retries: Annotated[int, Meta(ge=1, le=_MOST_RETRIES)] | None = None


class FileMode(str):
    """Who may read, write and run a file, as `chmod` takes it: `0644`; ValueError for anything else."""

    __slots__ = ()

    def __new__(cls, text: object) -> Self:
        # TOML's 0o644 comes as the number 420, of which nobody knows any more how it was written.
        if not isinstance(text, str) or not re.fullmatch("0?[0-7]{3,4}", text):
            message = 'a mode is written in octal, as a text: "0644"'
            raise ValueError(message)
        return super().__new__(cls, text)

    @property
    def bits(self) -> int:
        return int(self, 8)


class Asset(Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A file of the user's for the image, or those of a folder or pattern."""

    source: Path
    destination: Destination
    mode: FileMode | None = None


def _is_number(text: str, *, highest: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(highest)) and int(text) <= highest


def parse_env_name(text: str) -> str:
    """Return `text` if it can name an environment variable, else raise ValueError."""
    if not text or "=" in text or "\0" in text:
        message = "a variable's name is not empty and holds no `=`"
        raise ValueError(message)
    return text


def parse_label_name(text: str) -> str:
    """Return `text` if it can name a label, which docker ends at the first `=`, else raise ValueError."""
    if not text or "=" in text:
        message = "a label's name is not empty and holds no `=`"
        raise ValueError(message)
    return text


def parse_build_env_name(text: str) -> str:
    """Return `text` if it can name a variable of cargo's that is not ours to set, else raise ValueError."""
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", text):
        message = "a variable's name is made of letters, digits and _"
        raise ValueError(message)
    if text in _OUR_VARIABLES:
        message = f"{text} says where cargo's files are, which is decided here"
        raise ValueError(message)
    return text


class ImageConfig(Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """What the image tells an engine about running it. Keys are settings as the user writes them."""

    expose: Annotated[
        tuple[Port, ...], Meta(description="Ports the program listens on.", examples=["[8080]"])
    ] = ()
    env: Annotated[
        dict[str, str],
        Meta(
            description="Environment of the program.",
            examples=['{ RUST_LOG = "info" }'],
            extra={"hidden": True},
        ),
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
    workdir: Annotated[
        ContainerPath | None,
        Meta(description="The folder that the program starts in.", examples=['"/srv/shop"']),
    ] = None
    volumes: Annotated[
        tuple[ContainerPath, ...],
        Meta(description="Folders of the program's own data; its user owns them.", examples=['["/var/lib/shop"]']),
    ] = ()
    healthcheck: Annotated[
        Healthcheck | None,
        Meta(
            description="The command, without a shell, that says whether the program works.",
            examples=['{ command = ["/usr/local/bin/shop", "--check"], interval = "30s" }'],
        ),
    ] = None
    user: Annotated[
        User, Meta(description="Who runs the program: user or user:group.", examples=['"65532:65532"'])
    ] = User("65532:65532")
