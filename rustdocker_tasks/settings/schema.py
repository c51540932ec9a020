"""The settings as a JSON Schema, for editors that know TOML. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import tomli

from rustdocker_tasks.image_config import Port, Signal, User
from rustdocker_tasks.settings.options import OPTIONS, Option, Settings
from rustdocker_tasks.settings.sources import BINARIES, NOT_FOR_A_BINARY, NOT_FOR_A_VARIANT, TABLE
from rustdocker_tasks.variants import load_variants

if TYPE_CHECKING:
    from collections.abc import Sequence


def cargo_toml_schema() -> dict[str, Any]:
    """Return a schema of Cargo.toml that knows our tables in it, and nothing else.

    It is of draft 2020-12 of JSON Schema, as msgspec writes it.
    """
    types = [option.type for option in OPTIONS.values()]
    properties, definitions = msgspec.json.schema_components(
        types, schema_hook=_hook, ref_template="#/$defs/{name}"
    )
    settings = {
        option.key: {**schema, **_values(option)}
        for option, schema in zip(OPTIONS.values(), properties, strict=True)
    }
    of_variant = _without(settings, NOT_FOR_A_VARIANT)
    of_binary = {**_without(settings, NOT_FOR_A_BINARY), **_variant_tables()}
    tables = {"type": "object", "additionalProperties": {"$ref": "#/$defs/BinarySettings"}}
    everything = {
        **settings,
        BINARIES: {**settings[BINARIES], "anyOf": [*_types(settings[BINARIES]), tables]},
        **_variant_tables(),
    }
    definitions |= {
        "Settings": _closed(everything),
        "BinarySettings": _closed(of_binary),
        "VariantSettings": _closed(of_variant),
    }
    ours = {"properties": {"metadata": {"properties": {TABLE: {"$ref": "#/$defs/Settings"}}}}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "rustdocker-tasks in Cargo.toml",
        "type": "object",
        "properties": {"package": ours, "workspace": ours},
        "$defs": definitions,
    }


def _variant_tables() -> dict[str, Any]:
    return {name: {"$ref": "#/$defs/VariantSettings"} for name in load_variants()}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _without(properties: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if key not in keys}


def _types(schema: dict[str, Any]) -> list[Any]:
    """Take what a schema allows out of it, as alternatives."""
    alternatives: list[Any] = schema.pop("anyOf", None) or [{"type": schema.pop("type")}]
    return alternatives


def _hook(kind: type) -> dict[str, Any]:
    """Values of our own types are written as text, some of them as a number too."""
    return {"type": ["string", "integer"] if kind in {Port, Signal, User} else "string"}


def _values(option: Option) -> dict[str, Any]:
    """An example, and the default where there is one that TOML can say."""
    default = msgspec.to_builtins(getattr(Settings(), option.field), enc_hook=str)
    example = tomli.loads(f"example = {option.example}")["example"]
    return {"examples": [example], **({} if default is None else {"default": default})}
