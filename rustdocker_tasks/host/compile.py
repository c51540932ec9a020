"""Run the local cargo, and be sure that what it leaves was made of the sources at hand."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import deque
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from subprocess import CalledProcessError
from typing import TYPE_CHECKING
from urllib.parse import unquote

from rustdocker_tasks.errors import CannotWrite, CargoFailed, CompileError, LacksPackage
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.host.cargo_command import build_command, clean_command, folders_command
from rustdocker_tasks.host.freshness import (
    decode_record,
    encode_record,
    inspect,
    make_scope,
    record_build,
    record_name,
)
from rustdocker_tasks.host.units import features_of
from rustdocker_tasks.inputs.files import write_whole
from rustdocker_tasks.inputs.lock import locked
from rustdocker_tasks.plan.missing import find_missing
from rustdocker_tasks.plan.model import Toolchain
from rustdocker_tasks.process import read_output, stream_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rustdocker_tasks.host.freshness import Record, Scope
    from rustdocker_tasks.host.units import Unit
    from rustdocker_tasks.plan.missing import Missing
    from rustdocker_tasks.plan.model import CargoCall, CompileGroup, CompileStep
    from rustdocker_tasks.progress import Say

_OUR_FOLDER = "rustdocker"
_LOCK = "sources-lock"
_PROGRAMS = "programs"
_REMEMBERED = 5_000  # lines; a build script that fails can write hundreds
_ATTEMPTS = 10
# Source: the release notes of cargo 1.74, "Stabilized the --keep-going build flag".
_KEEPS_GOING = (1, 74)


class CargoFolders(Frozen, frozen=True, kw_only=True):
    """Where cargo puts things, by its own word."""

    target_dir: Path
    build_dir: Path

    @property
    def ours(self) -> Path:
        """Where this tool keeps what it makes."""
        return self.target_dir / _OUR_FOLDER


class Compiled(Frozen, frozen=True, kw_only=True):
    """What became of a group's programs, in its order.

    A program is a copy, made before another cargo could put something else in its place; the first is the one
    that the image runs.
    """

    programs: tuple[tuple[Path, ...] | CompileError, ...]  # for each image
    renewed: tuple[str, ...]  # packages whose artefacts were of other sources, and were dropped


class _Artefacts(Frozen, frozen=True, kw_only=True):
    """What cargo said that it made."""

    programs: dict[int, tuple[Path, ...]]  # by the image's number in the group
    triple: str | None
    path_packages: dict[str, frozenset[Path]]  # folders by name
    code: int  # cargo's exit code
    output: Sequence[str]  # the last lines that cargo showed
    is_disturbed: bool  # a program is not the one that cargo told of


def query_toolchain(folder: Path, environment: Mapping[str, str]) -> Toolchain:
    """Return what the toolchain in force in `folder` can compile for; raises NoCargo, CargoFailed.

    `environment` is what cargo's has besides the usual one.
    """
    whole = {**os.environ, **environment}
    version = _ask(["rustc", "--version", "--verbose"], folder, environment=whole)
    sysroot = _ask(["rustc", "--print=sysroot"], folder, environment=whole)
    host = next(line.removeprefix("host: ") for line in version.splitlines() if line.startswith("host: "))
    installed = {lib.parent.name for lib in Path(sysroot.strip(), "lib", "rustlib").glob("*/lib")}
    return Toolchain(host_triple=host, installed_targets=frozenset(installed))


def query_folders(call: CargoCall) -> CargoFolders:
    """Return cargo's folders; raises NoCargo, CargoFailed."""
    answer = json.loads(_ask_of(call, folders_command(call.manifest)))
    target_dir = Path(answer["target_directory"])
    # `build_directory` came with cargo 1.91; before, there was only one folder.
    return CargoFolders(target_dir=target_dir, build_dir=Path(answer.get("build_directory") or target_dir))


def keeps_going(step: CompileStep) -> bool:
    """Whether the cargo that the step is for can compile other programs where one fails: since 1.74.

    Raises NoCargo, CargoFailed.
    """
    version = re.match(r"cargo (\d+)\.(\d+)", _ask_of(step, ["cargo", "--version"]))
    return version is not None and (int(version[1]), int(version[2])) >= _KEEPS_GOING


