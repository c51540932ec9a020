"""Why a build in containers failed: what it said -> the error that the user sees. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rustdocker_tasks.errors import (
    BaseImageRefused,
    BaseImageUntrusted,
    BuildFailed,
    BuildImageUnusable,
    BuildxUnusable,
    CannotBeStatic,
    CargoFailed,
    EngineFull,
    EngineGone,
    LacksPackage,
    LibraryNotInImage,
    NoBaseImage,
    NoCacheExport,
    NoCargoInImage,
    NotStatic,
    OlderLibrary,
    PackagesNotInstalled,
    WouldNotStart,
)
from rustdocker_tasks.plan.missing import find_failed_script, find_missing
from rustdocker_tasks.plan.system_packages import record_of_glibc
from rustdocker_tasks.plan.tools import who_asks_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rustdocker_tasks.errors import RustDockerError
    from rustdocker_tasks.image import BaseImage
    from rustdocker_tasks.plan.model import ContainerBuild

# What rustc says of `include_str!`, and a build script that panics.
_NO_FILE = re.compile(r"error: couldn't read `|No such file or directory")
# Of dockerfile/compile.sh, command.sh and prepare.sh.
_CARGO_FAILED = re.compile("cargo (?P<command>build|fetch|test|clippy|fmt) failed: (?P<code>[0-9]+)")
_UNUSABLE = "unusable: "
_SAID = {
    "no loader": "there is no {}, which glibc's programs begin with",
    "not searched": "its loader does not look where {} is",
    "would not start": "its loader says: {}",
    "other release": "what `runtime-packages` names is of Debian {}",
}
_NOT_INSTALLED = "not installed: "
_LIBRARY_FILE = re.compile(r"lib[^\s/:,]+\.so(?:\.[0-9]+)*")
# BuildKit's own words, of Engine 20.10 and 28.5.
_ABOUT_AN_IMAGE = ("failed to resolve source metadata", "failed to do request")
_NO_IMAGE = (*_ABOUT_AN_IMAGE, "pull access denied", "not found")
_NO_ACCESS = ("unauthorized", "no basic auth credentials", "authorization failed", "403 forbidden")
_ENGINE_GONE = (
    "code = Unavailable",
    "error reading from server",
    "Cannot connect to the Docker daemon",
    "connection reset by peer",
)


def failure_of(
    reason: str, container: ContainerBuild, *, is_of_musl: bool, noticed: str = "", output: Iterable[str] = ()
) -> RustDockerError:
    """Return the error: by what our scripts noticed of the program, else by buildx's words, `reason`."""
    compiling = _of_compiling(output, noticed, container, is_of_musl=is_of_musl)
    if (failure := compiling or _of_the_program(noticed, container, is_of_musl=is_of_musl)) is not None:
        return failure
    if 'no builder "' in reason:
        return BuildxUnusable(reason, set_by=container.builder_set_by)
    if "Cache export is not supported" in reason:
        return NoCacheExport(set_by=container.cache_set_by)
    # A registry may break off a connection too.
    is_of_image = any(words in reason for words in _ABOUT_AN_IMAGE)
    if reason == "EOF" or (not is_of_image and any(words in reason for words in _ENGINE_GONE)):
        return EngineGone(reason)
    if "no space left on device" in reason:
        return EngineFull(reason)
    return _of_base_images(reason, container) or BuildFailed(noticed or reason)


def _of_compiling(
    output: Iterable[str], noticed: str, container: ContainerBuild, *, is_of_musl: bool
) -> RustDockerError | None:
    """Return the error where the build image or cargo is the cause."""
    if noticed == "no cargo":
        return NoCargoInImage(container.build_image, set_by=container.build_image_set_by)
    if noticed.startswith(_UNUSABLE):
        problem = noticed.removeprefix(_UNUSABLE)
        return BuildImageUnusable(container.build_image, problem=problem, set_by=container.build_image_set_by)
    if noticed.startswith(_NOT_INSTALLED):
        packages = noticed.removeprefix(_NOT_INSTALLED).split()
        by_name = dict.fromkeys(map(str, container.runtime_packages), container.runtime_packages_set_by)
        by_name |= {each.package: each.because for each in container.packages}
        asked = [by_name[name] for name in packages if name in by_name]
        return PackagesNotInstalled(", ".join(packages), set_by=", ".join(dict.fromkeys(asked)))
    failed = _CARGO_FAILED.fullmatch(noticed)
    return _of_cargo(output, failed, container, is_of_musl=is_of_musl) if failed else None


