"""The proxies that this machine's environment names, for the steps of a build in containers."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

# Source: curl(1), "Environment"; some programs read the lower case alone, some the upper case alone.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_NAMES = (*_PROXIES, "no_proxy")


class Proxies(Frozen, frozen=True, kw_only=True):
    """What build steps are given, in both cases of each name, and the names of what no container can reach."""

    variables: Mapping[str, str]
    unreachable: tuple[str, ...]

    def secret(self) -> str:
        """Return a line for each variable; "" where there is none."""
        return "".join(f"{name}={value}\n" for name, value in self.variables.items())


def find_proxies(environment: Mapping[str, str]) -> Proxies:
    """Return the proxies of an environment; a proxy on the loopback interface is this machine's alone."""
    named = {name: environment.get(name) or environment.get(name.upper()) or "" for name in _NAMES}
    unreachable = tuple(name for name in _PROXIES if _is_loopback(named[name]))
    reached = {
        name: value
        for name, value in named.items()
        if value.strip() and name not in unreachable and value.isprintable()  # a line for each
    }
    if not reached.keys() & set(_PROXIES):
        reached = {}
    both = {case: value for name, value in reached.items() for case in (name, name.upper())}
    return Proxies(variables=both, unreachable=unreachable)


def _is_loopback(address: str) -> bool:
    try:
        host = (urlsplit(address if "://" in address else f"//{address}").hostname or "").rstrip(".")
    except ValueError:
        return False
    if host == "localhost" or host.startswith("127."):
        return True
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return False
    inner = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return ip.is_loopback or ip.is_unspecified or (inner is not None and inner.is_loopback)
