"""What the engine is asked for and what it answers, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rustdocker_tasks.errors import NotHealthy, NotListening
    from rustdocker_tasks.image_config import Port


class PublishedPort(Frozen, frozen=True, kw_only=True):
    """A port of the container, and where it can be reached."""

    container_port: Port
    host_address: str | None  # of the engine's machine; None: where this machine reaches it
    host_port: int | None  # None: for the engine to choose
    set_by: str

    @property
    def short(self) -> str:
        """The container's port as a user types it: `8080`, `53/udp`."""
        return str(self.container_port).removesuffix("/tcp")


class Limits(Frozen, frozen=True, kw_only=True):
    """What is left to a container with a root that cannot be written, no capability and no new privilege."""

    memory: int  # bytes
    writable: tuple[str, ...]  # folders in memory

    @property
    def options(self) -> dict[str, Any]:
        """The same in the words of the engine's SDK."""
        return {
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "mem_limit": self.memory,
            "tmpfs": dict.fromkeys(self.writable, ""),
        }


class HealthProbe(Frozen, frozen=True, kw_only=True):
    """The image's own healthcheck, which is to succeed."""

    command: tuple[str, ...]
    set_by: str


class RunRequest(Frozen, frozen=True, kw_only=True):
    image: str  # an ID: a tag may name something else a moment later
    label: str  # how a message calls the image
    name: str  # the container's
    labels: Mapping[str, str]  # by which `stop` and `logs` find the container again
    ports: tuple[PublishedPort, ...]
    environment: Mapping[str, str]
    volumes: tuple[str, ...]
    program: str  # where the image has it
    arguments: tuple[str, ...] | None  # None: the image's own
    limits: Limits | None = None  # None: those that the engine has by itself
    health: HealthProbe | None = None  # None: nobody waits for it

    @property
    def waits_for_ports(self) -> bool:
        """Whether there are ports to connect to: of a container that has ended the engine tells none."""
        return any(port.container_port.protocol == "tcp" for port in self.ports)


class Running(Frozen, frozen=True, kw_only=True):
    """A container that was started. `addresses` are where its TCP ports can be reached from here."""

    identity: str
    name: str
    addresses: Mapping[str, tuple[str, int]]


class Health(Frozen, frozen=True, kw_only=True):
    """What an engine knows of a healthcheck."""

    succeeds: bool
    told: str | None  # how it ended last, and its last line; None: it has not ended yet


class Verdict(Frozen, frozen=True, kw_only=True):
    """What a program did in its container."""

    listens: tuple[str, ...]  # its TCP ports, such as `8080/tcp`
    exit_code: int | None  # None: it still runs
    is_healthy: bool | None  # its healthcheck has succeeded; None: nobody asked, or it has none
    problem: NotListening | NotHealthy | None
    seconds: float


class EngineFacts(Frozen, frozen=True, kw_only=True):
    """What an engine says of itself."""

    version: str
    api_version: str
    store: str  # what keeps the images: `containerd`, or a driver of the classic store
    free: int | None  # bytes on the disk of its data; None: it is another machine's
