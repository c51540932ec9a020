"""Targets -> a file for `docker buildx bake`. Pure. Source: the Docker docs, "Bake file reference"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rustdocker_tasks.dockerfile.render import FIRST_LINE
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.printable import as_bake

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rustdocker_tasks.image import ImageReference


class BakeTarget(Frozen, frozen=True, kw_only=True):
    """One image. Paths are those of the bake file's folder and, for the Dockerfile, of the context."""

    name: str
    context: str
    dockerfile: str
    stage: str | None
    tags: tuple[ImageReference, ...]
    created: int  # what the image says: seconds since 1970


def render_bake_file(targets: Iterable[BakeTarget]) -> str:
    """Return its text; what bake without a word more builds is all targets."""
    named = {}
    for target in targets:
        name = re.sub("[^A-Za-z0-9_-]", "-", target.name)
        while name in named:
            name += "-"
        named[name] = target
    blocks = [f'group "default" {{\n  targets = {as_bake(list(named))}\n}}\n']
    blocks += [_block(name, target) for name, target in named.items()]
    return "\n".join([f"{FIRST_LINE}\n", *blocks])


def _block(name: str, target: BakeTarget) -> str:
    values = {
        "context": target.context,
        "dockerfile": target.dockerfile,
        **({"target": target.stage} if target.stage else {}),
        "tags": list(target.tags),
        "attest": ["type=provenance,disabled=true"],
    }
    lines = [f"  {key} = {as_bake(value)}\n" for key, value in values.items()]
    arguments = f'  args = {{ SOURCE_DATE_EPOCH = "{target.created}" }}\n'
    return f'target "{name}" {{\n{"".join(lines)}{arguments}}}\n'
