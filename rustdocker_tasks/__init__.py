"""Invoke tasks that turn any Cargo project into a container image.

In a project's tasks.py: `from rustdocker_tasks import ns`; or `ns = collection(root=…, …)` for a project that
lies elsewhere or has settings of its own.
"""

from rustdocker_tasks.collection import collection
from rustdocker_tasks.errors import RustDockerError

__all__ = ["RustDockerError", "collection", "ns"]

ns = collection()
