"""A current Docker Engine beside the machine's own, and buildx for both."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from invoke.exceptions import Exit

from tasks.lab.cache import CACHE, say
from tasks.lab.debian import install, unpack
from tasks.lab.process import running

RUN = Path("/run/rustdocker-lab")
SOCKET = RUN / "docker.sock"
HOST = f"unix://{SOCKET}"
BRIDGE = "rdlab0"
BRIDGE_ADDRESS = "172.29.77.1"
# A bridge that was given no address takes the lowest of its containers', another one as they come and go: those
# that run send to the old one, and have no network, until they ask again. Docker gives its own bridges one.
_BRIDGE_MAC_ADDRESS = "02:42:ac:1d:4d:01"
STATE = CACHE / "engine"
_SECONDS_TO_START = 60
_SECONDS_TO_STOP = 20


def start_buildx() -> None:
    """Give the user the buildx plugin, if he has none."""
    if subprocess.run(["docker", "buildx", "version"], capture_output=True, check=False).returncode == 0:
        return
    folder = unpack("buildx", "sid", "docker-buildx")
    plugins = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "cli-plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    shutil.copy2(folder / "usr/libexec/docker/cli-plugins/docker-buildx", plugins)


def start_engine() -> None:
    """Start the engine, unless it answers."""
    if _answers():
        return
    install({"runc": "runc", "iptables": "iptables"})
    programs = unpack("engine", "sid", "docker.io", "docker-cli", "containerd")
    say("starting the engine")
    stop_engine()
    RUN.mkdir(parents=True, exist_ok=True)
    STATE.mkdir(parents=True, exist_ok=True)
    _make_bridge()
    configuration = RUN / "daemon.json"
    configuration.write_text(json.dumps(_configuration()))
    path = f"{programs}/usr/bin:{programs}/usr/sbin:{os.environ['PATH']}"
    with (RUN / "engine.log").open("wb") as log:
        engine = subprocess.Popen(
            [programs / "usr/sbin/dockerd", "--config-file", configuration],
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + _SECONDS_TO_START
    while not _answers():
        if engine.poll() is not None or time.monotonic() > deadline:
            raise Exit(f"the lab's engine did not start: {log.name}", 1)
        time.sleep(0.1)


def stop_engine() -> None:
    """End the engine that the lab started, and remove what it left: pid file, socket, bridge."""
    pid = pid_of_engine()
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _SECONDS_TO_STOP
        while pid_of_engine() is not None:
            if time.monotonic() > deadline:
                raise Exit(f"the lab's engine (pid {pid}) does not end", 1)
            time.sleep(0.1)
    for name in ("engine.pid", SOCKET.name):
        (RUN / name).unlink(missing_ok=True)
    subprocess.run(["ip", "link", "delete", BRIDGE], capture_output=True, check=False)


def pid_of_engine() -> int | None:
    """Return the pid of the lab's engine, None where it does not run."""
    return running(RUN / "engine.pid", RUN / "daemon.json")


def _answers() -> bool:
    words = ["docker", "--host", HOST, "version"]
    return SOCKET.exists() and subprocess.run(words, capture_output=True, check=False).returncode == 0


def _make_bridge() -> None:
    subprocess.run(["ip", "link", "add", BRIDGE, "address", _BRIDGE_MAC_ADDRESS, "type", "bridge"], check=True)
    subprocess.run(["ip", "address", "add", f"{BRIDGE_ADDRESS}/24", "dev", BRIDGE], check=True)
    subprocess.run(["ip", "link", "set", BRIDGE, "up"], check=True)


def _configuration() -> dict[str, object]:
    return {
        "data-root": str(STATE),
        "exec-root": str(RUN / "exec"),
        "pidfile": str(RUN / "engine.pid"),
        "hosts": [HOST],
        "bridge": BRIDGE,
        "features": {"containerd-snapshotter": True},
    }
