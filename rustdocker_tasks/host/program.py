"""Read a compiled program: what it runs on, and which shared libraries it loads."""

from __future__ import annotations

import os
import re
from pathlib import Path
from subprocess import CalledProcessError
from typing import TYPE_CHECKING, Any

from rustdocker_tasks.errors import LibraryNotFound, NotLinux, NotStatic
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.process import read_output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rustdocker_tasks.plan.model import CompileStep

# ELF's e_machine and byte order -> GOARCH and variant. Source: OCI image-spec, config.md, "architecture".
_ARCHITECTURES = {
    ("EM_X86_64", True): ("amd64", None),
    ("EM_AARCH64", True): ("arm64", "v8"),
    ("EM_ARM", True): ("arm", "v7"),
    ("EM_386", True): ("386", None),
    ("EM_RISCV", True): ("riscv64", None),
    ("EM_PPC64", True): ("ppc64le", None),
    ("EM_S390", False): ("s390x", None),
    ("EM_LOONGARCH", True): ("loong64", None),
}
# Source: ld.so(8).
_LIST_INSTEAD_OF_RUNNING = {"LD_TRACE_LOADED_OBJECTS": "1"}
# `libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x…)`, or `=> not found`
_LISTED = re.compile(r"\s*(?P<name>\S+) => (?P<path>not found|.+?)(?: \(0x[0-9a-f]+\))?")
_OLD_GLIBC = re.compile(r"libc-2\.[0-9]+\.so")
# A library without a name of its own is loaded by the path that it was linked by.
_LISTED_BY_PATH = re.compile(r"\s*(?P<path>/.+?) \(0x[0-9a-f]+\)")


class Program(Frozen, frozen=True, kw_only=True):
    path: Path
    architecture: str
    architecture_variant: str | None
    interpreter: Path | None  # the loader that the kernel starts; None for a static program
    needed: tuple[str, ...]  # the libraries that it names itself, not those that they name


class Library(Frozen, frozen=True, kw_only=True):
    source: Path  # on this machine
    destination: Path  # in the image


def read_program(path: Path) -> Program:
    """Return what the ELF file says; NotLinux if it is none."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as file:
        try:
            elf = ELFFile(file)
        except ELFError as error:
            raise NotLinux(path.name, "it is not an ELF file") from error
        key = (elf["e_machine"], elf.little_endian)
        if key not in _ARCHITECTURES:
            raise NotLinux(path.name, f"its machine type is {key[0]}")
        architecture, variant = _ARCHITECTURES[key]
        return Program(
            path=path,
            architecture=architecture,
            architecture_variant=variant,
            interpreter=_interpreter(elf),
            needed=_needed(elf),
        )


def require_static(program: Program, step: CompileStep) -> None:
    """Raise NotStatic unless the program needs neither a loader nor a library."""
    found = [f"needs {name}" for name in program.needed]
    if program.interpreter is not None:
        found.append(f"is started by {program.interpreter}")
    if found:
        triple = step.target_triple or "this machine"
        raise NotStatic(program=program.path.name, found=", ".join(found), target_triple=triple)


def find_libraries(program: Program, *, brought: frozenset[str] = frozenset()) -> tuple[Library, ...]:
    """Return every file that the loader maps for the program, the loader included, in order of name.

    The program's own loader is asked, with none of the program's code run: it alone knows its search path.
    In the image all libraries lie in the folder of the C library, where it looks without being told. What is
    `brought` there in another way, by its name, need not be found. Raises LibraryNotFound.
    """
    if program.interpreter is None:
        return ()
    found = _ask_loader(program, program.interpreter, brought)
    c_library = found[_c_library(program, found)]
    home = os.path.realpath(c_library.parent)
    found |= {path.name: path for path in _name_services(c_library)}
    libraries = {Library(source=program.interpreter, destination=program.interpreter)}
    for name, path in found.items():
        if path != program.interpreter and not path.samefile(program.interpreter):
            # Joined to an absolute name, `home` gives way to it.
            libraries.add(Library(source=path, destination=Path(os.path.normpath(Path(home, name)))))
    return tuple(sorted(libraries, key=lambda library: library.destination))


def _name_services(c_library: Path) -> Iterator[Path]:
    """What glibc resolves names by, before 2.34: it loads them by name, and no list has them.

    Source: glibc's NEWS of 2.34. Its own file is called by its version until then.
    """
    if _OLD_GLIBC.fullmatch(c_library.resolve().name):
        for name in ("libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"):
            if (path := c_library.with_name(name)).exists():
                yield path


def _interpreter(elf: Any) -> Path | None:
    for segment in elf.iter_segments("PT_INTERP"):
        return Path(segment.get_interp_name())
    return None


def _needed(elf: Any) -> tuple[str, ...]:
    for segment in elf.iter_segments("PT_DYNAMIC"):
        return tuple(tag.needed for tag in segment.iter_tags("DT_NEEDED"))
    return ()


def _ask_loader(program: Program, interpreter: Path, brought: frozenset[str]) -> dict[str, Path]:
    if not interpreter.exists():
        raise LibraryNotFound(str(interpreter), program=program.path.name)
    # LD_LIBRARY_PATH and LD_PRELOAD are this shell's, and will not be there in the container.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LD_")}
    try:
        listing = read_output(
            [str(interpreter), *_list_flags(interpreter), str(program.path)],
            environment={**environment, **_LIST_INSTEAD_OF_RUNNING},
        )
    except CalledProcessError as error:
        listing = error.stdout
    found = {}
    for line in listing.splitlines():
        if (match := _LISTED_BY_PATH.fullmatch(line)) and Path(match["path"]) != interpreter:
            found[match["path"]] = Path(match["path"])
        if match := _LISTED.fullmatch(line):
            if match["path"] != "not found":
                found[match["name"]] = Path(match["path"])
            elif match["name"] not in brought:
                raise LibraryNotFound(match["name"], program=program.path.name)
    for name in program.needed:
        if name not in {*found, *brought, interpreter.name}:
            raise LibraryNotFound(name, program=program.path.name)
    return found


def _list_flags(interpreter: Path) -> list[str]:
    """Musl's loader does not know the variable, and glibc's stops at the first missing library with the flag."""
    return ["--list"] if interpreter.name.startswith("ld-musl") else []


def _c_library(program: Program, found: dict[str, Path]) -> str:
    for name in found:
        if name.startswith(("libc.so", "libc.musl")):
            return name
    raise LibraryNotFound("libc.so.6", program=program.path.name)
