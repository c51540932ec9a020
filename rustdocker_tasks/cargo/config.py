"""Cargo's configuration files: what each says, merged as cargo merges it. Pure.

Source: the Cargo book, "Configuration"; cargo, src/util/context/mod.rs.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from rustdocker_tasks.cargo.document import parse_document, require_64_bits
from rustdocker_tasks.cargo.model import CargoConfig, SourceConfig, TargetConfig
from rustdocker_tasks.cargo.schema import ConfigTable, EnvironmentEntry, IncludeEntry
from rustdocker_tasks.errors import BrokenManifest
from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Where a path stands in the tables; `*` is any key. Relative ones start beside the folder `.cargo`.
_PATHS = (
    ("build", "target-dir"),
    ("source", "*", "directory"),
    ("patch", "*", "*", "path"),
)


# The tables whose values may be files of the project without which nothing compiles: wrappers, linkers and their
# scripts, own targets, registries in folders.
_NAMING = ("build", "target", "source", "paths", "env", "http")
_NOT_READ = {"target-dir", "build-dir"}
# Source: the Cargo book, "Configuration", registries.<name>.token and .secret-key.
_TOKENS = {"token", "secret-key"}
_WITH_PASSWORD = re.compile(r"(?:[a-z0-9+]+://)?[^/@\s]*:[^/@\s]+@")


class ConfigFile(Frozen, frozen=True):
    """A configuration file that was read."""

    path: Path
    values: Mapping[str, Any]
    includes: tuple[IncludeEntry, ...]

    @property
    def base(self) -> Path:
        """Where its relative paths start."""
        return self.path.parent.parent


def parse_config(path: Path, text: str) -> ConfigFile:
    """Return what a configuration file says; raises BrokenToml, BrokenManifest."""
    table: ConfigTable = parse_document(path, text, ConfigTable)
    values: dict[str, Any] = parse_document(path, text, dict[str, Any])
    require_64_bits(path, "", values)
    values.pop("include", None)
    includes = tuple(IncludeEntry(path=each) if isinstance(each, str) else each for each in table.include)
    return ConfigFile(path, values, includes)


def make_config(files: Sequence[ConfigFile]) -> CargoConfig:
    """Return what the files say together, the weakest first; raises BrokenManifest where they cannot be merged."""
    merged: dict[str, Any] = {}
    for file in files:
        merged = merge(merged, _with_whole_paths(file), file.path)
    table = msgspec.convert(merged, type=ConfigTable)
    return CargoConfig(
        files=tuple(file.path for file in files),
        targets=_words(table.build.target),
        target_dir=_path(table.build.target_dir),
        rustflags=_flags(table.build.rustflags),
        rustc_wrapper=table.build.rustc_wrapper,
        by_target={
            name: TargetConfig(linker=target.linker, rustflags=_flags(target.rustflags))
            for name, target in table.target.items()
        },
        env={
            name: entry.value if isinstance(entry, EnvironmentEntry) else entry
            for name, entry in table.env.items()
        },
        registries={name: registry.index for name, registry in table.registries.items() if registry.index},
        uses_git=table.net.git_fetch_with_cli,
        sources={
            name: SourceConfig(replace_with=source.replace_with, directory=_path(source.directory))
            for name, source in table.source.items()
        },
        patches=tuple(
            Path(entry.path)
            for entries in table.patch.values()
            for entry in entries.values()
            if not isinstance(entry, str) and entry.path is not None
        ),
        profiles=frozenset(table.profile),
        overrides=tuple(path for file in files for path in _overrides(file)),
        named_files=tuple(dict.fromkeys(path for file in files for path in _named_files(file))),
        secrets=tuple(f"`{key}` in {file.path}" for file in files for key in _secrets(file.values)),
    )


def _secrets(values: Any, key: str = "") -> Iterator[str]:
    """The keys whose values are tokens, or addresses with a password.

    Variables are none: `DATABASE_URL` of a database for development is there for all to read.
    """
    if key == "env":
        return
    if isinstance(values, dict):
        for name, value in values.items():
            yield from _secrets(value, f"{key}.{name}".lstrip("."))
    elif isinstance(values, str) and (key.rpartition(".")[2] in _TOKENS or _WITH_PASSWORD.match(values)):
        yield key


def _overrides(file: ConfigFile) -> Iterator[Path]:
    for folder in file.values.get("paths", ()):
        yield Path(_whole(file.base, str(folder)))


def _named_files(file: ConfigFile) -> Iterator[Path]:
    """Whatever in the values may be the name of a file in the project; flags are taken apart.

    Whole paths are of this machine alone, and what lies above may be anything, such as the user's home.
    """
    for table in _NAMING:
        for text in _texts(file.values.get(table), is_environment=table == "env"):
            for word in re.split(r"[\s=,]+", text):
                name = re.sub("^-[A-Za-z]", "", word)
                path = Path(_whole(file.base, name))
                # `relative` in [env] often names the project's folder itself.
                if not Path(name).is_absolute() and path != file.base and path.is_relative_to(file.base):
                    yield path


def _texts(value: object, *, is_environment: bool) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, is_environment=is_environment)
    elif isinstance(value, dict) and is_environment:
        entries = (entry for entry in value.values() if isinstance(entry, dict) and entry.get("relative") is True)
        yield from (str(entry.get("value", "")) for entry in entries)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key not in _NOT_READ:
                yield from _texts(each, is_environment=False)


def merge(lower: Mapping[str, Any], higher: Mapping[str, Any], path: Path, *, key: str = "") -> dict[str, Any]:
    """Return both: tables are merged, lists joined, the higher one's last, and of values the higher one counts."""
    merged = dict(lower)
    for name, value in higher.items():
        place = f"{key}.{name}".removeprefix(".")
        other = merged.get(name)
        if other is not None and _shape(other) != _shape(value):
            raise BrokenManifest(
                path,
                f"`{place}` is {_shape(value)} here and {_shape(other)} in a configuration file above",
                hint="write both in one way",
            )
        if isinstance(value, dict):
            merged[name] = merge(other or {}, value, path, key=place)
        else:
            merged[name] = [*(other or ()), *value] if isinstance(value, list) else value
    return merged


def _shape(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    return "a list" if isinstance(value, list) else "a value"


def _with_whole_paths(file: ConfigFile) -> dict[str, Any]:
    values: Any = file.values
    for places in _PATHS:
        values = _completed(values, places, file.base)
    env: dict[str, Any] = {
        name: {**entry, "value": _whole(file.base, str(entry.get("value", "")))}
        if isinstance(entry, dict) and entry.get("relative") is True
        else entry
        for name, entry in values.get("env", {}).items()
    }
    return {**values, **({"env": env} if env else {})}


def _completed(values: Any, places: tuple[str, ...], base: Path) -> Any:
    if not places:
        return _whole(base, values) if isinstance(values, str) else values
    if not isinstance(values, dict):
        return values
    first, *rest = places
    return {
        key: _completed(value, tuple(rest), base) if first in ("*", key) else value
        for key, value in values.items()
    }


def _whole(base: Path, path: str) -> str:
    return os.path.normpath(base / path)


def _path(text: str | None) -> Path | None:
    return Path(text) if text is not None else None


def _words(value: str | Sequence[str] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def _flags(value: str | Sequence[str] | None) -> tuple[str, ...]:
    return tuple(value.split()) if isinstance(value, str) else tuple(value or ())
