"""Invoke tasks that turn any Cargo project into a container image.

In a project's tasks.py: `from rustdocker_tasks import ns`; or `ns = collection(root=…, …)` for a project that
lies elsewhere or has settings of its own, and `ns = workspace(root=…)` for all programs of a Cargo workspace.
"""

import sys
from typing import TYPE_CHECKING

if sys.platform == "win32":
    from rustdocker_tasks.errors import UnsupportedSystem

    # Locks of files, pseudo-terminals and signals are those of POSIX.
    raise UnsupportedSystem("Windows")

from rustdocker_tasks.collection import collection, workspace

if TYPE_CHECKING:
    from rustdocker_tasks.errors import RustDockerError

__all__ = ["RustDockerError", "collection", "ns", "workspace"]

ns = collection()


def __getattr__(name: str) -> object:
    # `invoke --list` needs no error: its module is imported when somebody asks for one.
    if name == "RustDockerError":
        from rustdocker_tasks.errors import RustDockerError

        return RustDockerError
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
