"""From layers to settings: every value typed, and its origin known."""

from __future__ import annotations

from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args, get_origin

import msgspec
import tomli
from msgspec.structs import replace

from rustdocker_tasks.cargo.features import split_features
from rustdocker_tasks.errors import BadValue, MisplacedKey, SettingsError, SeveralBadSettings, UnknownKey, nearest
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.image import CacheStore
from rustdocker_tasks.image_config import Healthcheck, parse_build_env_name, parse_env_name, parse_label_name
from rustdocker_tasks.settings.options import OPTIONS, Option, Settings
from rustdocker_tasks.settings.sources import Layer, Source, split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What checks the keys of a table.
_NAMES = {"env": parse_env_name, "build-env": parse_build_env_name, "labels": parse_label_name}
_OF_HEALTHCHECK = {field.encode_name for field in msgspec.structs.fields(Healthcheck)}
_SHOWN_AS_IT_IS = 200  # characters


class Origin(Frozen, frozen=True, kw_only=True):
    """Who set a value: the layer's rank, and words that complete "set by …"."""

    source: Source
    where: str


DEFAULT = Origin(source=Source.DEFAULT, where="the default")


class ResolvedSettings(Frozen, frozen=True, kw_only=True):
    settings: Settings
    origins: Mapping[str, Origin]  # by key; a key that nobody set is missing

    def origin(self, key: str) -> Origin:
        return self.origins.get(key, DEFAULT)


def resolve_settings(
    layers: Sequence[Layer], *, binary: str | None = None, variant: str | None = None
) -> ResolvedSettings:
    """Return the settings of all `layers` for one binary and variant; the highest source wins.

    A list replaces the lower one; a table is merged key by key. What is said for others is looked at all the same:
    raises UnknownKey, BadValue, MisplacedKey, SeveralBadSettings.
    """
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    errors: list[SettingsError] = []
    parts = [part for layer in layers for part in split(layer)]
    for layer in sorted(parts, key=lambda part: part.rank):
        for key, raw in layer.values.items():
            try:
                option = _option(key, layer)
                value = _convert(option, raw, layer)
            except SettingsError as error:
                errors.append(error)
                continue
            if not layer.counts_for(binary, variant):
                continue
            origin = Origin(source=layer.source, where=layer.origin(key))
            lower = values.get(option.field)
            if isinstance(value, dict) and isinstance(lower, dict):
                value = {**lower, **value}
                origin = replace(origin, where=f"{origin.where}, and {origins[key].where}")
            values[option.field] = value
            origins[key] = origin
    if errors:
        raise errors[0] if len(errors) == 1 else SeveralBadSettings(errors)
    return ResolvedSettings(settings=Settings(**values), origins=origins)


def _option(key: str, layer: Layer) -> Option:
    if key in OPTIONS:
        return OPTIONS[key]
    words = {name: name for name in OPTIONS}
    if layer.source is Source.ENVIRONMENT:
        words = {option.variable: option.variable for option in OPTIONS.values()}
    if key in _OF_HEALTHCHECK:
        raise MisplacedKey(key, where=layer.origin(key), belongs="healthcheck")
    near = nearest(key, words) or nearest(key.replace("_", "-"), words)
    raise UnknownKey(key, where=layer.origin(key), known=sorted(words), nearest=near)


def _convert(option: Option, raw: object, layer: Layer) -> object:
    try:
        value = parse_value(option, raw) if layer.is_text else raw
        hook = partial(_decode, base=layer.base)
        converted: Any = msgspec.convert(value, type=option.type, dec_hook=hook)
        if option.key == "features":
            converted = split_features(converted)
        for name in converted if option.key in _NAMES else ():
            _NAMES[option.key](name)
        if _holds_nul(converted):
            message = "it holds a NUL character"
            raise ValueError(message)  # noqa: TRY301 - one place turns all of them into BadValue
    except (ValueError, tomli.TOMLDecodeError) as error:
        raise BadValue(
            option.key,
            value=_shown(option, raw),
            where=layer.origin(option.key),
            problem=_problem(option, error),
            example=option.example,
        ) from error
    return converted


def parse_value(option: Option, text: object) -> object:
    """Return what a variable or flag says: a list, table, truth value or quoted text in TOML, or a bare word.

    A bare word is one item of a list; nothing at all is an empty list, or no value where there may be none.
    Raises ValueError. What is no text is taken as it is.
    """
    if not isinstance(text, str):
        return text
    declared = get_args(option.type)[0]
    shape = get_origin(declared) or declared
    if not text and (shape is tuple or type(None) in get_args(declared)):
        return [] if shape is tuple else None
    if shape is tuple and not text.startswith("["):
        return [text]
    is_quoted = len(text) > 1 and text[0] == '"' == text[-1]
    if shape not in {tuple, dict, bool} and Healthcheck not in get_args(declared) and not is_quoted:
        return text
    document = tomli.loads(f"value = {text}")
    if set(document) != {"value"}:
        message = "it is more than one value"
        raise ValueError(message)
    return document["value"]


def _decode(wanted: type[str | Path], value: object, *, base: Path) -> object:
    if wanted is Path and isinstance(value, Path):
        return base / value
    if isinstance(value, bool) or not isinstance(value, str | int):
        message = f"expected text or a number, got {type(value).__name__}"
        raise ValueError(message)  # noqa: TRY004 - msgspec turns it into its own error with the path
    if wanted is Path:
        return base / str(value)
    if wanted is CacheStore:
        return CacheStore(str(value), str(base))
    return cast("type[str]", wanted)(value)


def _holds_nul(value: object) -> bool:
    """Whether a text in the value holds what no argument, variable or path can."""
    if isinstance(value, dict):
        return any(map(_holds_nul, (*value.keys(), *value.values())))
    if isinstance(value, tuple):
        return any(map(_holds_nul, value))
    return "\0" in str(value)


def _problem(option: Option, error: Exception) -> str:
    declared = get_args(option.type)[0]
    for each in (declared, *get_args(declared)):
        if isinstance(each, type) and issubclass(each, Enum):
            return f"it is one of {', '.join(member.value for member in each)}"
    # msgspec writes where in the value it is: "… - at `$[0]`".
    return str(error).replace(" - at `$", " - at `" + option.key)


def _shown(option: Option, raw: object) -> str:
    # A value of `env` may be a secret; the names of the variables are not.
    if option.is_hidden:
        return (
            f"a table with {', '.join(sorted(map(str, raw)))}"
            if isinstance(raw, dict)
            else "a value that is not shown"
        )
    text = raw if isinstance(raw, str) else repr(raw)
    return text if len(text) <= _SHOWN_AS_IT_IS else text[:_SHOWN_AS_IT_IS] + "…"
