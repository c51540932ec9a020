"""Every error a user can see, one class per cause; the texts live here and nowhere else.

    RustDockerError
    ├── SettingsError   64   a flag, variable or key says something that cannot be
    ├── ProjectError    65   Cargo's files are missing, broken or ambiguous
    ├── CompileError    66   cargo is missing or did not compile the program
    ├── ImageError      67   the compiled program cannot become this image
    ├── EngineError     68   the engine is missing, refused, or went away
    └── DefectError     70   a defect of this tool

An error has four parts: what is wrong, what was found and where, who set it, what to type next.
Nothing secret goes in: values of `env` and whole command lines never do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

# The shell's own convention: 128 + the signal's number.
INTERRUPTED = 130
TERMINATED = 143


class RustDockerError(Exception):
    """An error in four parts; `str()` of it is what the user reads."""

    exit_code: ClassVar[int]

    def __init__(self, what: str, *, found: str, set_by: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.found = found
        self.set_by = set_by
        self.hint = hint

    def __str__(self) -> str:
        parts = (("found", self.found), ("set by", self.set_by), ("hint", self.hint))
        return printable("\n".join([self.what, *(_part(name, text) for name, text in parts)]))


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the one of `names` that `name` is most likely a slip of, if any is close."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(names), n=1)), None)


def printable(text: str) -> str:
    """Return `text` with control characters escaped: names in files may hold a terminal's commands."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def _part(name: str, text: str) -> str:
    return f"  {name}: " + text.replace("\n", "\n    ")


class SettingsError(RustDockerError):
    exit_code = 64


class ProjectError(RustDockerError):
    exit_code = 65


class CompileError(RustDockerError):
    exit_code = 66


class ImageError(RustDockerError):
    exit_code = 67


class EngineError(RustDockerError):
    exit_code = 68


class DefectError(RustDockerError):
    exit_code = 70  # EX_SOFTWARE of sysexits.h


class Unexpected(DefectError):
    def __init__(self, error: Exception) -> None:
        """The error's own text stays out: nobody knows what is in it."""
        super().__init__(
            "rustdocker-tasks met something that it does not know how to handle",
            found=type(error).__name__,
            set_by="a defect of rustdocker-tasks, or something odd in the project or on this machine",
            hint="run again as `invoke --debug …` for the whole story, and report it",
        )


class UnknownKey(SettingsError):
    def __init__(self, key: str, *, where: str, known: Sequence[str], nearest: str | None) -> None:
        super().__init__(
            f"there is no setting `{key}`",
            found=key,
            set_by=where,
            hint=f"did you mean `{nearest}`?" if nearest else f"the settings are: {', '.join(known)}",
        )


class BadValue(SettingsError):
    def __init__(self, key: str, *, value: str, where: str, problem: str, example: str) -> None:
        super().__init__(
            f"`{key}` cannot take this value: {problem}",
            found=value,
            set_by=where,
            hint=f"write it like {example}",
        )


class BadFlag(SettingsError):
    def __init__(self, flag: str, *, value: str, problem: str, example: str) -> None:
        super().__init__(
            f"{flag} cannot take this value: {problem}",
            found=value,
            set_by=flag,
            hint=f"write it like {example}",
        )


class UnreadableFile(SettingsError):
    def __init__(self, key: str, path: Path, *, where: str, problem: str) -> None:
        super().__init__(
            f"the file that `{key}` names cannot be used: {problem}",
            found=str(path),
            set_by=where,
            hint="name a file that holds what is asked for; "
            "a relative path starts at the folder of the file that sets it",
        )


class NoCargoToml(ProjectError):
    def __init__(self, folder: Path) -> None:
        super().__init__(
            "there is no Cargo.toml here",
            found=f"none in {folder} or a folder above it",
            set_by="the folder the task was started in",
            hint="change to a Cargo project, make one with `cargo init`, or name it with collection(root=…)",
        )


