"""What a build said that it lacks -> the package of Debian that has it. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.debian_files import HEADER, LIBRARY, MODULE, find_package
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.plan.tools import load_tools

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TOOL = "program"
# rustc says the two others of its own, without a linker.
_LINKING = re.compile(
    r"error: (linking with .* failed|linker `[^`]+` not found|could not find native static library)"
)
_OF_SCRIPT = re.compile(r"error: failed to run custom build command for `(?P<crate>[^` ]+)")
_OF_SCRIPT_AND_VERSION = re.compile(r"error: failed to run custom build command for `(?P<crate>[^` ]+ v[^` ]+)")
_OF_CRATE = re.compile(r"error: could not compile `(?P<crate>[^` ]+)")
_PATTERNS = tuple(
    (kind, re.compile(text))
    for kind, text in (
        # The crate pkg-config 0.3.
        (MODULE, r"The system library `([^`]+)` required by crate `[^`]+` was not found"),
        # The same, of a question that it could not ask.
        (MODULE, r"""Could not run `[^`]*\bpkg-config"?(?: "?--?[\w-]+"?)* ["']?([^\s`"'-][^\s`"']*)"""),
        # pkgconf 1.8, as it is in Debian; it is also asked for what is then built of source.
        (MODULE, r"Package '?([^\s',]+)'?(?:, required by '[^']+',)? (?:was )?not found"),
        # The linkers of GNU and LLVM, mold, and rustc.
        (LIBRARY, r"cannot find -l:?(?:lib)?([^\s:]+?)(?:\.so|\.a)?(?::.*)?$"),
        (LIBRARY, r"unable to find library -l(\S+)"),
        (LIBRARY, r"library not found: (\S+)"),
        (LIBRARY, r"could not find native static library `([^`]+)`"),
        # The linker of GNU, of a library that is there for another C library.
        (LIBRARY, r"/lib([^/\s]+?)\.(?:a|so)\S*: undefined reference to symbol '[^']+@@GLIBC_"),
        # The compilers of C, GNU and LLVM.
        (HEADER, r"fatal error: '?([^\s':]+\.h(?:h|pp|xx)?)(?:: No such file or directory|' file not found)"),
        # Those of C++ may have no suffix.
        (HEADER, r":\d+: fatal error: '?([^\s':.]+)(?:: No such file or directory|' file not found)"),
        # CMake 3, of what a project requires; what it can do without has a dash before it.
        (MODULE, r"^\s*Could NOT find (?!Python|Git|Perl|Threads|BISON|FLEX)(\w+)"),
        (_TOOL, r"^\s*Could NOT find (Python|Git|Perl|BISON|FLEX)"),
        # The macros of pkg-config for autoconf.
        (MODULE, r"No package '([^']+)' found"),
        (MODULE, r"Package requirements \(([^\s)]+)[^)]*\) were not met"),
        # prost-build 0.11 and later, clang-sys 1, cmake 0.1, cc 1, openssl-src, the crate pkg-config 0.3, rustc.
        (_TOOL, r"Could not find `(protoc)`"),
        (_TOOL, r"Unable to find (libclang)"),
        (_TOOL, r"is `([^`]+)` not installed\?"),
        (_TOOL, r'failed to find tool "([^"]+)"'),
        # cc before 1.2.12, aws-lc-sys 0.35.
        (_TOOL, r"Failed to find tool\. Is `([^`]+)` installed\?"),
        (_TOOL, r"Missing dependency: (\S+)"),
        (_TOOL, r"Command '([^']+)' not found\. Is \S+ installed\?"),
        (_TOOL, r"(pkg-config) command could not be (?:found|run)"),
        (_TOOL, r"linker `([^`]+)` not found"),
        # protobuf-codegen 3, capnpc 0.20, libbpf-cargo 0.25, pyo3-build-config 0.23.
        (_TOOL, r"(protoc) binary not found"),
        (_TOOL, r"[Ff]ailed to execute `(capnp|clang)(?: --version)?`"),
        (_TOOL, r"no (Python) 3\.x interpreter found"),
        # dash, make, and perl, which has its modules in another package of Debian.
        (_TOOL, r"^\s*(?:/bin/)?sh: \d+: ([\w.+-]+): not found$"),
        (_TOOL, r"^\s*make(?:\[\d+\])?: ([\w.+-]+): No such file or directory$"),
        (_TOOL, r"(Can't locate) \S+\.pm in @INC"),
        # Clang, of a linker.
        (_TOOL, r"invalid linker name in (?:argument )?'-fuse-ld=(\w+)'"),
        # CMake 3, told a compiler or not, and autoconf.
        (_TOOL, r'unable to find a build program corresponding to "([^"]+)"'),
        (_TOOL, r"(?:The|No) CMAKE_(CXX|ASM_NASM)_COMPILER(?::| could be found)"),
        (_TOOL, r"configure: error: (C\+\+) compiler cannot create executables"),
        (_TOOL, r"configure: error: No usable (m4) in "),
    )
)
_NAMES = {MODULE: "no module {} for pkg-config", LIBRARY: "no library {}", HEADER: "no header {}", _TOOL: "no {}"}
_CPP = re.compile(r"(?:.*-)?(?:c|g|clang)\+\+(?:-\d+)?|CXX|C\+\+")
_PKG_CONFIG = "pkg-config"
# The library of C++, which comes with its compiler.
_OF_CPP = "stdc++"
_OTHERWISE = {
    "Unix Makefiles": "make",
    "Ninja": "ninja",
    "Python": "python3",
    "Can't locate": "perl",
    "ASM_NASM": "nasm",
    **{name: name.lower() for name in ("Git", "Perl", "BISON", "FLEX")},
}


class Missing(Frozen, frozen=True, kw_only=True):
    """What there is none of, the crate that asks for it, and the packages that have it; as far as known."""

    what: str  # `no library pcap`
    crate: str | None
    packages: tuple[str, ...]
    is_of_c: bool = False  # a library or a header, which are of one C library


def find_missing(output: Iterable[str]) -> Missing | None:
    """Return what ended the build, None where that was something else.

    Of several the last one counts, and one with a known package before others: scripts try more than one way.
    """
    crate = None
    found: list[Missing] = []
    is_failing = False  # what was said before is no reason: scripts look for what they then do without
    for line in output:
        if match := _OF_SCRIPT.match(line):
            crate, found, is_failing = match["crate"], [], True
        elif _LINKING.match(line):
            crate, found, is_failing = None, [], True
        elif match := _OF_CRATE.match(line):
            # cargo says last whose linking it was.
            found = [replace(each, crate=each.crate or match["crate"]) for each in found]
        if is_failing:
            found += _in_line(line, crate)
    last = next((each for each in reversed(found) if each.packages), found[-1] if found else None)
    if last is None or last.packages != (_PKG_CONFIG,):
        return last
    # What it would have been asked for lacks as well, and would be the next to be told.
    asked = [each.packages for each in found if each.crate == last.crate and each.is_of_c and each.packages]
    return replace(last, packages=(*last.packages, *(asked[-1] if asked else ())))


def find_failed_script(output: Iterable[str]) -> str | None:
    """Return the crate whose build script ended the build, as cargo writes it: `openssl-sys v0.9.106`."""
    return next((match["crate"] for line in output if (match := _OF_SCRIPT_AND_VERSION.match(line))), None)


def _in_line(line: str, crate: str | None) -> Iterator[Missing]:
    for kind, pattern in _PATTERNS:
        if match := pattern.search(line):
            name = _OTHERWISE.get(match[1], match[1])
            yield Missing(
                what=_NAMES[kind].format(name),
                crate=crate,
                packages=_packages_of_tool(name) if kind == _TOOL else _packages_of_file(kind, name),
                is_of_c=kind != _TOOL,
            )


def _packages_of_file(kind: str, name: str) -> tuple[str, ...]:
    if (kind, name) == (LIBRARY, _OF_CPP):
        return _packages_of_tool("c++")
    # CMake's own names of modules have capitals.
    package = find_package(kind, name) or (find_package(kind, name.lower()) if kind == MODULE else None)
    return (package,) if package else ()


def _packages_of_tool(name: str) -> tuple[str, ...]:
    tools = load_tools()
    if _CPP.fullmatch(name):
        name = "c++"
    by_name = {**{tool.program: tool for tool in tools.values() if tool.program}, **tools}
    return (by_name[name].package,) if name in by_name else ()
