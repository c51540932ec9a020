"""rust-toolchain.toml and rust-toolchain: which Rust a project asks for. Pure.

Source: the rustup book, "The toolchain file".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.document import parse_document
from rustdocker_tasks.cargo.model import ToolchainFile
from rustdocker_tasks.cargo.schema import ToolchainDocument
from rustdocker_tasks.errors import BrokenManifest

if TYPE_CHECKING:
    from pathlib import Path

# Of two in one folder rustup takes the first.
TOOLCHAIN_FILES = ("rust-toolchain", "rust-toolchain.toml")


def parse_toolchain_file(path: Path, text: str) -> ToolchainFile:
    """Return what the file asks for; raises BrokenToml, BrokenManifest.

    The file without an ending may be a single line with the channel's name.
    """
    lines = text.strip().splitlines()
    if path.name == TOOLCHAIN_FILES[0] and len(lines) == 1 and "[" not in text:
        return ToolchainFile(path=path, channel=lines[0].strip())
    document: ToolchainDocument = parse_document(path, text, ToolchainDocument)
    asked = document.toolchain
    if asked.channel is not None and asked.path is not None:
        raise BrokenManifest(path, "both `channel` and `path` are set", hint="remove one of them")
    return ToolchainFile(
        path=path,
        channel=asked.channel,
        folder=path.parent / asked.path if asked.path is not None else None,
        components=tuple(asked.components),
        targets=tuple(asked.targets),
    )
