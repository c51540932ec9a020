"""Which targets a package has: those it declares, and those cargo infers from its files. Pure.

Source: the Cargo book, "Cargo Targets"; cargo, src/workspace/parser/targets.rs.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.model import Target, TargetKind
from rustdocker_tasks.cargo.names import EDITIONS, FIRST_EDITION, binary_name_problem
from rustdocker_tasks.errors import BrokenManifest
from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rustdocker_tasks.cargo.schema import ManifestTable, PackageTable, TargetTable


class Convention(Frozen, frozen=True):
    """Where cargo looks for the targets of a kind, and the key that turns the looking off."""

    kind: TargetKind
    folder: str
    key: str  # of the array of tables, and what cargo calls the kind
    switch: str
    noun: str


CONVENTIONS = (
    Convention(TargetKind.BINARY, "src/bin", "bin", "autobins", "binary"),
    Convention(TargetKind.EXAMPLE, "examples", "example", "autoexamples", "example"),
    Convention(TargetKind.TEST, "tests", "test", "autotests", "test"),
    Convention(TargetKind.BENCHMARK, "benches", "bench", "autobenches", "bench"),
)


class PackageFiles(Frozen, frozen=True, kw_only=True):
    """The files of a package that cargo infers targets from, by their paths from the package's folder.

    `inferred` has for each of the folders what stands in it: the name of a target and its path.
    """

    exists: frozenset[str]  # of `build.rs` and the files in `src`
    inferred: Mapping[str, tuple[tuple[str, str], ...]]


def find_targets(
    path: Path, manifest: ManifestTable, package: PackageTable, *, name: str, edition: str, files: PackageFiles
) -> tuple[Target, ...]:
    """Return a package's targets: library, binaries, examples, tests, benchmarks, build script.

    `name` and `edition` are the package's, inheritance done. Raises BrokenManifest where cargo would refuse.
    """
    maker = _Maker(path, edition, files)
    library = maker.library(manifest.lib, name=name, infer=package.autolib is not False)
    targets = [library] if library else []
    for convention in CONVENTIONS:
        declared: Sequence[TargetTable] | None = getattr(manifest, convention.key)
        targets += maker.of_kind(
            convention, declared, name=name, infer=getattr(package, convention.switch), has_library=bool(library)
        )
    if not targets:
        raise BrokenManifest(
            path,
            "no targets are specified in the manifest",
            hint="add src/main.rs or src/lib.rs, or name the files in [[bin]] or [lib]",
        )
    return (*targets, *maker.build_scripts(package))


class _Maker(Frozen, frozen=True):
    manifest: Path
    edition: str
    files: PackageFiles

    def library(self, declared: TargetTable | None, *, name: str, infer: bool) -> Target | None:
        usual = "src/lib.rs" if "src/lib.rs" in self.files.exists else None
        if declared is None and (usual is None or not infer):
            return None
        table = declared
        own_name = table.name if table and table.name is not None else name.replace("-", "_")
        self._require_name(own_name, "library", "lib")
        if "-" in own_name:
            raise self._broken(f"library target names cannot contain hyphens: {own_name}", "take `_` in its place")
        place = (table.path if table else None) or usual
        legacy = f"src/{own_name}.rs"
        if place is None and self.edition == FIRST_EDITION and legacy in self.files.exists:
            place = legacy
        if place is None:
            raise self._broken(
                f"can't find library `{own_name}`", "rename its file to src/lib.rs, or set path in [lib]"
            )
        return self._target(TargetKind.LIBRARY, own_name, place, table, crate_types=self._library_types(table))

    def _library_types(self, table: TargetTable | None) -> tuple[str, ...]:
        types = self._crate_types(table)
        if types is None:
            is_macro = table is not None and (
                table.proc_macro if table.proc_macro is not None else table.proc_macro_
            )
            return ("proc-macro",) if is_macro else ("lib",)
        if {"dylib", "cdylib"} <= set(types):
            raise self._broken(
                "a library cannot set the crate type of both `dylib` and `cdylib`", "take one of them"
            )
        if "proc-macro" in types and len(types) > 1:
            raise self._broken(
                "cannot mix `proc-macro` crate type with others", "give the others a package of their own"
            )
        return types

    def of_kind(
        self,
        convention: Convention,
        declared: Sequence[TargetTable] | None,
        *,
        name: str,
        infer: bool | None,
        has_library: bool,
    ) -> Iterator[Target]:
        """Return the targets of one kind, sorted by name as cargo lists them."""
        found = list(self._found(convention, package=name))
        declarations = [
            self._declared(convention, table, found, has_library=has_library) for table in declared or ()
        ]
        made = [target for target in declarations if target is not None]
        names = {target.name for target in made}
        if len(names) < len(made):
            twice = next(t.name for t in made if [o.name for o in made].count(t.name) > 1)
            raise self._broken(
                f"found duplicate {convention.noun} name {twice}", "each target of a kind has a name of its own"
            )
        # Edition 2015 stops looking as soon as one is declared.
        if infer is None:
            infer = declared is None or self.edition != FIRST_EDITION
        if infer:
            own = {table.name for table in declared or ()}
            places = {PurePosixPath(table.path) for table in declared or () if table.path is not None}
            left = [(n, place) for n, place in found if n not in own and PurePosixPath(place) not in places]
            made += self._inferred(convention, left)
        return iter(sorted(made, key=lambda target: target.name))

    def _inferred(self, convention: Convention, left: list[tuple[str, str]]) -> list[Target]:
        made = [self._target(convention.kind, name, place, None, crate_types=("bin",)) for name, place in left]
        for target in made:
            self._require_binary_name(target)
            same = [place for name, place in left if name == target.name]
            if len(same) > 1:
                raise self._ambiguous(convention, target.name, same)
        return made

    def _found(self, convention: Convention, *, package: str) -> Iterator[tuple[str, str]]:
        if convention.kind is TargetKind.BINARY and "src/main.rs" in self.files.exists:
            yield package, "src/main.rs"
        yield from self.files.inferred.get(convention.folder, ())

    def _declared(
        self, convention: Convention, table: TargetTable, found: list[tuple[str, str]], *, has_library: bool
    ) -> Target | None:
        """Return the target; None for one without a file that cargo complains of only when it is asked for it."""
        if table.name is None:
            raise self._broken(
                f"a [[{convention.key}]] has no name", 'add name = "…" to it: each target declared needs one'
            )
        self._require_name(table.name, convention.noun, convention.key)
        place = table.path
        if place is None:
            places = [path for name, path in found if name == table.name]
            place = (
                places[0] if len(places) == 1 else self._legacy(convention, table.name, has_library=has_library)
            )
            if place is None and places and convention.kind is TargetKind.BINARY:
                raise self._ambiguous(convention, table.name, places)
        if place is None and convention.kind is not TargetKind.BINARY:
            return None
        if place is None:
            raise self._broken(
                f"can't find `{table.name}` {convention.key}",
                f"add {convention.folder}/{table.name}.rs, or set path in its [[{convention.key}]]",
            )
        types = self._crate_types(table)
        if convention.kind is TargetKind.BINARY:
            types = None
        target = self._target(convention.kind, table.name, place, table, crate_types=types or ("bin",))
        self._require_binary_name(target)
        return target

    def _legacy(self, convention: Convention, name: str, *, has_library: bool) -> str | None:
        """Where cargo once looked, and still does in edition 2015."""
        if self.edition != FIRST_EDITION:
            return None
        places: tuple[str, ...] = ()
        if convention.kind is TargetKind.BINARY:
            places = ("src/main.rs", "src/bin/main.rs")
            if not has_library:
                places = (f"src/{name}.rs", *places)
        elif convention.kind is TargetKind.BENCHMARK and name == "bench":
            places = ("src/bench.rs",)
        return next((place for place in places if place in self.files.exists), None)

    def _target(
        self,
        kind: TargetKind,
        name: str,
        place: str,
        table: TargetTable | None,
        *,
        crate_types: tuple[str, ...],
    ) -> Target:
        edition = (table.edition if table else None) or self.edition
        if edition not in EDITIONS:
            raise self._broken(f"`{edition}` is no edition", f"the editions are {', '.join(EDITIONS)}")
        return Target(
            name=name,
            kind=kind,
            path=self.manifest.parent / PurePosixPath(normpath(place)),
            crate_types=crate_types,
            edition=edition,
            required_features=tuple((table.required_features if table else None) or ()),
        )

    def build_scripts(self, package: PackageTable) -> tuple[Target, ...]:
        build = package.build
        if isinstance(build, list):
            raise self._broken("several build scripts need a nightly cargo", 'write it as build = "build.rs"')
        if build is None:
            build = "build.rs" in self.files.exists
        if build is False:
            return ()
        place = build if isinstance(build, str) else "build.rs"
        name = PurePosixPath(place).stem
        if not name:
            raise self._broken("invalid `package.build` file name", 'write it as build = "build.rs"')
        return (self._target(TargetKind.BUILD_SCRIPT, f"build-script-{name}", place, None, crate_types=("bin",)),)

    @staticmethod
    def _crate_types(table: TargetTable | None) -> tuple[str, ...] | None:
        types = None if table is None else table.crate_type if table.crate_type is not None else table.crate_type_
        return None if types is None else tuple(types)

    def _require_name(self, name: str, noun: str, key: str) -> None:
        if not name.strip():
            raise self._broken(f"{noun} target names cannot be empty", f"give {key} a name")

    def _require_binary_name(self, target: Target) -> None:
        problem = binary_name_problem(target.name) if target.kind is TargetKind.BINARY else None
        if problem:
            raise self._broken(f"the binary target name `{target.name}` is forbidden: {problem}", "rename it")

    def _ambiguous(self, convention: Convention, name: str, places: list[str]) -> BrokenManifest:
        return self._broken(
            f"cannot infer path for `{name}` {convention.key}: there are {' and '.join(places)}",
            "remove one of them, or set path",
        )

    def _broken(self, problem: str, hint: str) -> BrokenManifest:
        return BrokenManifest(self.manifest, problem, hint=hint)
