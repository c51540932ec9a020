"""Where settings come from: one layer for each place, in order of precedence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from itertools import chain
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from rustdocker_tasks.cargo.positions import key_lines, line_of
from rustdocker_tasks.errors import BadValue, MisplacedKey, MisplacedTable, NoSuchBinary, nearest
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.settings.options import OPTIONS
from rustdocker_tasks.variants import load_variants

if TYPE_CHECKING:
    from pathlib import Path

    from rustdocker_tasks.cargo.model import Package

TABLE = "rustdocker"
_PREFIX = "RUSTDOCKER_"
# What chooses the binary and the variant cannot stand in a table for one.
NOT_FOR_A_BINARY = ("package", "bin")
NOT_FOR_A_VARIANT = (*NOT_FOR_A_BINARY, "variant", "backend", "builder")
BINARIES = "bin"  # the table of tables for binaries; as a text it is the setting
_WRONG_PLACES = (
    (TABLE,),
    ("metadata", TABLE),
    ("package", TABLE),
    ("workspace", TABLE),
    ("workspace", "package", "metadata", TABLE),
)


class Source(IntEnum):
    """The higher wins."""

    DEFAULT = 0
    WORKSPACE = 1
    PACKAGE = 2
    INVOKE = 3
    ENVIRONMENT = 4
    FLAG = 5


class Layer(Frozen, frozen=True, kw_only=True):
    """The settings that one place gives, raw.

    `where` completes the sentence "set by …" for a key, given with the tables around it. `base` is where a
    relative path starts. `is_text` marks values that are still TOML, or a bare word. What is meant for one binary
    or one variant alone stands in tables of their names, until `split` makes layers of them.
    """

    source: Source
    where: Callable[[tuple[str, ...]], str]
    base: Path
    values: Mapping[str, object]
    is_text: bool = False
    table: tuple[str, ...] = ()
    binary: str | None = None
    variant: str | None = None

    def origin(self, key: str) -> str:
        return self.where((*self.table, key))

    def counts_for(self, binary: str | None, variant: str | None) -> bool:
        return self.binary in (None, binary) and self.variant in (None, variant)

    @property
    def rank(self) -> tuple[Source, bool, bool]:
        """The higher wins: by source, then what is said for one binary, then for one variant."""
        return self.source, self.binary is not None, self.variant is not None


def split(layer: Layer) -> list[Layer]:
    """Return the layer without its tables for binaries and variants, and a layer for each of these.

    Raises BadValue for what should be a table and is none, MisplacedKey for what cannot stand in one.
    """
    if layer.is_text:
        return [layer]
    values = dict(layer.values)
    tables = values.pop(BINARIES) if isinstance(values.get(BINARIES), Mapping) else {}
    layers = _split_variants(replace(layer, values=values))
    for name, table in cast("Mapping[str, object]", tables).items():
        place = (BINARIES, name)
        own = _table(layer, place, table, refused=NOT_FOR_A_BINARY)
        layers += _split_variants(replace(layer, values=own, table=place, binary=name))
    return layers


def _split_variants(layer: Layer) -> list[Layer]:
    tables = {name: layer.values[name] for name in load_variants() if name in layer.values}
    layers = [replace(layer, values={key: value for key, value in layer.values.items() if key not in tables})]
    for name, table in tables.items():
        place = (*layer.table, name)
        own = _table(layer, place, table, refused=NOT_FOR_A_VARIANT)
        layers.append(replace(layer, values=own, table=place, variant=name))
    return layers


def _table(layer: Layer, place: tuple[str, ...], table: object, *, refused: Sequence[str]) -> Mapping[str, object]:
    """Return a table of settings; what chooses is refused in a table for what is chosen."""
    name = ".".join(place)
    if not isinstance(table, Mapping):
        raise BadValue(
            name,
            value=str(table),
            where=layer.where(place),
            problem="it is the name of a table of settings",
            example=f"[package.metadata.{TABLE}.{name}]",
        )
    choosing = next((key for key in refused if key in table), None)
    if choosing is not None:
        raise MisplacedKey(choosing, where=layer.where((*place, choosing)), table=name)
    return table


def metadata_layer(metadata: object, *, source: Source, manifest: Path, text: str) -> Layer:
    """Return the layer of `[package.metadata.rustdocker]` or its workspace twin, of a manifest with this text."""
    kind = "workspace" if source is Source.WORKSPACE else "package"
    values = metadata.get(TABLE, {}) if isinstance(metadata, Mapping) else {}
    if not isinstance(values, Mapping):
        raise BadValue(
            f"{kind}.metadata.{TABLE}",
            value=str(values),
            where=str(manifest),
            problem="it is the name of the table of settings",
            example=f"[{kind}.metadata.{TABLE}]",
        )

    def where(path: tuple[str, ...]) -> str:
        line = line_of(key_lines(text), (kind, "metadata", TABLE, *path))
        place = f"{manifest}, line {line}" if line else str(manifest)
        return f"{place} [{'.'.join((kind, 'metadata', TABLE, *path[:-1]))}]"

    return Layer(source=source, where=where, base=manifest.parent, values=values)


def require_placed(manifest: Path, text: str) -> None:
    """Refuse a table of ours that stands where cargo and we would pass over it; raises MisplacedTable."""
    if TABLE not in text:
        return
    lines = key_lines(text)
    for path in _WRONG_PLACES:
        if path in lines:
            kind = path[0] if path[0] == "workspace" else "package"
            raise MisplacedTable(
                ".".join(path), where=f"{manifest}, line {lines[path]}", right=f"{kind}.metadata.{TABLE}"
            )


def require_binaries(layers: Sequence[Layer], *, own: Package, members: Sequence[Package]) -> None:
    """Refuse a table for a binary that there is not; raises NoSuchBinary.

    A package's own tables are for its binaries, others for those of the whole project.
    """
    for layer in chain.from_iterable(map(split, layers)):
        packages = [own] if layer.source is Source.PACKAGE else members
        names = sorted(binary.name for package in packages for binary in package.binaries)
        if layer.binary is not None and layer.binary not in names:
            raise NoSuchBinary(
                layer.binary,
                candidates=names,
                set_by=layer.where(layer.table),
                nearest=nearest(layer.binary, names),
                in_a_table=True,
            )


def environment_layer(environment: Mapping[str, str], *, base: Path) -> Layer:
    """Return the layer of the RUSTDOCKER_… variables. An unknown one stays in, to be refused."""
    keys = {option.variable: key for key, option in OPTIONS.items()}
    names = {keys.get(name, name): name for name in environment if name.startswith(_PREFIX)}
    return Layer(
        source=Source.ENVIRONMENT,
        where=lambda path: f"the environment variable {names[path[-1]]}",
        base=base,
        values={key: environment[name] for key, name in names.items()},
        is_text=True,
    )
