"""Every setting, declared once: name, type, default and help.

The key in Cargo.toml, the key of Invoke's configuration, the RUSTDOCKER_… variable and the `collection(…)`
argument are all derived from the field.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from rustdocker_tasks.image import BaseImage, ImageConfig, ImageReference, Registry


class Backend(Enum):
    """What carries out a plan."""

    AUTO = "auto"
    BUILDX = "buildx"
    HOST = "host"


class Settings(ImageConfig, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """All settings of one image. `None` means "not set", never "no"."""

    package: Annotated[str | None, Meta(description="The package that has the binary.", examples=['"shop"'])] = (
        None
    )
    bin: Annotated[str | None, Meta(description="The binary that the image runs.", examples=['"server"'])] = None
    features: Annotated[
        tuple[str, ...],
        Meta(description="Features of the package to switch on.", examples=['["postgres"]']),
    ] = ()
    default_features: Annotated[
        bool, Meta(description="Whether the package's default features are on.", examples=["false"])
    ] = True
    profile: Annotated[str, Meta(description="Cargo's profile to compile with.", examples=['"dist"'])] = "release"
    locked: Annotated[
        bool,
        Meta(description="Whether a Cargo.lock is used as it is, or may be renewed by cargo.", examples=["false"]),
    ] = True
    variant: Annotated[
        str | None,
        Meta(description="What kind of image: simple, slim, minimal or static.", examples=['"static"']),
    ] = None
    backend: Annotated[
        Backend, Meta(description="What builds the image: auto, buildx or host.", examples=['"host"'])
    ] = Backend.AUTO
    builder: Annotated[
        str | None, Meta(description="The buildx builder, if not buildx's current one.", examples=['"remote"'])
    ] = None
    debian_release: Annotated[
        str,
        Meta(description="The Debian release of both base images.", examples=['"bookworm"'], pattern="^[a-z]+$"),
    ] = "trixie"
    rust_image: Annotated[
        BaseImage | None,
        Meta(
            description="The image to compile in, in place of rust:1-slim.", examples=['"rust:1.95-slim-trixie"']
        ),
    ] = None
    runtime_image: Annotated[
        BaseImage | None,
        Meta(description="The base of slim, in place of Debian slim.", examples=['"debian:trixie"']),
    ] = None
    ca_bundle: Annotated[
        bool,
        Meta(
            description="Whether build steps trust what this machine trusts; an image never does.",
            examples=["false"],
        ),
    ] = True
    tag: Annotated[
        tuple[ImageReference, ...],
        Meta(description="Names for the image, in place of name:version.", examples=['["shop:dev"]']),
    ] = ()
    registry: Annotated[
        Registry | None,
        Meta(description="Where `push` pushes: what stands before the image's name.", examples=['"ghcr.io/acme"']),
    ] = None
    ca_certificates: Annotated[
        tuple[Path, ...],
        Meta(
            description="PEM files with certificates to trust besides the public ones.",
            examples=['["company-ca.pem"]'],
        ),
    ] = ()


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One setting, as the other modules ask for it."""

    key: str
    field: str
    type: object
    description: str
    example: str

    @property
    def variable(self) -> str:
        return "RUSTDOCKER_" + self.field.upper()


def _option(field: msgspec.structs.FieldInfo) -> Option:
    meta = field.type.__metadata__[0]
    return Option(
        key=field.encode_name,
        field=field.name,
        type=field.type,
        description=meta.description,
        example=meta.examples[0],
    )


OPTIONS = {option.key: option for option in map(_option, msgspec.structs.fields(Settings))}