class BrokenToml(ProjectError):
    def __init__(self, path: Path, *, line: int, column: int, problem: str) -> None:
        super().__init__(
            f"{path.name} is not valid TOML: {problem}",
            found=f"{path}, line {line}, column {column}",
            set_by=str(path),
            hint=f"mend line {line}; `cargo metadata --no-deps` shows the place as cargo sees it",
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
    def __init__(self, manifests: Iterable[Path]) -> None:
        super().__init__(
            "this project has no binary to put into an image",
            found="no src/main.rs, no file in src/bin, no [[bin]] in " + ", ".join(str(m) for m in manifests),
            set_by="Cargo's own rules for binaries",
            hint="add src/main.rs, or run the task in the package that has one",
        )


class SeveralBinaries(ProjectError):
    def __init__(self, candidates: Sequence[tuple[str, str]], *, root: Path) -> None:
        """`candidates` are (package, binary)."""
        first = candidates[0][1]
        super().__init__(
            "this project has several binaries and none is chosen",
            found=", ".join(f"`{name}` (package {package})" for package, name in candidates),
            set_by=f"nobody: {root / 'Cargo.toml'} has no default-run",
            hint=f'run again with --bin {first}, or set default-run = "{first}" in its [package]',
        )


class NoSuchBinary(ProjectError):
    def __init__(self, name: str, *, candidates: Sequence[str], set_by: str, nearest: str | None) -> None:
        super().__init__(
            f"there is no binary named `{name}`",
            found=", ".join(f"`{c}`" for c in candidates) or "no binary at all",
            set_by=set_by,
            hint=f"run again with --bin {nearest or candidates[0]}" if candidates else "add src/main.rs",
        )


class NoSuchPackage(ProjectError):
    def __init__(self, name: str, *, candidates: Sequence[str], set_by: str, nearest: str | None) -> None:
        super().__init__(
            f"there is no package named `{name}`",
            found=", ".join(f"`{c}`" for c in candidates),
            set_by=set_by,
            hint=f"run again with --package {nearest or candidates[0]}",
        )


class NoCargo(CompileError):
    def __init__(self, program: str = "cargo") -> None:
        super().__init__(
            f"{program} is not installed, or not on PATH",
            found=f"no program named `{program}` on PATH",
            set_by="the host backend, which compiles with the local cargo",
            hint="install Rust with rustup (https://rustup.rs), then open a new shell",
        )


class CargoFailed(CompileError):
    def __init__(self, *, command: str, code: int, found: str, hint: str) -> None:
        """`command` is the cargo subcommand alone: a whole command line may hold what is secret."""
        super().__init__(
            f"`{command}` failed with exit code {code}",
            found=found,
            set_by="cargo",
            hint=hint,
        )


class UnknownCargoLayout(CompileError):
    def __init__(self, build_dir: Path, *, package: str) -> None:
        super().__init__(
            "this cargo keeps its artefacts in a way that is not known here, so stale ones would not be noticed",
            found=f"no artefact of {package} in {build_dir}",
            set_by="the cargo in use, or a flag such as -Zbuild-dir-new-layout",
            hint="update rustdocker-tasks, or use an earlier cargo",
        )


class NotLinux(ImageError):
    def __init__(self, program: str, problem: str) -> None:
        super().__init__(
            "the compiled program cannot run in a Linux container",
            found=f"{program}: {problem}",
            set_by="`build.target` in .cargo/config.toml, or this machine's own platform",
            hint="build on Linux, or set build.target to a Linux target triple",
        )


class LibraryNotFound(ImageError):
    def __init__(self, library: str, *, program: str) -> None:
        super().__init__(
            f"the program needs a shared library that this machine lacks: {library}",
            found=f"{program} names it, the loader does not find it",
            set_by="a crate that links it",
            hint=f"find its package with `apt-file search {library}` and install it",
        )


class NotStatic(ImageError):
    def __init__(self, *, program: str, found: str, target_triple: str) -> None:
        super().__init__(
            "the program is not fully static",
            found=f"{program}: {found}",
            set_by=f"variant static, compiled for {target_triple}",
            hint="turn on the crate's `vendored` or `bundled` feature, or use `invoke build --variant minimal`",
        )


class ForeignCertificates(ImageError):
    def __init__(self, path: str, problem: str) -> None:
        super().__init__(
            "the certificates to ship are not the ones that certifi published",
            found=f"{path}: {problem}",
            set_by="this Python environment",
            hint="restore them with `pip install --force-reinstall certifi`, "
            "and name your own CA with the setting `ca-certificates`",
        )


class CannotWrite(ImageError):
    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            "the image could not be written",
            found=f"{path}: {problem}",
            set_by="cargo's target folder, where images are kept",
            hint="free some space or make the folder writable, then build again; nothing half-written was left",
        )


class NoEngine(EngineError):
    def __init__(self, *, address: str, problem: str, set_by: str) -> None:
        super().__init__(
            "no container engine answers",
            found=f"{address}: {problem}",
            set_by=set_by,
            hint="join the group docker (`sudo usermod -aG docker $USER`) and log in again"
            if problem == "Permission denied"
            else "start it (`sudo systemctl start docker`), or point DOCKER_HOST at one that runs",
        )


class LoadFailed(EngineError):
    def __init__(self, image: str, *, problem: str) -> None:
        super().__init__(
            f"the engine did not take the image {image}",
            found=problem,
            set_by="the engine",
            hint="look at the engine's log and its free space (`docker system df`), then build again",
        )


class PortTaken(EngineError):
    def __init__(self, port: int, *, container_port: str, set_by: str, other: int) -> None:
        super().__init__(
            f"port {port} of this machine is taken",
            found=f"something listens on port {port} already",
            set_by=set_by,
            hint=f"stop it (`invoke stop`, if it is this project's), or take another port: "
            f"--port {other}:{container_port}",
        )


class EngineGone(EngineError):
    def __init__(self, problem: str) -> None:
        super().__init__(
            "the engine did not do what it was asked for",
            found=problem,
            set_by="the engine",
            hint="look at `docker ps -a` and the engine's log, then try again",
        )


class RunFailed(EngineError):
    def __init__(self, image: str, *, problem: str) -> None:
        super().__init__(
            f"the engine could not run {image}",
            found=problem,
            set_by="the engine",
            hint="mend what it names; `invoke plan` shows what is set, and by whom",
        )


class NotListening(EngineError):
    def __init__(self, ports: Sequence[str], *, seconds: int, set_by: str) -> None:
        super().__init__(
            f"nothing listens on port {', '.join(ports)} of the container after {seconds} s",
            found="the program runs, but a connection to the port is closed at once",
            set_by=set_by,
            hint="let the program listen on 0.0.0.0 (127.0.0.1 is the container's own), "
            "or name the port that it uses",
        )


class NoContainer(EngineError):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"no container of {name} is there",
            found="none that `invoke run` started",
            set_by="the engine",
            hint="start one with `invoke run --detach`",
        )
