"""The compiled program cannot become this image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.errors.base import ImageError, RustDockerError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class BuildFailed(ImageError):
    def __init__(self, problem: str) -> None:
        super().__init__(
            "the build in containers failed",
            found=problem,
            set_by="a step of the build",
            hint="mend what it names, then build again",
        )


class ImagesNotMade(ImageError):
    """Some of several; its exit code is that of the first."""

    def __init__(self, names: Sequence[str], *, total: int, first: RustDockerError) -> None:
        self.exit_code = first.exit_code
        super().__init__(
            f"{len(names)} of {total} images failed: {', '.join(names)}",
            found="the reason for each stands above",
            set_by=first.set_by,
            hint="mend them, then run it again: what is made stays",
        )


class NotOurs(ImageError):
    def __init__(self, path: Path) -> None:
        super().__init__(
            "there is something in the way that rustdocker-tasks did not make, and so does not replace",
            found=str(path),
            set_by="you, or another tool",
            hint="move it away, then run `invoke dockerfile` again",
        )


class UnusableTarget(ImageError):
    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            "the target folder cannot hold what the build needs",
            found=f"{path}: {problem}",
            set_by="cargo's default for its target folder, which the build context brings along",
            hint="make it a folder that can be written (build.target-dir in .cargo/config.toml names another "
            "for cargo), or build with --backend host",
        )


class UnnameableFolder(ImageError):
    def __init__(self, folder: Path, *, root: Path) -> None:
        super().__init__(
            "a build in containers cannot name the project's folder",
            found=f"{folder} has a quote, a backslash, a dollar sign or a control character in its name",
            set_by=f"what the project needs outside of it, which makes {root} the build context",
            hint="rename the folder, or build with --backend host",
        )


class UnsupportedSystem(ImageError):
    def __init__(self, system: str) -> None:
        super().__init__(
            "rustdocker-tasks works on Linux and macOS",
            found=system,
            set_by="this machine",
            hint="on Windows, work in WSL 2, where docker and cargo are those of Linux",
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


class OlderLibrary(ImageError):
    def __init__(self, image: str, *, symbols: str, set_by: str) -> None:
        super().__init__(
            "the program would not start: its base image has an older library than it needs",
            found=f"{image} lacks {symbols}",
            set_by=set_by,
            hint="take both images of one Debian release, as `debian-release` does, or another `runtime-image`",
        )


class LibraryNotInImage(ImageError):
    def __init__(self, libraries: str, *, image: str, set_by: str) -> None:
        super().__init__(
            "the program would not start: it needs shared libraries that are not there",
            found=f"{image}, in which it was compiled, has no {libraries}",
            set_by=set_by,
            hint="set `build-packages` to the packages that have them: Debian's search for packages knows files",
        )


class WouldNotStart(ImageError):
    def __init__(self, problem: str, *, image: str, set_by: str) -> None:
        super().__init__(
            f"the program would not start in {image}",
            found=problem,
            set_by=set_by,
            hint="name a base image of glibc by `runtime-image`, or take a variant without one: --variant minimal",
        )


class CheckFailed(ImageError):
    def __init__(self, name: str, *, found: str, set_by: str, before_push: bool = False) -> None:
        unchecked = "; `--unchecked` or `check = false` pushes it as it is" if before_push else ""
        super().__init__(
            f"{name} does not work where nothing is granted",
            found=found,
            set_by=set_by,
            hint="its log stands above; a folder that it writes to is one of `volumes`, what it is told comes "
            f"with --env and --args{unchecked}",
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
