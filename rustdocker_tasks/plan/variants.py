"""The variants: records of data/variants.toml, strictly read."""

from __future__ import annotations

from enum import Enum
from importlib.resources import files

import msgspec
import tomli


class Linkage(Enum):
    """How the program reaches the C library."""

    DYNAMIC = "dynamic"
    STATIC = "static"


class Base(Enum):
    """What an image stands on."""

    RUST = "rust"  # the image that the program is compiled in
    RUNTIME = "runtime"  # a system's image with shell and package manager, by default Debian slim
    NONE = "none"


class Variant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    summary: str
    linkage: Linkage
    base: Base


def load_variants() -> dict[str, Variant]:
    """Return the variants by name, in the order of the file."""
    text = files("rustdocker_tasks.plan").joinpath("data/variants.toml").read_text(encoding="utf-8")
    return {
        name: msgspec.convert({"name": name, **record}, type=Variant) for name, record in tomli.loads(text).items()
    }