@contextmanager
def compiled_programs(group: CompileGroup, folders: CargoFolders, *, say: Say) -> Iterator[Compiled]:
    """Compile the binaries with the user's cargo in the user's target folder, and hand them over.

    cargo's own progress and messages go to stderr.
    Raises NoCargo, UnknownCargoLayout, CannotWrite, and CargoFailed where it does not even begin to compile.
    """
    steps = [image.compile for image in group.images]
    step = steps[0]
    with only_one(folders.ours, say=say), _own_folder(folders.ours) as own:
        record = read_record(folders, step.root)
        scope = make_scope(
            steps,
            profile_folder=step.profile_folder,
            target_dir=folders.target_dir,
            build_dir=folders.build_dir,
            record=record,
        )
        while True:
            inspection = inspect(scope, build_dir=folders.build_dir, record=record)
            drop_stale(steps, step.profile, scope, inspection.stale)
            made = _build_undisturbed(group, folders, own)
            wider = scope.including(made.path_packages, made.triple)
            if wider == scope or not made.programs:
                break
            # Cargo compiled from folders that were not looked at before: once more, with them.
            scope = wider
        after = record_build(
            scope,
            build_dir=folders.build_dir,
            before=inspection,
            triple=made.triple if made.programs else record.triple,
            made={steps[number].package for number in made.programs},
        )
        write_record(folders, step.root, after)
        missing = find_missing(made.output) if made.code else None
        is_one = len(steps) - len(made.programs) == 1
        yield Compiled(
            programs=tuple(
                made.programs.get(number) or _failure(made.code, missing, each, is_one=is_one)
                for number, each in enumerate(steps)
            ),
            renewed=tuple(sorted({unit.package for unit in inspection.stale})),
        )


def read_record(folders: CargoFolders, root: Path) -> Record:
    """Return what earlier builds of a project knew, nothing where that is not there or cannot be read."""
    path = folders.ours / record_name(root)
    return decode_record(path.read_bytes() if path.is_file() else None)


def write_record(folders: CargoFolders, root: Path, record: Record) -> None:
    """Leave it to the next build of the project; raises CannotWrite."""
    write_whole(folders.ours / record_name(root), encode_record(record))


def only_one(folder: Path, *, say: Say) -> AbstractContextManager[None]:
    """Let one build at a time judge and change the artefacts of a target folder; raises CannotWrite."""
    return locked(folder / _LOCK, say=say)


@contextmanager
def _own_folder(folder: Path) -> Iterator[Path]:
    """An empty folder for the block, whatever a build that was killed left in it."""
    own = folder / _PROGRAMS
    try:
        if own.exists():
            shutil.rmtree(own)
        own.mkdir()
    except OSError as error:
        raise CannotWrite(own, error.strerror or str(error)) from error
    try:
        yield own
    finally:
        shutil.rmtree(own)


def drop_stale(calls: Sequence[CargoCall], profile: str, scope: Scope, stale: tuple[Unit, ...]) -> None:
    """Drop units that were made of other sources; raises NoCargo, CargoFailed."""
    ours = {package.name for call in calls for package in call.sources} | scope.vendored
    packages = {unit.package for unit in stale}
    if packages & ours:
        # Named also where only cargo's configuration names it: `cargo clean` does not look there.
        triples = [triple for triple in scope.triples if triple is not None]
        _ask_of(calls[0], clean_command(calls[0], profile, packages & ours, triples))
    for unit in stale:
        # What only an earlier build told of may be no package any more, and then `cargo clean` refuses its name.
        if unit.package not in ours:
            shutil.rmtree(unit.path, ignore_errors=True)


def _build_undisturbed(group: CompileGroup, folders: CargoFolders, own: Path) -> _Artefacts:
    """Build, again where another cargo put its own program in the place of one that was yet to be copied."""
    for _ in range(_ATTEMPTS):
        made = _build(group, folders, own)
        if not made.is_disturbed:
            return made
    raise CargoFailed(
        command="cargo build",
        code=made.code,
        found=f"another cargo puts programs with other features into {folders.target_dir}, again and again",
        hint="end the other build, or give it another folder by CARGO_TARGET_DIR",
    )


