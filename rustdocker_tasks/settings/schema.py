"""The settings as a JSON Schema, for editors that know TOML. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import tomli

from rustdocker_tasks.settings.options import OPTIONS, Option, Settings
from rustdocker_tasks.settings.sources import TABLE


def cargo_toml_schema() -> dict[str, Any]:
    """Return a schema of Cargo.toml that knows our tables in it, and nothing else.

    It is of draft 2020-12 of JSON Schema, as msgspec writes it.
    """
    types = [option.type for option in OPTIONS.values()]
    properties, definitions = msgspec.json.schema_components(
        types, schema_hook=_hook, ref_template="#/$defs/{name}"
    )
    settings = {
        "type": "object",
        "properties": {
            option.key: {**schema, **_values(option)}
            for option, schema in zip(OPTIONS.values(), properties, strict=True)
        },
        "additionalProperties": False,
    }
    ours = {"properties": {"metadata": {"properties": {TABLE: {"$ref": "#/$defs/Settings"}}}}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "rustdocker-tasks in Cargo.toml",
        "type": "object",
        "properties": {"package": ours, "workspace": ours},
        "$defs": {**definitions, "Settings": settings},
    }


def _hook(kind: type) -> dict[str, Any]:
    """Values of our own types are written as text, or as a number."""
    return {"type": "string" if kind is Path else ["string", "integer"]}


def _values(option: Option) -> dict[str, Any]:
    """An example, and the default where there is one that TOML can say."""
    default = msgspec.to_builtins(getattr(Settings(), option.field), enc_hook=str)
    example = tomli.loads(f"example = {option.example}")["example"]
    return {"examples": [example], **({} if default is None else {"default": default})}
