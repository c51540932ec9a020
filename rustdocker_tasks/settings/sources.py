"""Where settings come from: one layer for each place, in order of precedence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.positions import key_lines, line_of
from rustdocker_tasks.errors import BrokenManifest
from rustdocker_tasks.settings.options import OPTIONS

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "rustdocker"
_PREFIX = "RUSTDOCKER_"


class Source(IntEnum):
    """The higher wins."""

    DEFAULT = 0
    WORKSPACE = 1
    PACKAGE = 2
    INVOKE = 3
    ENVIRONMENT = 4
    FLAG = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """The settings that one place gives, raw.

    `where` completes the sentence "set by …" for one of the keys. `base` is where a relative path
    starts. `is_text` marks values that are still TOML, or a bare word.
    """

    source: Source
    where: Callable[[str], str]
    base: Path
    values: Mapping[str, object]
    is_text: bool = False


def metadata_layer(metadata: object, *, source: Source, manifest: Path, text: str) -> Layer:
    """Return the layer of `[package.metadata.rustdocker]` or its workspace twin, of a manifest with this text."""
    kind = "workspace" if source is Source.WORKSPACE else "package"
    values = metadata.get(TABLE, {}) if isinstance(metadata, Mapping) else {}
    if not isinstance(values, Mapping):
        problem = f"`{kind}.metadata.{TABLE}` is not a table"
        raise BrokenManifest(manifest, problem, hint=f"write it as [{kind}.metadata.{TABLE}]")

    def where(key: str) -> str:
        line = line_of(key_lines(text), (kind, "metadata", TABLE, key))
        place = f"{manifest}, line {line}" if line else str(manifest)
        return f"{place} [{kind}.metadata.{TABLE}]"

    return Layer(source=source, where=where, base=manifest.parent, values=values)


def environment_layer(environment: Mapping[str, str], *, base: Path) -> Layer:
    """Return the layer of the RUSTDOCKER_… variables. An unknown one stays in, to be refused."""
    keys = {option.variable: key for key, option in OPTIONS.items()}
    names = {keys.get(name, name): name for name in environment if name.startswith(_PREFIX)}
    return Layer(
        source=Source.ENVIRONMENT,
        where=lambda key: f"the environment variable {names[key]}",
        base=base,
        values={key: environment[name] for key, name in names.items()},
        is_text=True,
    )