def _build(group: CompileGroup, folders: CargoFolders, own: Path) -> _Artefacts:
    steps = [image.compile for image in group.images]
    made: dict[int, dict[str, Path]] = {number: {} for number in range(len(steps))}
    triples: list[str | None] = []
    packages: dict[str, frozenset[Path]] = {}
    others: list[Path] = []

    def on_line(line: str) -> None:
        message = _message(line)
        if message.get("reason") != "compiler-artifact":
            return
        name, manifest = _path_package(str(message["package_id"])), Path(str(message["manifest_path"]))
        if name:
            packages[name] = packages.get(name, frozenset()) | {manifest.parent}
        for number, step in enumerate(steps):
            if executable := _executable(message, step):
                # At once: while cargo runs it holds its lock. It may have ended, though, and another have begun.
                made[number][executable.name], inode = _copy(executable, own / str(number))
                if features_of(executable, inode) not in (None, message.get("features")):
                    others.append(executable)
                triples.append(_triple(executable, folders.target_dir))

    environment = _environment(group.first.compile)
    root = group.first.compile.root
    output: deque[str] = deque(maxlen=_REMEMBERED)
    code = stream_lines(
        build_command(group),
        folder=root,
        environment=environment,
        on_line=on_line,
        on_error_line=output.append,
    )
    return _Artefacts(
        programs={
            number: tuple(made[number][name] for name in step.binaries)
            for number, step in enumerate(steps)
            if made[number].keys() >= {*step.binaries}
        },
        triple=triples[-1] if triples else None,
        path_packages=packages,
        code=code,
        output=tuple(output),
        is_disturbed=bool(others),
    )


def _copy(executable: Path, own: Path) -> tuple[Path, int]:
    """Return the copy, and the inode of what was copied."""
    copied = own / executable.name
    try:
        own.mkdir(exist_ok=True)
        with executable.open("rb") as source, copied.open("wb") as target:
            shutil.copyfileobj(source, target)
            status = os.fstat(source.fileno())
        copied.chmod(status.st_mode)
    except OSError as error:
        raise CannotWrite(own, error.strerror or str(error)) from error
    return copied, status.st_ino


def _message(line: str) -> dict[str, object]:
    """Return cargo's message; a procedural macro may print anything to stdout, and that is none."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _path_package(package_id: str) -> str | None:
    """Return the name in an ID such as `path+file:///src/shop#0.1.0` or `path+file:///src/a#shop@0.1.0`.

    Source: the Cargo book, "Package ID Specifications".
    """
    url, _, fragment = package_id.partition("#")
    if not url.startswith("path+"):
        return None
    return fragment.rpartition("@")[0] or unquote(url.rpartition("/")[2])


def _executable(message: dict[str, object], step: CompileStep) -> Path | None:
    target, executable = message.get("target"), message.get("executable")
    is_ours = isinstance(target, dict) and target.get("name") in step.binaries and "bin" in target.get("kind", ())
    if not is_ours or not isinstance(executable, str) or not step.manifest.samefile(str(message["manifest_path"])):
        return None
    return Path(executable)


def _triple(executable: Path, target_dir: Path) -> str | None:
    """Return the triple in `target/<triple>/<profile>/<program>`, None in `target/<profile>/<program>`."""
    parts = executable.relative_to(target_dir).parts if executable.is_relative_to(target_dir) else ()
    return parts[0] if len(parts) == len(("triple", "profile", "program")) else None


def _environment(call: CargoCall) -> dict[str, str]:
    return {**os.environ, **call.environment}


def _ask_of(call: CargoCall, argv: list[str]) -> str:
    return _ask(argv, call.root, environment=_environment(call), locked=call.locked)


def _ask(
    argv: list[str], folder: Path, *, environment: Mapping[str, str] | None = None, locked: bool = False
) -> str:
    try:
        return read_output(argv, folder=folder, environment=environment)
    except CalledProcessError as error:
        raise _cargo_failed(" ".join(argv[:2]), error.returncode, locked=locked) from error


def _failure(code: int, missing: Missing | None, step: CompileStep, *, is_one: bool) -> CompileError:
    """Return the error of a program that was not made: by what it lacked, as far as that is understood.

    Where it is not the only one, what was lacked may have been another's.
    """
    if missing is not None and (is_one or missing.crate == step.package):
        return LacksPackage(missing.what, crate=missing.crate, packages=missing.packages, on_host=True)
    return _cargo_failed("cargo build", code, locked=step.locked)


def _cargo_failed(command: str, code: int, *, locked: bool) -> CargoFailed:
    hint = "mend what it names, then build again"
    if locked:
        hint += "; where it says that Cargo.lock needs an update, `cargo update --workspace` makes it"
    return CargoFailed(command=command, code=code, found="its message stands above", hint=hint)
