"""The profiles that projects have without defining them: records of data/profiles.toml."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec
import tomli

if TYPE_CHECKING:
    from collections.abc import Mapping


class OwnProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    summary: str
    keys: dict[str, str]  # as in a manifest

    def environment(self, name: str) -> dict[str, str]:
        """Return what defines the profile for cargo: a manifest is not edited."""
        prefix = f"CARGO_PROFILE_{name.upper()}_"
        return {prefix + key.replace("-", "_").upper(): value for key, value in self.keys.items()}


@cache
def load_profiles() -> Mapping[str, OwnProfile]:
    """Return the profiles by name, in the order of the file."""
    text = files("rustdocker_tasks").joinpath("data/profiles.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomli.loads(text), type=dict[str, OwnProfile])
