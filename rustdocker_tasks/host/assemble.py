"""A compiled program -> the image that holds it: no engine, no base image."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rustdocker_tasks.host.certificates import extra_certificates, public_certificates, time_zones
from rustdocker_tasks.host.layer import Layer, make_layer
from rustdocker_tasks.host.oci_config import oci_config
from rustdocker_tasks.host.oci_layout import OciImage, make_image
from rustdocker_tasks.host.program import Program, find_libraries, read_program, require_static
from rustdocker_tasks.host.root_files import CERTIFICATES, PROGRAMS, program_entry, support_entries
from rustdocker_tasks.plan.variants import Linkage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rustdocker_tasks.plan.model import ImagePlan

# OpenSSL built from source and other libraries look here before their compiled-in place.
_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "SSL_CERT_FILE": str(CERTIFICATES),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportFiles:
    """What goes into an image beside program and libraries; gathered before anything is compiled."""

    certificates: bytes
    zones: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssembledImage:
    image: OciImage
    layers: tuple[Layer, ...]
    program_size: int  # bytes, unpacked
    libraries: tuple[str, ...]


def gather_support_files(plan: ImagePlan) -> SupportFiles:
    """Return certificates and time zones; raises ForeignCertificates, UnreadableFile."""
    extra = extra_certificates(plan.ca_certificates, set_by=plan.ca_certificates_set_by)
    return SupportFiles(certificates=public_certificates() + extra, zones=time_zones())


def assemble_image(plan: ImagePlan, program_path: Path, support: SupportFiles) -> AssembledImage:
    """Return the image; raises ImageError if the program does not fit the plan or lacks a library."""
    program = read_program(program_path)
    if plan.variant.linkage is Linkage.STATIC:
        require_static(program, plan.compile)
    libraries = find_libraries(program)
    content = program_path.read_bytes()
    contents = {
        "libraries, certificates, time zones, user": support_entries(
            user=plan.config.user, certificates=support.certificates, zones=support.zones, libraries=libraries
        ),
        "program": [program_entry(plan.name, content)],
    }
    # At the same time, as zlib and hashlib leave Python to others while they work.
    with ThreadPoolExecutor() as pool:
        layers = tuple(pool.map(make_layer, contents.keys(), contents.values()))
    return AssembledImage(
        image=_image(plan, program, layers),
        layers=layers,
        program_size=len(content),
        libraries=tuple(library.destination.name for library in libraries),
    )


def _image(plan: ImagePlan, program: Program, layers: tuple[Layer, ...]) -> OciImage:
    config = oci_config(
        plan.config,
        entrypoint=str(PROGRAMS / plan.name),
        environment=_ENVIRONMENT,
        program=program,
        layers=layers,
    )
    return make_image(config, layers, plan.tags)
