"""Run the local cargo, and be sure that what it leaves was made of the sources at hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError
from typing import TYPE_CHECKING

from rustdocker_tasks.errors import CargoFailed
from rustdocker_tasks.host.cargo_command import build_command, clean_command, folders_command
from rustdocker_tasks.host.files import write_whole
from rustdocker_tasks.host.freshness import (
    decode_record,
    encode_record,
    inspect,
    record_build,
    record_name,
)
from rustdocker_tasks.plan.model import Toolchain
from rustdocker_tasks.process import read_output, stream_lines

if TYPE_CHECKING:
    from rustdocker_tasks.host.freshness import Unit
    from rustdocker_tasks.plan.model import CompileStep

_OUR_FOLDER = "rustdocker"


@dataclass(frozen=True, slots=True, kw_only=True)
class CargoFolders:
    """Where cargo puts things, by its own word."""

    target_dir: Path
    build_dir: Path

    @property
    def ours(self) -> Path:
        """Where this tool keeps what it makes."""
        return self.target_dir / _OUR_FOLDER


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    program: Path
    renewed: tuple[str, ...]  # packages whose artefacts were of other sources, and were dropped


def query_toolchain(folder: Path) -> Toolchain:
    """Return what the toolchain in force in `folder` can compile for; raises NoCargo, CargoFailed."""
    version = _ask(["rustc", "--version", "--verbose"], folder)
    sysroot = _ask(["rustc", "--print=sysroot"], folder)
    host = next(line.removeprefix("host: ") for line in version.splitlines() if line.startswith("host: "))
    installed = {lib.parent.name for lib in Path(sysroot.strip(), "lib", "rustlib").glob("*/lib")}
    return Toolchain(host_triple=host, installed_targets=frozenset(installed))


def query_folders(step: CompileStep) -> CargoFolders:
    """Return cargo's folders; raises NoCargo, CargoFailed."""
    answer = json.loads(_ask(folders_command(step.manifest), step.root))
    target_dir = Path(answer["target_directory"])
    # `build_directory` came with cargo 1.91; before, there was only one folder.
    return CargoFolders(target_dir=target_dir, build_dir=Path(answer.get("build_directory") or target_dir))


def compile_program(step: CompileStep, folders: CargoFolders) -> Compiled:
    """Compile the binary with the user's cargo, in the user's target folder.

    cargo's own progress and messages go to stderr. Raises NoCargo, CargoFailed, CannotWrite.
    """
    path = folders.ours / record_name(step.root)
    record = decode_record(path.read_bytes() if path.is_file() else None)
    inspection = inspect(step, build_dir=folders.build_dir, record=record)
    _drop(step, inspection.stale)
    program = _build(step)
    write_whole(path, encode_record(record_build(step, build_dir=folders.build_dir, before=inspection)))
    return Compiled(program=program, renewed=tuple(sorted({unit.package for unit in inspection.stale})))


def _drop(step: CompileStep, stale: tuple[Unit, ...]) -> None:
    if stale:
        packages = {unit.package for unit in stale}
        triples = {unit.target_triple for unit in stale if unit.target_triple is not None}
        _ask(clean_command(step, packages, triples), step.root, locked=step.locked)


def _build(step: CompileStep) -> Path:
    programs: list[Path] = []

    def on_line(line: str) -> None:
        # A build script or procedural macro may print to stdout too.
        if line.startswith("{"):
            programs.extend(_program(json.loads(line), step))

    code = stream_lines(build_command(step), folder=step.root, on_line=on_line)
    if code != 0:
        raise _cargo_failed("cargo build", code, locked=step.locked)
    return programs[-1]


def _program(message: dict[str, object], step: CompileStep) -> list[Path]:
    target = message.get("target")
    executable = message.get("executable")
    if not isinstance(target, dict) or not isinstance(executable, str):
        return []
    if target.get("name") == step.binary and "bin" in target.get("kind", ()):
        return [Path(executable)]
    return []


def _ask(argv: list[str], folder: Path, *, locked: bool = False) -> str:
    try:
        return read_output(argv, folder=folder)
    except CalledProcessError as error:
        raise _cargo_failed(" ".join(argv[:2]), error.returncode, locked=locked) from error


def _cargo_failed(command: str, code: int, *, locked: bool) -> CargoFailed:
    hint = "mend what it names, then build again"
    if locked:
        hint += "; where it says that Cargo.lock needs an update, `cargo update --workspace` makes it"
    return CargoFailed(command=command, code=code, found="its message stands above", hint=hint)
