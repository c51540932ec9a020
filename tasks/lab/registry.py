"""Two registries with TLS and a password: the engines know the CA of one, of the other nobody does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from invoke.exceptions import Exit

from tasks.lab.cache import CACHE, say
from tasks.lab.debian import machine_release, unpack
from tasks.lab.engine import BRIDGE_ADDRESS, RUN
from tasks.lab.process import running

USER, PASSWORD = "tester", "lab-password"  # of the lab alone
# bcrypt, as the registry wants it.
_HTPASSWD = f"{USER}:$2b$05$wrts7SM9pDerHTeFMTB1luZxboi28BVRs9IEZTH92danxHi9YB5de\n"
_STATE = CACHE / "registry"
_SECONDS_TO_START = 20


@dataclass(frozen=True)
class Registry:
    """A registry on the lab's bridge: an engine takes one on loopback without any certificate."""

    port: int
    is_trusted: bool

    @property
    def address(self) -> str:
        return f"{BRIDGE_ADDRESS}:{self.port}"

    @property
    def folder(self) -> Path:
        return _STATE / str(self.port)

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def configuration(self) -> Path:
        return self.folder / "config.yml"

    @property
    def pid_file(self) -> Path:
        return RUN / f"registry-{self.port}.pid"


TRUSTED = Registry(5443, is_trusted=True)
UNKNOWN = Registry(5444, is_trusted=False)


def start_registries() -> None:
    for registry in (TRUSTED, UNKNOWN):
        if not _listens(registry):
            _start(registry)


def stop_registries() -> None:
    for registry in (TRUSTED, UNKNOWN):
        _end(registry)
        _certificate_of_engines(registry).unlink(missing_ok=True)


def _start(registry: Registry) -> None:
    program = unpack("registry", machine_release(), "docker-registry") / "usr/bin/docker-registry"
    say(f"starting the registry {registry.address}")
    _end(registry)
    registry.folder.mkdir(parents=True, exist_ok=True)
    RUN.mkdir(parents=True, exist_ok=True)
    _make_certificates(registry)
    (registry.folder / "htpasswd").write_text(_HTPASSWD)
    registry.configuration.write_text(_configuration(registry))
    with (registry.folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "serve", registry.configuration],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    registry.pid_file.write_text(str(process.pid))
    deadline = time.monotonic() + _SECONDS_TO_START
    while not _listens(registry):
        if process.poll() is not None or time.monotonic() > deadline:
            raise Exit(f"the lab's registry did not start: {log.name}", 1)
        time.sleep(0.05)


def _end(registry: Registry) -> None:
    pid = running(registry.pid_file, registry.configuration)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)  # it has nothing to finish
    registry.pid_file.unlink(missing_ok=True)


def _make_certificates(registry: Registry) -> None:
    import trustme

    ca = trustme.CA()
    certificate = ca.issue_cert(BRIDGE_ADDRESS)
    ca.cert_pem.write_to_path(str(registry.ca))
    certificate.private_key_and_cert_chain_pem.write_to_path(str(registry.folder / "server.pem"))
    if registry.is_trusted:
        known = _certificate_of_engines(registry)
        known.parent.mkdir(parents=True, exist_ok=True)
        ca.cert_pem.write_to_path(str(known))


def _certificate_of_engines(registry: Registry) -> Path:
    """Where every engine of a machine looks for the CA of a registry."""
    return Path("/etc/docker/certs.d") / registry.address / "ca.crt"


def _configuration(registry: Registry) -> str:
    server = registry.folder / "server.pem"
    return f"""\
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {registry.folder / "images"}}}
  delete: {{enabled: true}}
http:
  addr: {registry.address}
  tls: {{certificate: {server}, key: {server}}}
auth:
  htpasswd: {{realm: lab, path: {registry.folder / "htpasswd"}}}
"""


def _listens(registry: Registry) -> bool:
    if running(registry.pid_file, registry.configuration) is None:
        return False
    try:
        socket.create_connection((BRIDGE_ADDRESS, registry.port), timeout=1).close()
    except OSError:
        return False
    return True
