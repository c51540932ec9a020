"""Where the ports of containers are published, and reached from here. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rustdocker_tasks.engine.request import PublishedPort

_THIS_MACHINE = "127.0.0.1"
_LOOPBACK = (_THIS_MACHINE, "localhost", "::1")
EVERYWHERE = "0.0.0.0"  # noqa: S104 - docker's own meaning of `-p 8080:8080`


def engine_host(base_url: str) -> str:
    """Return the engine's machine as it is named here; over a socket, or ssh, it is this one."""
    return (urlsplit(base_url).hostname or _THIS_MACHINE) if is_networked(base_url) else _THIS_MACHINE


def is_networked(base_url: str) -> bool:
    """Whether the SDK reaches the engine by an address of the network: its own scheme is for all else."""
    return urlsplit(base_url).scheme in {"http", "https"}


def port_bindings(ports: Iterable[PublishedPort], host: str) -> dict[str, list[tuple[str, int]]]:
    """Return the SDK's table of ports for an engine on `host`.

    A port for this machine alone is published on all addresses of another one, whose loopback nobody else reaches.
    """
    reached = _THIS_MACHINE if host in _LOOPBACK else EVERYWHERE
    bindings: dict[str, list[tuple[str, int]]] = {}
    for port in ports:
        # The SDK's type forgets that a port may be left to the engine.
        place = (port.host_address or reached, cast("int", port.host_port))
        bindings.setdefault(port.container_port, []).append(place)
    return bindings


def tcp_addresses(ports: Mapping[str, list[dict[str, str]] | None], host: str) -> dict[str, tuple[str, int]]:
    """Return where TCP ports are reached, given the engine's word on all of a container's."""
    addresses: dict[str, tuple[str, int]] = {}
    for port, bindings in ports.items():
        for binding in bindings or ():
            if port.endswith("/tcp"):
                everywhere = binding["HostIp"] in {EVERYWHERE, "::", ""}
                addresses.setdefault(port, (host if everywhere else binding["HostIp"], int(binding["HostPort"])))
    return addresses
