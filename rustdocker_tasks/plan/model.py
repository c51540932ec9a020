"""What is to be built, as plain data: printable, comparable, and made without an engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from rustdocker_tasks.image import ImageConfig, ImageReference
    from rustdocker_tasks.plan.variants import Variant
    from rustdocker_tasks.settings.options import Backend


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """What the local Rust can compile for."""

    host_triple: str
    installed_targets: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePackage:
    """A package whose sources are in the user's hands, so that they may change between two builds."""

    name: str
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileStep:
    manifest: Path
    package: str
    binary: str
    features: tuple[str, ...]
    target_triple: str | None  # None: what cargo takes by itself
    crt_static: bool  # link glibc statically; musl is static without being asked
    locked_packages: frozenset[str] | None  # the names in Cargo.lock; None: there is none
    root: Path  # the workspace's
    sources: tuple[SourcePackage, ...]

    @property
    def locked(self) -> bool:
        """Whether there is a lock file, which cargo then uses as it is."""
        return self.locked_packages is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePlan:
    name: str
    version: str
    variant: Variant
    backend: Backend
    backend_reason: str
    linkage_reason: str
    compile: CompileStep
    config: ImageConfig
    ca_certificates: tuple[Path, ...]
    ca_certificates_set_by: str
    tags: tuple[ImageReference, ...]
