"""Cargo's environment, of which each step gets what concerns it: all else would run it again for nothing. Pure."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from rustdocker_tasks.plan.model import CargoCall

_OWN = "RUSTDOCKER_BUILD_ENV"  # of mirror.sh
# Source: the rustup book, "Environment variables"; apt.conf(5).
_OF_PROGRAMS = (
    *("RUSTUP_", "SSL_CERT_", "APT_", "DEBIAN_", "PATH", "HOME"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
)
# Source: the Cargo book, "Configuration"; git(1).
_OF_CRATES = (
    *_OF_PROGRAMS,
    *("CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTR", "CARGO_SOURCE_", "CARGO_RESOLVER_", "CARGO_UNSTABLE_"),
    *("RUSTC", "CARGO_BUILD_", "CARGO_CREDENTIAL_", "XDG_CONFIG_HOME", "SSH_"),
    *("GIT_SSH", "GIT_SSL", "GIT_HTTP", "GIT_PROXY", "GIT_CONFIG", "GIT_ASKPASS", "GIT_TERMINAL_PROMPT"),
)
# What compilers, their helpers and scripts of `-sys` crates are configured by, which those may read unsaid.
_OF_COMPILERS = re.compile(
    r"(?:HOST_|TARGET_)?(?:CC|CXX|AR|AS|LD|NM|RANLIB|(?:C|CXX|CPP|LD|AR)FLAGS)(?:_\w+)?|SOURCE_DATE_EPOCH|HOME|PATH|"
    r"(?:RUST|CARGO|PKG_CONFIG|CMAKE|BINDGEN|LIBCLANG|LLVM|PROTOC|OPENSSL|LD_)\w*|"
    r"\w+_(?:DIR|PATH|ROOT|PREFIX|LIB|LIBS|STATIC|SYS\w*)"
)


def possible_late(call: CargoCall) -> tuple[str, ...]:
    """Return the user's variables that no dependency is known to be configured by, for all that is known here."""
    return tuple(name for name in call.own_environment if not _OF_COMPILERS.fullmatch(name))


def words_for_programs(call: CargoCall) -> tuple[str, ...]:
    """Return the words that a step begins with which gets Rust and programs."""
    return _words(_of(call, _OF_PROGRAMS))


def words_for_crates(call: CargoCall) -> tuple[str, ...]:
    """Return the words that a step begins with which gets crates."""
    return _words(_of(call, _OF_CRATES))


def words_for_compiling(call: CargoCall, *, late: Collection[str] = ()) -> tuple[str, ...]:
    """Return the words that a step begins with which compiles; the variables `late` reach it in another way."""
    without = {*late, _OWN} if late else ()
    return _words({name: value for name, value in _variables(call).items() if name not in without})


def render_late(call: CargoCall, late: Collection[str]) -> str:
    """Return what sets the variables `late`, and says to mirror.sh which values they had, for a shell to read."""
    variables = _variables(call)
    return "".join(f"export {name}={shlex.quote(variables[name])}\n" for name in (*late, _OWN))


def _of(call: CargoCall, prefixes: tuple[str, ...]) -> dict[str, str]:
    # A proxy's variable may be in small letters.
    return {name: value for name, value in call.environment.items() if name.upper().startswith(prefixes)}


def _variables(call: CargoCall) -> dict[str, str]:
    own = " ".join(f"{name}:{digest}" for name, digest in call.own_environment.items())
    return {**call.environment, **({_OWN: own} if own else {})}


def _words(variables: Mapping[str, str]) -> tuple[str, ...]:
    """By ENV they would be the image's own, where a step's stage is the image."""
    return ("env", *(f"{name}={value}" for name, value in variables.items())) if variables else ()
