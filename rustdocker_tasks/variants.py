"""The variants: records of data/variants.toml, strictly read."""

from __future__ import annotations

from enum import Enum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec
import tomli

if TYPE_CHECKING:
    from collections.abc import Mapping


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


@cache
def load_variants() -> Mapping[str, Variant]:
    """Return the variants by name, in the order of the file."""
    text = files("rustdocker_tasks").joinpath("data/variants.toml").read_text(encoding="utf-8")
    return {
        name: msgspec.convert({"name": name, **record}, type=Variant) for name, record in tomli.loads(text).items()
    }
