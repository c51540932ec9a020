"""Debian's packages: installed, unpacked into a folder beside the system, or bootstrapped into a file tree.

Only the mirror that the machine itself uses is asked.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from invoke.exceptions import Exit

from tasks.lab.cache import CACHE, made_once, say

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# What the official slim images leave out too.
_NO_DOCUMENTATION = [
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
]


def install(packages: dict[str, str]) -> None:
    """Install the packages of the programs (program -> package) that the machine lacks."""
    missing = sorted({package for program, package in packages.items() if shutil.which(program) is None})
    if not missing:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise Exit(f"the tests need {', '.join(missing)}: install with your system's packages, then try again", 1)
    say(f"installing {', '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "--quiet=2"], check=True, env=environment)
    words = ["apt-get", "install", "--quiet=2", "--yes", "--no-install-recommends", *missing]
    subprocess.run(words, check=True, env=environment, stdout=subprocess.DEVNULL)


def mirror() -> str:
    """Return the address of the Debian mirror in the machine's own apt sources."""
    words = ["apt-get", "indextargets", "--format", "$(SITE) $(ORIGIN)", "Identifier: Packages"]
    sites = subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()
    for line in sites:
        site, _, origin = line.partition(" ")
        if origin == "Debian" and "security" not in site:
            return site
    raise Exit("apt's sources name no Debian mirror: run `apt-get update`, then try again", 1)


def machine_release() -> str:
    """Return the name of the machine's own Debian release."""
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


def sources(release: str) -> str:
    return f"deb [signed-by={KEYRING}] {mirror()} {release} main"


def unpack(name: str, release: str, *packages: str) -> Path:
    """Return a folder, called `name`, that holds the files of a release's packages; nothing is installed."""

    def make(folder: Path) -> None:
        say(f"unpacking {', '.join(packages)} of Debian {release}")
        state = folder / "apt"
        for part in ("lists/partial", "cache/archives/partial"):
            (state / part).mkdir(parents=True)
        (state / "status").touch()
        (state / "sources.list").write_text(sources(release) + "\n")
        options = _apart(state)
        subprocess.run(["apt-get", "--quiet=2", *options, "update"], check=True)
        subprocess.run(["apt-get", "--quiet=2", *options, "download", *packages], check=True, cwd=state)
        for package in state.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, folder], check=True)
        shutil.rmtree(state)

    return made_once(name, make, recipe=(release, *packages))


def _apart(state: Path) -> list[str]:
    """Return the options with which apt knows nothing of the machine's own state."""
    places = {
        "Dir::Etc::SourceList": state / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache",
    }
    # As its user _apt it may not write here, and says so at length.
    return [
        *(word for key, value in places.items() for word in ("-o", f"{key}={value}")),
        "-oAPT::Sandbox::User=root",
    ]


def bootstrap(
    tree: Path, release: str, *, include: Sequence[str] = (), hooks: Sequence[str] = (), **more: str
) -> None:
    """Write a release's minimal file tree, and the packages of `include`, as the tar archive `tree`."""
    words = ["mmdebstrap", "--quiet", "--variant=minbase", f"--keyring={KEYRING}"]
    words += [f"--dpkgopt={option}" for option in _NO_DOCUMENTATION]
    words += [f"--include={','.join(include)}"] if include else []
    words += [f"--customize-hook={hook}" for hook in hooks]
    words += [f"--{key}={value}" for key, value in more.items()]
    subprocess.run([*words, release, tree, sources(release)], check=True, env={**os.environ, "TMPDIR": str(CACHE)})
