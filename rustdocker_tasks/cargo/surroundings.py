"""What stands around a project and counts for it: cargo's configuration and the toolchain file. Reads the disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.config import ConfigFile, parse_config
from rustdocker_tasks.cargo.text import read_text
from rustdocker_tasks.cargo.toolchain import TOOLCHAIN_FILES, parse_toolchain_file
from rustdocker_tasks.errors import BrokenManifest
from rustdocker_tasks.home import home

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rustdocker_tasks.cargo.model import ToolchainFile

# Of two in one folder cargo takes the first.
_CONFIG_FILES = ("config", "config.toml")


def cargo_home() -> Path:
    return Path(os.environ.get("CARGO_HOME") or home() / ".cargo")


def config_files(folder: Path) -> list[ConfigFile]:
    """Return the configuration files for a folder, the weakest first, each behind those that it includes.

    Raises BrokenToml, BrokenManifest.
    """
    folders = [above / ".cargo" for above in (folder, *folder.parents)]
    if cargo_home() not in folders:
        folders.append(cargo_home())
    paths = [path for place in folders if (path := _first(place, _CONFIG_FILES)) is not None]
    return [file for path in reversed(paths) for file in _with_includes(path, ())]


def find_repository(folder: Path) -> Path:
    """Return the folder of the repository around a folder, itself where there is none.

    The user's home is none, though people keep its settings in one.
    """
    own = home().resolve()
    for above in (folder, *folder.parents):
        if above.resolve() == own:
            break
        # A folder that nobody may look into has none, to us.
        if os.path.exists(above / ".git"):  # noqa: PTH110
            return above
    return folder


def own_files(folder: Path, files: Sequence[ConfigFile], repository: Path) -> list[ConfigFile]:
    """Return the configuration files of a project's own repository, without those in cargo's home."""
    of_cargo = cargo_home().resolve()
    return [
        file
        for file in files
        if file.path.is_relative_to(folder)
        or (file.path.is_relative_to(repository) and not file.path.resolve().is_relative_to(of_cargo))
    ]


def load_toolchain_file(folder: Path) -> ToolchainFile | None:
    """Return what the nearest toolchain file asks for; raises BrokenToml, BrokenManifest."""
    for above in (folder, *folder.parents):
        if (path := _first(above, TOOLCHAIN_FILES)) is not None:
            return parse_toolchain_file(path, read_text(path))
    return None


def unread_files(root: Path, folders: Iterable[Path]) -> tuple[Path, ...]:
    """Return the files of members that cargo reads when it is run there, and not in the workspace's root."""
    found = (
        _first(place, names)
        for folder in folders
        if folder != root and folder not in root.parents
        for place, names in ((folder / ".cargo", _CONFIG_FILES), (folder, TOOLCHAIN_FILES))
    )
    return tuple(path for path in found if path is not None)


def _first(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _with_includes(path: Path, around: tuple[Path, ...]) -> Iterator[ConfigFile]:
    """The files that a file includes, which are weaker, and the file itself."""
    if path in around:
        raise BrokenManifest(path, "it includes itself", hint="remove it from `include`")
    file = parse_config(path, read_text(path))
    for entry in file.includes:
        included = Path(os.path.normpath(path.parent / entry.path))
        if included.is_file():
            yield from _with_includes(included, (*around, path))
        elif not entry.optional:
            hint = f"add it, or mend `include` in {path}"
            raise BrokenManifest(included, "there is no such file", hint=hint)
    yield file
