"""The path of `explain`: what the last build left to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.context.folder import explanation_file
from rustdocker_tasks.errors import NothingToExplain
from rustdocker_tasks.explanation import decode
from rustdocker_tasks.plan.container import require_container

if TYPE_CHECKING:
    from rustdocker_tasks.explanation import Explanation
    from rustdocker_tasks.plan.model import ImagePlan


def last_build(plan: ImagePlan) -> Explanation:
    """Return what the last build in containers did; raises BadValue on the host backend, NothingToExplain."""
    require_container(plan, "only builds in containers are explained; on the host cargo itself says all")
    path = explanation_file(plan.compile.root)
    told = decode(path.read_bytes()) if path.is_file() else None
    if told is None:
        raise NothingToExplain(path)
    return told
