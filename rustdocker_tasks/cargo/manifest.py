"""One Cargo.toml: from its text to a `Package`, with what it inherits from its workspace.

Source of every rule: the Cargo book, "The Manifest Format" and "Workspaces"; checked against
`cargo metadata` of cargo 1.95 in tests/cargo.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, cast

import tomli

from rustdocker_tasks.cargo.model import Binary, Package
from rustdocker_tasks.errors import BrokenManifest, BrokenToml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

Table = Mapping[str, object]

_DEPENDENCY_TABLES = ("dependencies", "dev-dependencies", "build-dependencies")
_FIRST_EDITION = "2015"


def parse_toml(path: Path, text: str) -> Table:
    """Return the document; BrokenToml names line and column. TOML 1.1, as cargo reads it."""
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise BrokenToml(path, line=error.lineno, column=error.colno, problem=error.msg) from error


def parse_lock(path: Path, text: str) -> frozenset[str]:
    """Return the names of the packages in a lock file, of any version of its format."""
    return frozenset(str(entry.get("name")) for entry in _tables(path, parse_toml(path, text), "package"))


def table(path: Path, parent: Table, key: str) -> Table:
    """Return the table at `key`, empty if there is none; BrokenManifest if it is something else."""
    value = parent.get(key, {})
    if not isinstance(value, Mapping):
        raise BrokenManifest(path, f"`{key}` is not a table", hint=f"write it as a table: [{key}]")
    return cast("Table", value)


def parse_package(
    path: Path, document: Table, *, workspace: Table, workspace_root: Path, sources: Collection[PurePosixPath]
) -> Package:
    """Return the package that `document` describes.

    `workspace` is the root's [workspace] table, empty if there is none. `sources` are the files under the
    package's `src` folder, relative to the package, as binaries are inferred from them.
    """
    package = table(path, document, "package")
    name = _text(path, package, "name")
    if name is None:
        raise BrokenManifest(path, "[package] has no name", hint='add name = "…" to [package]')
    inherited = table(path, workspace, "package")
    version = _inheritable(path, package, inherited, "version") or "0.0.0"
    edition = _inheritable(path, package, inherited, "edition") or _FIRST_EDITION
    return Package(
        name=name,
        version=version,
        manifest=path,
        binaries=tuple(
            _binaries(path, document, name=name, first_edition=edition == _FIRST_EDITION, sources=sources)
        ),
        default_run=_text(path, package, "default-run"),
        path_dependencies=tuple(
            dict.fromkeys(_path_dependencies(path, document, workspace=workspace, workspace_root=workspace_root))
        ),
        metadata=table(path, package, "metadata"),
    )


def _text(path: Path, parent: Table, key: str) -> str | None:
    value = parent.get(key)
    if value is None or isinstance(value, str):
        return value
    raise BrokenManifest(path, f"`{key}` is not a string", hint=f'write it as {key} = "…"')


def _inheritable(path: Path, package: Table, inherited: Table, key: str) -> str | None:
    value = package.get(key)
    if not isinstance(value, Mapping):
        return _text(path, package, key)
    if value.get("workspace") is not True or key not in inherited:
        problem = f"`{key}` is to come from the workspace, which does not set it"
        raise BrokenManifest(path, problem, hint=f"add {key} to [workspace.package] in the root Cargo.toml")
    return _text(path, inherited, key)


def _binaries(
    path: Path, document: Table, *, name: str, first_edition: bool, sources: Collection[PurePosixPath]
) -> Iterator[Binary]:
    declared = [_declared_binary(path, entry) for entry in _tables(path, document, "bin")]
    yield from (binary for binary, _ in declared)
    package = table(path, document, "package")
    # Edition 2015 stops inferring as soon as one binary is declared.
    infer = package.get("autobins", not (first_edition and declared))
    if infer is False:
        return
    names = {binary.name for binary, _ in declared}
    paths = {source for _, source in declared}
    for inferred, source in sorted(_inferred(name, sources).items()):
        if inferred not in names and source not in paths:
            yield Binary(name=inferred)


def _tables(path: Path, document: Table, key: str) -> list[Table]:
    value = document.get(key, [])
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        raise BrokenManifest(path, f"`{key}` is not an array of tables", hint=f"write it as [[{key}]]")
    return cast("list[Table]", value)


def _declared_binary(path: Path, entry: Table) -> tuple[Binary, PurePosixPath | None]:
    name = _text(path, entry, "name")
    if name is None:
        raise BrokenManifest(path, "a [[bin]] has no name", hint='add name = "…" to it')
    features = entry.get("required-features", [])
    if not isinstance(features, list):
        raise BrokenManifest(path, "`required-features` is not a list", hint='write it as ["feature"]')
    source = _text(path, entry, "path")
    return (
        Binary(name=name, required_features=tuple(str(feature) for feature in features)),
        PurePosixPath(source) if source else None,
    )


def _inferred(package: str, sources: Collection[PurePosixPath]) -> dict[str, PurePosixPath]:
    found = {}
    for source in sources:
        match source.parts:
            case ("src", "main.rs"):
                found[package] = source
            case ("src", "bin", file) if source.suffix == ".rs":
                found[file.removesuffix(".rs")] = source
            case ("src", "bin", folder, "main.rs"):
                found[folder] = source
    return found


def _path_dependencies(path: Path, document: Table, *, workspace: Table, workspace_root: Path) -> Iterator[Path]:
    shared = table(path, workspace, "dependencies")
    for dependencies in _dependency_tables(path, document):
        for name, value in dependencies.items():
            if not isinstance(value, Mapping):
                continue
            if value.get("workspace") is True:
                value, base = shared.get(name), workspace_root  # noqa: PLW2901 - the entry it stands for
            else:
                base = path.parent
            if isinstance(value, Mapping) and isinstance(folder := value.get("path"), str):
                yield Path(os.path.normpath(base / folder))


def _dependency_tables(path: Path, document: Table) -> Iterator[Table]:
    targets = table(path, document, "target")
    for parent in (document, *(table(path, targets, key) for key in targets)):
        for key in _DEPENDENCY_TABLES:
            yield table(path, parent, key)
    patches = table(path, document, "patch")
    for source in patches:
        yield table(path, patches, source)
    yield table(path, document, "replace")
