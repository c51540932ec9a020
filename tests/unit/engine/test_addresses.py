"""Where ports are published and reached, by where the engine is."""

from __future__ import annotations

import pytest

from rustdocker_tasks.engine.addresses import engine_host, port_bindings, tcp_addresses
from rustdocker_tasks.engine.request import PublishedPort
from rustdocker_tasks.image_config import Port


@pytest.mark.parametrize(
    ("url", "host", "published_on"),
    [
        ("http+docker://localhost", "127.0.0.1", "127.0.0.1"),
        ("http+docker://ssh", "127.0.0.1", "127.0.0.1"),
        ("http://localhost:2375", "localhost", "127.0.0.1"),
        ("https://docker:2376", "docker", "0.0.0.0"),
    ],
)
def test_an_unasked_port_is_published_where_it_is_reached(url: str, host: str, published_on: str) -> None:
    unasked = PublishedPort(container_port=Port(80), host_address=None, host_port=80, set_by="x")
    asked = PublishedPort(container_port=Port(80), host_address="127.0.0.1", host_port=None, set_by="x")

    assert engine_host(url) == host
    assert port_bindings([unasked, asked], host) == {"80/tcp": [(published_on, 80), ("127.0.0.1", None)]}


def test_tcp_ports_alone_are_reached_at_the_engine_s_machine() -> None:
    told = {
        "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}],
        "81/tcp": [{"HostIp": "10.0.0.1", "HostPort": "81"}],
        "53/udp": [{"HostIp": "0.0.0.0", "HostPort": "53"}],
        "90/tcp": None,
    }

    assert tcp_addresses(told, "docker") == {"80/tcp": ("docker", 8080), "81/tcp": ("10.0.0.1", 81)}
