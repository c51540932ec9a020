"""The dependencies that a manifest declares, with what they inherit from the workspace. Pure.

Source: the Cargo book, "Specifying Dependencies" and "Workspaces"; cargo, src/workspace/parser/mod.rs.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.model import Dependency, DependencyKind
from rustdocker_tasks.cargo.names import is_requirement, name_problem
from rustdocker_tasks.cargo.schema import DependencyTable
from rustdocker_tasks.errors import BrokenManifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rustdocker_tasks.cargo.schema import Dependencies, DependencyTables, ManifestTable, WorkspaceTable

_NEWEST_TO_TAKE_BOTH_FORMS = "2021"
_OF_GIT = ("branch", "tag", "rev")


def read_dependencies(
    path: Path, manifest: ManifestTable, *, edition: str, workspace: WorkspaceTable | None, root: Path
) -> tuple[Dependency, ...]:
    """Return all dependencies of a package: of every kind, and of every platform.

    `workspace` is the table that it inherits from, None if there is none, and `root` the folder of that one.
    Raises BrokenManifest where cargo would refuse.
    """
    reader = _Reader(path, edition, workspace, root)
    found = [*reader.read(manifest, None)]
    for condition, tables in (manifest.target or {}).items():
        found += reader.read(tables, condition)
    sources: dict[str, object] = {}
    for dependency in found:
        source = (dependency.path, dependency.git, dependency.registry)
        if sources.setdefault(dependency.name, source) != source:
            raise BrokenManifest(
                path,
                f"dependency `{dependency.name}` has different sources for different platforms or uses",
                hint="give it the same source everywhere, or another name by `package`",
            )
    return tuple(found)


def patched_folders(path: Path, manifest: ManifestTable) -> tuple[Path, ...]:
    """Return the folders that [patch] and [replace] put in the place of packages."""
    tables = [*(manifest.patch or {}).values(), manifest.replace or {}]
    entries = [entry for table in tables for entry in table.values()]
    folders = [entry.path for entry in entries if isinstance(entry, DependencyTable) and entry.path is not None]
    return tuple(dict.fromkeys(_normal(path.parent / folder) for folder in folders))


def _normal(path: Path) -> Path:
    return Path(os.path.normpath(path))


class _Reader:
    def __init__(self, path: Path, edition: str, workspace: WorkspaceTable | None, root: Path) -> None:
        self._path = path
        self._edition = edition
        self._workspace = workspace
        self._root = root

    def read(self, tables: DependencyTables, condition: str | None) -> Iterator[Dependency]:
        kinds = (
            (DependencyKind.NORMAL, "dependencies", tables.dependencies, None),
            (DependencyKind.DEVELOPMENT, "dev-dependencies", tables.dev_dependencies, tables.dev_dependencies_),
            (DependencyKind.BUILD, "build-dependencies", tables.build_dependencies, tables.build_dependencies_),
        )
        for kind, key, table, old in kinds:
            if old is not None and self._edition > _NEWEST_TO_TAKE_BOTH_FORMS:
                raise self._broken(f"`{key.replace('-', '_')}` is unsupported since edition 2024", f"write {key}")
            for name, entry in self._chosen(table, old).items():
                yield self._dependency(name, entry, kind, condition)

    @staticmethod
    def _chosen(table: Dependencies | None, old: Dependencies | None) -> Dependencies:
        return table if table is not None else old or {}

    def _dependency(
        self, name: str, entry: str | DependencyTable, kind: DependencyKind, condition: str | None
    ) -> Dependency:
        if problem := name_problem(name):
            raise self._broken(f"`{name}` cannot name a dependency: {problem}", "rename it, with `package`")
        table = DependencyTable(version=entry) if isinstance(entry, str) else entry
        base = self._path.parent
        optional = table.optional or False
        if table.workspace is not None:
            table, base = self._inherited(name, table)
        if optional and kind is DependencyKind.DEVELOPMENT:
            raise self._broken(f"dev-dependencies are not allowed to be optional: `{name}`", "remove `optional`")
        self._require_source(name, table)
        default = table.default_features if table.default_features is not None else table.default_features_
        return Dependency(
            name=name,
            package=table.package or name,
            kind=kind,
            condition=condition,
            requirement=table.version,
            path=_normal(base / table.path) if table.path is not None else None,
            git=table.git,
            git_reference=next(
                ((key, value) for key in _OF_GIT if (value := getattr(table, key)) is not None), None
            ),
            registry=table.registry or table.registry_index,
            features=tuple(table.features or ()),
            default_features=default is not False,
            optional=optional,
        )

    def _inherited(self, name: str, own: DependencyTable) -> tuple[DependencyTable, Path]:
        """Return the workspace's entry with what the member adds to it, and the folder of its path."""
        if own.workspace is False:
            raise self._broken(f"`workspace` cannot be false, as in dependency `{name}`", "leave it out")
        shared = (self._workspace.dependencies or {}) if self._workspace else {}
        if name not in shared:
            raise self._broken(
                f"dependency `{name}` is to come from the workspace, which does not list it",
                f"add {name} to [workspace.dependencies] in {self._root / 'Cargo.toml'}",
            )
        entry = shared[name]
        theirs = DependencyTable(version=entry) if isinstance(entry, str) else entry
        wanted = own.default_features if own.default_features is not None else own.default_features_
        default = theirs.default_features if theirs.default_features is not None else theirs.default_features_
        # A member can switch them on; off only from edition 2024 on.
        if wanted is not None and (wanted or self._edition > _NEWEST_TO_TAKE_BOTH_FORMS):
            default = wanted
        merged = DependencyTable(
            version=theirs.version,
            path=theirs.path,
            git=theirs.git,
            branch=theirs.branch,
            tag=theirs.tag,
            rev=theirs.rev,
            registry=theirs.registry,
            registry_index=theirs.registry_index,
            package=theirs.package,
            features=[*(theirs.features or ()), *(own.features or ())],
            default_features=default,
        )
        return merged, self._root

    def _require_source(self, name: str, table: DependencyTable) -> None:
        git_keys = [key for key in _OF_GIT if getattr(table, key) is not None]
        problem = None
        if table.version is None and table.path is None and table.git is None:
            problem = "is specified without a version, a path or a Git repository"
        elif table.git is None and git_keys:
            problem = f"has the key `{git_keys[0]}`, which needs `git`"
        elif table.git is not None and table.path is not None:
            problem = "is ambiguous: only one of `git` and `path` is allowed"
        elif len(git_keys) > 1:
            problem = "is ambiguous: only one of `branch`, `tag` and `rev` is allowed"
        elif table.registry is not None and table.registry_index is not None:
            problem = "is ambiguous: only one of `registry` and `registry-index` is allowed"
        elif table.version is not None and not is_requirement(table.version):
            problem = f"asks for a version that is none: `{table.version}`"
        elif table.package is not None and name_problem(table.package):
            problem = f"names a package that cannot be: `{table.package}`"
        elif strange := next((f for f in table.features or () if "/" in f or f.startswith("dep:")), None):
            problem = f"has the feature `{strange}`, which is not the name of a feature"
        if problem:
            raise self._broken(f"dependency `{name}` {problem}", f"mend its entry in {self._path}")

    def _broken(self, problem: str, hint: str) -> BrokenManifest:
        return BrokenManifest(self._path, problem, hint=hint)
