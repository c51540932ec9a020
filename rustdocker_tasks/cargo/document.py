"""A TOML file of Cargo's, as the Struct that says what may stand in it. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import tomli

from rustdocker_tasks.errors import BrokenManifest, BrokenToml

if TYPE_CHECKING:
    from pathlib import Path

_WRONG_TYPE = re.compile("Expected `(.*)`, got `(.*)`")
_TYPES = {
    "str": "a string",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "datetime": "a date",
}


def parse_document(path: Path, text: str, wanted: Any) -> Any:
    """Return the document as a Struct; TOML 1.1, as cargo reads it. Raises BrokenToml, BrokenManifest."""
    try:
        return msgspec.convert(tomli.loads(text), type=wanted)
    except tomli.TOMLDecodeError as error:
        raise BrokenToml(path, line=error.lineno, column=error.colno, problem=error.msg) from error
    except msgspec.ValidationError as error:
        key, problem = _type_problem(str(error))
        raise BrokenManifest(path, f"`{key}` {problem}", hint=f"mend `{key}`") from error
    except RecursionError as error:
        raise BrokenManifest(
            path, "its tables are nested too deeply", hint="cargo would not read it either"
        ) from error


def require_64_bits(path: Path, key: str, value: Any) -> None:
    """Raise BrokenManifest for a number in a value, of whatever depth, that cargo cannot hold.

    Source: toml's crate, whose own value has an i64.
    """
    if isinstance(value, dict):
        for name, inner in value.items():
            require_64_bits(path, f"{key}.{name}" if key else name, inner)
    elif isinstance(value, list):
        for inner in value:
            require_64_bits(path, key, inner)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise BrokenManifest(path, f"`{key}` is {value}: numbers have 64 bits", hint=f"mend `{key}`")


def _type_problem(message: str) -> tuple[str, str]:
    """Return the key and what is wrong with its value, out of msgspec's words."""
    words, _, place = message.partition(" - at `$")
    key = place.removeprefix(".").removesuffix("`") or "the document"
    match = _WRONG_TYPE.fullmatch(words)
    if match is None:
        return key, f"is wrong: {words[:1].lower()}{words[1:]}"
    wanted = [_TYPES.get(name, name) for name in match[1].split(" | ") if name != "null"]
    return key, f"is {_TYPES.get(match[2], match[2])}, and not {' or '.join(wanted)}"
