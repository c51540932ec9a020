"""What the engine is asked for and what it answers, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rustdocker_tasks.image_config import Port


class PublishedPort(Frozen, frozen=True, kw_only=True):
    """A port of the container at an address of this machine. `host_port` None lets the engine choose."""

    container_port: Port
    host_address: str
    host_port: int | None
    set_by: str

    @property
    def short(self) -> str:
        """The container's port as a user types it: `8080`, `53/udp`."""
        return str(self.container_port).removesuffix("/tcp")


class RunRequest(Frozen, frozen=True, kw_only=True):
    image: str  # an ID: a tag may name something else a moment later
    label: str  # how a message calls the image
    name: str  # the container's
    labels: Mapping[str, str]  # by which `stop` and `logs` find the container again
    ports: tuple[PublishedPort, ...]
    environment: Mapping[str, str]
    volumes: tuple[str, ...]
    arguments: tuple[str, ...] | None  # None: the image's own


class Running(Frozen, frozen=True, kw_only=True):
    """A container that was started. `addresses` are where its TCP ports can be reached from here."""

    identity: str
    name: str
    addresses: Mapping[str, tuple[str, int]]
