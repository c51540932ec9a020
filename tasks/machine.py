"""What the tests need of a machine besides cargo, a Docker Engine and Python."""

from __future__ import annotations

import os
import shutil
import subprocess

from invoke.exceptions import Exit

_DEBIAN_PACKAGES = {"skopeo": "skopeo"}  # program -> package


def require_tools() -> None:
    """Install from Debian's packages what is missing; where that cannot be, say what to install."""
    missing = sorted(package for program, package in _DEBIAN_PACKAGES.items() if shutil.which(program) is None)
    if not missing:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise Exit(f"the tests need {', '.join(missing)}: install with your system's packages, then try again", 1)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "--quiet"], check=True, env=environment)
    install = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends"]
    subprocess.run([*install, *missing], check=True, env=environment)
