"""cargo is missing or did not compile the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.errors.base import CompileError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class NoCargo(CompileError):
    def __init__(self, program: str = "cargo") -> None:
        super().__init__(
            f"{program} is not installed, or not on PATH",
            found=f"no program named `{program}` on PATH",
            set_by="the host backend, which compiles with the local cargo",
            hint="install Rust with rustup (https://rustup.rs), then open a new shell",
        )


class NoCargoInImage(CompileError):
    def __init__(self, image: str, *, set_by: str) -> None:
        super().__init__(
            "the image to compile in has no cargo",
            found=f"no program named `cargo` on the PATH of {image}",
            set_by=set_by,
            hint="name an image with Rust by the setting `build-image`, such as rust:1-slim",
        )


class BuildImageUnusable(CompileError):
    def __init__(self, image: str, *, problem: str, set_by: str) -> None:
        super().__init__(
            f"this program cannot be compiled in {image}",
            found=problem,
            set_by=set_by,
            hint="name an image that can by the setting `build-image`, or build where it can be: --backend host",
        )


class CannotBeStatic(CompileError):
    def __init__(
        self,
        crate: str,
        *,
        needs: str,
        used_by: Sequence[str],
        instead: str | None,
        set_by: str,
        is_of_musl: bool = True,
        glibc_serves: bool = False,
    ) -> None:
        """`glibc_serves` says that nothing is known to be in the way of a static program of glibc."""
        others = f" for {', '.join(used_by)}" if used_by else ""
        libc, lacks = (
            ("musl", "for glibc alone") if is_of_musl else ("glibc", "for static linking in part at most")
        )
        super().__init__(
            f"{crate} cannot be part of a static program of {libc}",
            found=f"it links with {needs}{others}, which Debian has {lacks}",
            set_by=set_by,
            hint="; or ".join(
                [
                    *([f"take {instead}"] if instead else []),
                    *(["link it with glibc: --libc gnu"] if glibc_serves else []),
                    "build another variant: --variant minimal",
                ]
            ),
        )


class LacksPackage(CompileError):
    def __init__(
        self,
        what: str,
        *,
        crate: str | None,
        packages: tuple[str, ...],
        asked: tuple[str, ...] = (),
        installed: bool = False,
        is_of_musl: bool = False,
        on_host: bool = False,
    ) -> None:
        """`packages` have it, if any are known, and `build-packages` asks for those of `asked` already.

        `installed` says that they are there, or can be, and do not serve.
        """
        package = ", ".join(packages)
        if on_host:
            named = f", which on Debian {package} has: `apt-get install {' '.join(packages)}`" if packages else ""
            hint = f"install it{named}; --backend buildx needs nothing of this machine"
        elif installed and is_of_musl:
            has = f"Debian has {package or 'that'} for glibc alone"
            hint = f"{has}: --libc gnu, or build another variant, --variant minimal"
        elif not packages:
            hint = "name the package that has it by `build-packages`: Debian's search for packages knows files"
        elif installed:
            hint = f"{package} is there, and is not what is wanted: mend what the message above names"
        else:
            # A list replaces a weaker one: what it has stays in it.
            listed = ", ".join(f'"{name}"' for name in dict.fromkeys((*asked, *packages)))
            hint = f"set `build-packages = [{listed}]`, which has it"
        super().__init__(
            f"the program cannot be compiled with what {'this machine' if on_host else 'the build image'} has",
            found=what,
            set_by=f"the crate {crate}" if crate else "the linker",
            hint=hint,
        )


class PackagesNotInstalled(CompileError):
    def __init__(self, packages: str, *, set_by: str) -> None:
        super().__init__(
            f"Debian's packages were not got: {packages}",
            found="apt-get's message stands above",
            set_by=set_by,
            hint="look for the name in this release with Debian's search for packages, and set it right, or "
            "`debian-release`",
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


class TestsFailed(CompileError):
    def __init__(self, code: int) -> None:
        super().__init__(
            "tests failed",
            found=f"`cargo test` ended with exit code {code}; what it said stands above",
            set_by="the tests",
            hint='mend what they name; one of them alone is run by --args "its_name"',
        )


class UnknownCargoLayout(CompileError):
    def __init__(self, build_dir: Path, *, package: str) -> None:
        super().__init__(
            "this cargo keeps its artefacts in a way that is not known here, so stale ones would not be noticed",
            found=f"no artefact of {package} in {build_dir}",
            set_by="the cargo in use, or a flag such as -Zbuild-dir-new-layout",
            hint="update rustdocker-tasks, or use an earlier cargo",
        )
