"""A manifest's text -> the same with a table of settings. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tomli
import tomli_w

from rustdocker_tasks.settings.sources import TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping


def table_text(kind: str, values: Mapping[str, object]) -> str:
    """Return `[package.metadata.rustdocker]`, or its workspace twin, with these values."""
    return tomli_w.dumps({kind: {"metadata": {TABLE: values}}})


def with_table(manifest: str, kind: str, values: Mapping[str, object]) -> str | None:
    """Return the manifest with that table below; None if it has one already, or closes the table around it."""
    before: dict[str, Any] = tomli.loads(manifest)
    newline = "\r\n" if "\r\n" in manifest else "\n"
    addition = f"\n{table_text(kind, values)}" if manifest.endswith("\n") else f"\n\n{table_text(kind, values)}"
    after = manifest + addition.replace("\n", newline)
    metadata = before.setdefault(kind, {}).setdefault("metadata", {})
    if not isinstance(metadata, dict) or TABLE in metadata:
        return None
    metadata[TABLE] = values
    try:
        made = tomli.loads(after)
    except tomli.TOMLDecodeError:
        return None
    return after if made == before else None
