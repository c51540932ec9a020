"""Where the ports of containers are published, and reached from here. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rustdocker_tasks.engine.request import PublishedPort

_THIS_MACHINE = "127.0.0.1"
_LOOPBACK = (_THIS_MACHINE, "localhost", "::1")
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is published is reached nowhere else


def engine_host(base_url: str) -> str:
    """Return the engine's machine as it is named here; over a socket, or ssh, it is this one."""
    url = urlsplit(base_url)
    return (url.hostname or _THIS_MACHINE) if url.scheme in {"http", "https"} else _THIS_MACHINE


def port_bindings(ports: Iterable[PublishedPort], host: str) -> dict[str, list[tuple[str, int]]]:
    """Return the SDK's table of ports for an engine on `host`.

    A port for this machine alone is published on all addresses of another one, whose loopback nobody else reaches.
    """
    reached = _THIS_MACHINE if host in _LOOPBACK else _EVERYWHERE
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
                everywhere = binding["HostIp"] in {_EVERYWHERE, "::", ""}
                addresses.setdefault(port, (host if everywhere else binding["HostIp"], int(binding["HostPort"])))
    return addresses