def _of_cargo(
    output: Iterable[str], failed: re.Match[str], container: ContainerBuild, *, is_of_musl: bool
) -> RustDockerError:
    """Return the error where cargo failed: by what it lacked, as far as that is understood."""
    if (missing := find_missing(output)) is not None:
        installed = {re.split("[:=/]", each.package)[0] for each in container.packages}
        return LacksPackage(
            missing.what,
            crate=missing.crate,
            packages=missing.packages,
            asked=container.build_packages,
            installed=bool(missing.packages and {*missing.packages} <= installed)
            or (is_of_musl and missing.is_of_c),
            is_of_musl=is_of_musl,
        )
    if is_of_musl and (failure := _of_glibc(output)) is not None:
        return failure
    again = "build again" if failed["command"] in {"build", "fetch"} else "try again"
    if failed["command"] == "build" and any(_NO_FILE.search(line) for line in output):
        again += (
            "; a container gets a file outside of the workspace by `sources`, and none that .dockerignore names"
        )
    return CargoFailed(
        command=f"cargo {failed['command']}",
        code=int(failed["code"]),
        found="its message stands above",
        hint=f"mend what it names, then {again}",
    )


def _of_glibc(output: Iterable[str]) -> CannotBeStatic | None:
    """Return the error where a build script looked in vain for what Debian has for glibc alone.

    Where the crates' features are known this is seen before anything is compiled.
    """
    crate = find_failed_script(output)
    name, _, version = (crate or "").partition(" v")
    record = record_of_glibc(name)
    if record is None:
        return None
    return CannotBeStatic(
        f"{name} {version}",
        needs=record.what,
        used_by=(),
        instead=record.instead,
        set_by="the variant, or the target, which is of musl",
        glibc_serves=not record.not_static,
    )


def _of_the_program(noticed: str, container: ContainerBuild, *, is_of_musl: bool) -> RustDockerError | None:
    """Return the error where the program would not start in its image."""
    kind, _, found = noticed.partition(": ")
    found = _LIBRARY_FILE.sub(lambda match: _with_asker(match[0], container), found)
    match kind:
        case "not static":
            libc = "musl" if is_of_musl else "glibc"
            return NotStatic(program="the program", found=f"needs {found}", target_triple=libc)
        case "older library":
            image = str(container.runtime_image)
            return OlderLibrary(image, symbols=found, set_by=container.runtime_image_set_by)
        case "no library":
            return LibraryNotInImage(found, image=container.build_image, set_by=container.build_image_set_by)
        case "no loader" | "not searched" | "would not start" | "other release":
            return WouldNotStart(
                _SAID[kind].format(found),
                image=str(container.runtime_image or "the image"),
                set_by=container.runtime_image_set_by,
            )
    return None


def _with_asker(file: str, container: ContainerBuild) -> str:
    asker = who_asks_for(file, container.packages)
    return f"{file} (asked for by {asker})" if asker else file


def _of_base_images(reason: str, container: ContainerBuild) -> RustDockerError | None:
    """Return the error where a base image is the cause."""
    images = (
        (container.build_image, container.build_image_set_by),
        (container.runtime_image, container.runtime_image_set_by),
    )
    for image, set_by in images:
        if image is not None and _is_named(image, reason):
            if any(words in reason.lower() for words in _NO_ACCESS):
                return BaseImageRefused(image, registry=image.registry, problem=reason, set_by=set_by)
            if "x509" in reason:
                return BaseImageUntrusted(image, registry=image.registry, problem=reason, set_by=set_by)
            if any(words in reason for words in _NO_IMAGE):
                return NoBaseImage(image, problem=reason, set_by=set_by)
    return None


def _is_named(image: BaseImage, reason: str) -> bool:
    """Whether the reason names the image, which a registry's address does in parts: `library/rust/manifests/1`."""
    name, _, version = image.rpartition("/")[2].replace("@", ":", 1).partition(":")
    return name in reason and version in reason
