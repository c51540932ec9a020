"""Cargo's files are missing, broken or ambiguous, or cannot be sent to a build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.errors.base import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


class NoCargoToml(ProjectError):
    def __init__(self, folder: Path) -> None:
        super().__init__(
            "there is no Cargo.toml here",
            found=f"none in {folder} or a folder above it",
            set_by="the folder that the task was started in, or the root of collection() or workspace()",
            hint="change to a Cargo project, make one with `cargo init`, or name another root",
        )


class BrokenToml(ProjectError):
    def __init__(self, path: Path, *, line: int, column: int, problem: str) -> None:
        super().__init__(
            f"{path.name} is not valid TOML: {problem}",
            found=f"{path}, line {line}, column {column}",
            set_by=str(path),
            hint=f"mend line {line}; "
            + (
                "of a merge take one side, and then `cargo update --workspace`"
                if path.name == "Cargo.lock"
                else "`cargo metadata --no-deps` shows the place as cargo sees it"
            ),
        )


class BrokenManifest(ProjectError):
    def __init__(self, path: Path, problem: str, *, hint: str) -> None:
        super().__init__(
            "cargo would refuse this project",
            found=f"{problem} ({path})",
            set_by=str(path),
            hint=hint,
        )


class NoBinary(ProjectError):
    def __init__(self, manifests: Iterable[Path], *, others: Sequence[str] = ()) -> None:
        """`others` are the packages of the workspace that have binaries."""
        choice = f"run again with --package {others[0]}, or make the tasks with workspace()" if others else ""
        super().__init__(
            "this project has no binary to put into an image",
            found="no src/main.rs, no file in src/bin, no [[bin]] in "
            + ", ".join(str(m) for m in manifests)
            + (f"; of the workspace's packages {', '.join(others)} have one" if others else ""),
            set_by="Cargo's own rules for binaries",
            hint=choice or "add src/main.rs, or run the task in the package that has one",
        )


class SeveralBinaries(ProjectError):
    def __init__(self, candidates: Sequence[tuple[str, str]], *, root: Path) -> None:
        """`candidates` are (package, binary)."""
        _, first = candidates[0]
        super().__init__(
            "this project has several binaries and none is chosen",
            found=", ".join(f"`{name}` (package {package})" for package, name in candidates),
            set_by=f"nobody: {root / 'Cargo.toml'} has no default-run",
            hint=f'run again with --bin {first}, or set default-run = "{first}" in its [package]; '
            "`rustdocker init` writes a task file that builds all",
        )


class AmbiguousBinary(ProjectError):
    def __init__(self, name: str, *, packages: Sequence[str], set_by: str) -> None:
        super().__init__(
            f"several packages have a binary named `{name}`",
            found=f"the packages {', '.join(packages)}",
            set_by=set_by,
            hint=f"run again with --package {packages[0]} --bin {name}",
        )


class BinariesBehindFeatures(ProjectError):
    def __init__(self, candidates: Sequence[tuple[str, str, Sequence[str]]], *, manifest: Path) -> None:
        """`candidates` are (package, binary, the features that it needs and that are off)."""
        _, first, missing = candidates[0]
        quoted = ", ".join(f'"{name}"' for name in missing)
        super().__init__(
            "cargo would build no binary of this project: they need features that are off",
            found=", ".join(
                f"`{name}` (package {package}) needs {', '.join(f)}" for package, name, f in candidates
            ),
            set_by=f"{manifest}, required-features",
            hint=f"run again with --bin {first}, which turns them on, or with --features {','.join(missing)} "
            f"(in Cargo.toml: features = [{quoted}])",
        )


class NoSuchBinary(ProjectError):
    def __init__(
        self,
        name: str,
        *,
        candidates: Sequence[str],
        set_by: str,
        nearest: str | None,
        in_a_table: bool = False,
    ) -> None:
        """`in_a_table`: a table of settings is called so."""
        wanted = nearest or (candidates[0] if candidates else "")
        right = f"call the table {wanted}, or remove it" if in_a_table else f"run again with --bin {wanted}"
        super().__init__(
            f"there is no binary named `{name}`",
            found=", ".join(f"`{c}`" for c in candidates) or "no binary at all",
            set_by=set_by,
            hint=right if candidates else "add src/main.rs",
        )


class NoSuchPackage(ProjectError):
    def __init__(self, name: str, *, candidates: Sequence[str], set_by: str, nearest: str | None) -> None:
        super().__init__(
            f"there is no package named `{name}`",
            found=", ".join(f"`{c}`" for c in candidates),
            set_by=set_by,
            hint=f"run again with --package {nearest or candidates[0]}",
        )


class UnusableSource(ProjectError):
    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            f"a file of the project cannot be sent to the build: {problem}",
            found=str(path),
            set_by="the folder of the workspace, which the build gets as a whole",
            hint="rename it or make it readable, or name it in .dockerignore if the build does not need it",
        )


class TaskFileExists(ProjectError):
    def __init__(self, path: Path, *, needed: str, keeps: str = "") -> None:
        """`keeps` says how what is there stays in force."""
        super().__init__(
            f"there is a {path.name} already, which is not touched",
            found=str(path),
            set_by="you, or another tool",
            hint=f"add to it{keeps}:\n{needed.rstrip()}",
        )


class FileNotWritten(ProjectError):
    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            f"{path.name} could not be written",
            found=f"{path}: {problem}",
            set_by="the project's folder",
            hint="make it writable, or move away what is there",
        )


class TableExists(ProjectError):
    def __init__(self, manifest: Path, *, needed: str) -> None:
        super().__init__(
            "settings cannot be added below what Cargo.toml has, which is not touched",
            found=str(manifest),
            set_by="you, or another tool",
            hint=f"write them where its other metadata stand:\n{needed.rstrip()}",
        )


class OutdatedLock(ProjectError):
    def __init__(self, path: Path, lacks: str, *, set_by: str) -> None:
        super().__init__(
            "Cargo.lock is not up to date, and is to be used as it is",
            found=f"{path} does not have {lacks}",
            set_by=f"locked: {set_by}",
            hint="`cargo update --workspace` renews it; `locked = false` lets cargo do so in each build",
        )


class BrokenPattern(ProjectError):
    def __init__(self, path: Path, pattern: str, *, problem: str) -> None:
        super().__init__(
            f"docker would refuse this file of patterns: {problem}",
            found=f"{pattern} in {path}",
            set_by=str(path),
            hint="mend it: [a-z] is one of several characters, and \\[ is the bracket itself",
        )


class IgnoredManifest(ProjectError):
    def __init__(self, path: Path, ignore_files: Sequence[Path]) -> None:
        super().__init__(
            "what cargo asks for is kept out of the build",
            found=f"{path} is not sent",
            set_by=", ".join(map(str, ignore_files)) or "its place among folders that hold no sources",
            hint="remove the pattern that matches it, or take the package from what needs it"
            if ignore_files
            else "take the mark away (CACHEDIR.TAG or pyvenv.cfg in a folder above it, or a name such as "
            "node_modules), or take the package from what needs it",
        )


class OutsideOfContext(ProjectError):
    def __init__(self, folder: Path, *, root: Path, set_by: str) -> None:
        super().__init__(
            "the project needs a folder that a build in containers does not get",
            found=f"{folder} is outside of {root}",
            set_by=set_by,
            hint="move it into the workspace's folder, or build with --backend host",
        )


class SecretInLayer(ProjectError):
    def __init__(self, keys: Sequence[str], *, layer: str, set_by: str) -> None:
        super().__init__(
            f"what nobody else may read would be in {layer}",
            found=", ".join(keys),
            set_by=set_by,
            hint="keep a token in credentials.toml or config.toml of cargo's home, or in a variable such as "
            "CARGO_REGISTRIES_NAME_TOKEN, and a repository's password with git's credential helper: those are in "
            "no layer",
        )


class SeveralTargets(ProjectError):
    def __init__(self, triples: Sequence[str], *, set_by: str) -> None:
        super().__init__(
            "cargo's configuration names several targets, and an image holds a program for one",
            found=", ".join(triples),
            set_by=f"build.target in {set_by}",
            hint=f"run again with --target {triples[0]}",
        )


class NothingToExplain(ProjectError):
    def __init__(self, path: Path) -> None:
        super().__init__(
            "no build has left anything to explain",
            found=f"no {path}, or one of another version",
            set_by="the target folder",
            hint="`invoke build` first",
        )
