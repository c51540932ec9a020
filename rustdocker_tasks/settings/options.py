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

from rustdocker_tasks.image import ImageConfig, ImageReference


class Backend(Enum):
    """What carries out a plan."""

    AUTO = "auto"
    HOST = "host"


class Settings(ImageConfig, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """All settings of one image. `None` means "not set", never "no"."""

    package: Annotated[str | None, Meta(description="The package that has the binary.", examples=['"shop"'])] = (
        None
    )
    bin: Annotated[str | None, Meta(description="The binary that the image runs.", examples=['"server"'])] = None
    variant: Annotated[str, Meta(description="What kind of image: minimal or static.", examples=['"static"'])] = (
        "minimal"
    )
    backend: Annotated[Backend, Meta(description="What builds the image: auto or host.", examples=['"host"'])] = (
        Backend.AUTO
    )
    tag: Annotated[
        tuple[ImageReference, ...],
        Meta(description="Names for the image, in place of name:version.", examples=['["shop:dev"]']),
    ] = ()
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
