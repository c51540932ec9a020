"""Which target triple the program is compiled for. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.platforms import is_musl, platform_of
from rustdocker_tasks.errors import BadValue, SeveralTargets
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.settings.options import OPTIONS, Libc
from rustdocker_tasks.variants import Base, Linkage, Variant

if TYPE_CHECKING:
    from rustdocker_tasks.cargo.model import CargoConfig
    from rustdocker_tasks.plan.model import Toolchain
    from rustdocker_tasks.settings.resolve import ResolvedSettings

# Since 2.34 glibc has these two within itself, and looks for all others as libraries at run time.
GLIBC_ALONE = "it looks names up in /etc/hosts and by DNS alone, and knows no other charset than UTF-8"
_EXACT_LIBRARIES = "dynamic: the image holds the libraries that the program loads"


class ChosenTarget(Frozen, frozen=True):
    """What to compile for. Without `triple` and `own_libc` that is left to cargo."""

    triple: str | None
    crt_static: bool
    reason: str
    # In containers, without a triple: that of the builder's machine with this C library.
    own_libc: Libc | None = None

    @property
    def is_of_musl(self) -> bool:
        return self.own_libc is Libc.MUSL if self.triple is None else is_musl(self.triple)


def target_in_container(variant: Variant, resolved: ResolvedSettings, config: CargoConfig) -> ChosenTarget:
    """Return the target of a build in containers; `config` is what cargo finds there.

    Raises BadValue, SeveralTargets.
    """
    triple, origin = _asked_for(resolved, config)
    if variant.linkage is Linkage.STATIC:
        if resolved.settings.libc is Libc.GNU:
            return _static_with_glibc(resolved, triple, origin)
        if triple is None:
            reason = "static with musl, for the builder's architecture"
            return ChosenTarget(None, crt_static=False, reason=reason, own_libc=Libc.MUSL)
        if not is_musl(triple):
            if resolved.settings.target is not None:
                raise _bad_target(resolved, 'a static program is of musl, unless `libc = "gnu"` is set')
            triple = _musl_of(triple)
        return ChosenTarget(triple, crt_static=False, reason=f"static with musl, for {triple} ({origin})")
    reason = (
        _EXACT_LIBRARIES if variant.base is Base.NONE else "dynamic: libraries that the base image lacks are added"
    )
    if triple is None and _gives_way(config):
        reason = f"{reason}; for the builder's own target, as {_foreign(config)}"
        return ChosenTarget(None, crt_static=False, reason=reason, own_libc=Libc.GNU)
    return ChosenTarget(triple, crt_static=False, reason=_with_target(reason, triple, origin))


def needs_toolchain(variant: Variant, config: CargoConfig) -> bool:
    """Whether `target_on_host` has to know what the local Rust compiles for."""
    return variant.linkage is Linkage.STATIC or _gives_way(config)


def target_on_host(
    variant: Variant, resolved: ResolvedSettings, config: CargoConfig, toolchain: Toolchain | None
) -> ChosenTarget:
    """Return the target of a build on this machine; `toolchain` may be None where nobody needs it.

    Raises BadValue, SeveralTargets.
    """
    triple, origin = _asked_for(resolved, config)
    if variant.linkage is Linkage.DYNAMIC or toolchain is None:
        if triple is None and _gives_way(config) and toolchain is not None:
            reason = f"{_EXACT_LIBRARIES}; for {toolchain.host_triple}, as {_foreign(config)}"
            return ChosenTarget(toolchain.host_triple, crt_static=False, reason=reason)
        return ChosenTarget(triple, crt_static=False, reason=_with_target(_EXACT_LIBRARIES, triple, origin))
    if resolved.settings.libc is Libc.GNU:
        return _static_with_glibc(resolved, triple or toolchain.host_triple, origin)
    if triple is not None and (is_musl(triple) or resolved.settings.target is not None):
        how = "static with musl" if is_musl(triple) else "static with glibc (+crt-static)"
        return ChosenTarget(triple, crt_static=not is_musl(triple), reason=f"{how}, for {triple} ({origin})")
    usual = triple or toolchain.host_triple
    musl = _musl_of(usual)
    if resolved.settings.libc is Libc.MUSL and musl not in toolchain.installed_targets:
        problem = f"the target {musl} is not installed: `rustup target add {musl}`"
        raise _bad_libc(resolved, problem, other=Libc.GNU)
    if musl in toolchain.installed_targets:
        return ChosenTarget(musl, crt_static=False, reason=f"static with musl, as the target {musl} is installed")
    return ChosenTarget(
        usual,
        crt_static=True,
        reason=f"static with glibc (+crt-static for {usual}), as the target {musl} is not installed",
    )


def _static_with_glibc(resolved: ResolvedSettings, triple: str | None, origin: str) -> ChosenTarget:
    if triple is not None and is_musl(triple):
        raise _bad_libc(resolved, f"the target {triple} is of musl ({origin})", other=Libc.MUSL)
    reason = f"static with glibc (+crt-static), set by {resolved.origin('libc').where}; {GLIBC_ALONE}"
    return ChosenTarget(triple, crt_static=True, reason=reason, own_libc=None if triple else Libc.GNU)


def _asked_for(resolved: ResolvedSettings, config: CargoConfig) -> tuple[str | None, str]:
    """Return the triple that somebody asked for, None if nobody did, and who did."""
    target = resolved.settings.target
    if target is not None:
        return target, f"set by {resolved.origin('target').where}"
    usable = [triple for triple in config.targets if _is_linux(triple)]
    files = ", ".join(map(str, config.files))
    if len(usable) > 1:
        raise SeveralTargets(usable, set_by=files)
    return next(iter(usable), None), f"set by build.target in {files}"


def _gives_way(config: CargoConfig) -> bool:
    """Whether all targets that cargo's configuration names are known to be others than Linux.

    A file with a target of the user's own, and `host-tuple`, are for cargo to read.
    """
    return bool(config.targets) and not any(
        _is_linux(triple) or triple.endswith(".json") or triple == "host-tuple" for triple in config.targets
    )


def _foreign(config: CargoConfig) -> str:
    files = ", ".join(map(str, config.files))
    return f"{' and '.join(config.targets)}, set by build.target in {files}, runs in no container"


def _is_linux(triple: str) -> bool:
    return platform_of(triple).values["target_os"] == "linux"


def _musl_of(triple: str) -> str:
    """Return the target with musl of the same machine and ABI."""
    return triple.replace("-linux-gnu", "-linux-musl")


def _bad_libc(resolved: ResolvedSettings, problem: str, *, other: Libc) -> BadValue:
    """Return the error of a C library that cannot be, with the one that can."""
    value = next(each for each in Libc if each is not other).value
    where = resolved.origin("libc").where
    return BadValue("libc", value=value, where=where, problem=problem, example=f'"{other.value}"')


def _bad_target(resolved: ResolvedSettings, problem: str) -> BadValue:
    return BadValue(
        "target",
        value=str(resolved.settings.target),
        where=resolved.origin("target").where,
        problem=problem,
        example=OPTIONS["target"].example,
    )


def _with_target(reason: str, triple: str | None, origin: str) -> str:
    return f"{reason}; for {triple} ({origin})" if triple else reason
