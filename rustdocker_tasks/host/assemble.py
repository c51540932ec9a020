"""A compiled program -> the image that holds it: no engine, no base image."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.host.debian_records import record_entries
from rustdocker_tasks.host.layer import Layer, make_layer
from rustdocker_tasks.host.oci_config import oci_config
from rustdocker_tasks.host.oci_layout import OciImage, make_image
from rustdocker_tasks.host.program import Library, Program, find_libraries, read_program, require_static
from rustdocker_tasks.inputs.root_files import (
    ENVIRONMENT,
    PROGRAMS,
    SEARCH_PATH,
    Entry,
    libraries_among,
    program_entry,
)
from rustdocker_tasks.plan.created import as_date
from rustdocker_tasks.variants import Linkage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rustdocker_tasks.plan.model import ImagePlan


class AssembledImage(Frozen, frozen=True, kw_only=True):
    image: OciImage
    layers: tuple[Layer, ...]
    program_size: int  # bytes, unpacked, of the program that the image runs
    libraries: tuple[str, ...]


def assemble_image(plan: ImagePlan, paths: Sequence[Path], support: Sequence[Entry]) -> AssembledImage:
    """Return the image of the programs at `paths`, of which it runs the first.

    Raises ImageError if one does not fit the plan or lacks a library.
    """
    programs = [read_program(path) for path in paths]
    if plan.variant.linkage is Linkage.STATIC:
        for program in programs:
            require_static(program, plan.compile)
    brought = frozenset(PurePosixPath(path).name for path in libraries_among(support))
    found = [library for program in programs for library in find_libraries(program, brought=brought)]
    libraries = list({library.destination: library for library in found}.values())
    entries = [
        program_entry(name, path.read_bytes()) for name, path in zip(plan.compile.binaries, paths, strict=True)
    ]
    contents = {
        # dpkg takes a tenth of a second to answer: while the program is compressed.
        "libraries, certificates, time zones, user": chain(
            map(_library_entry, libraries), record_entries(libraries), support
        ),
        "program": entries,
    }
    # At the same time, as zlib and hashlib leave Python to others while they work.
    with ThreadPoolExecutor() as pool:
        layers = tuple(pool.map(make_layer, contents.keys(), contents.values()))
    return AssembledImage(
        image=_image(plan, programs[0], layers),
        layers=layers,
        program_size=len(entries[0].content or b""),
        libraries=tuple(library.destination.name for library in libraries),
    )


def _library_entry(library: Library) -> Entry:
    return Entry(path=PurePosixPath(library.destination), mode=0o755, content=library.source.read_bytes())


def _image(plan: ImagePlan, program: Program, layers: tuple[Layer, ...]) -> OciImage:
    config = oci_config(
        plan.config,
        entrypoint=str(PROGRAMS / plan.name),
        environment={**SEARCH_PATH, **ENVIRONMENT},
        program=program,
        layers=layers,
        created=as_date(plan.created),
    )
    return make_image(config, layers, plan.tags)
