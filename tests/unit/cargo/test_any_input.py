"""Whatever stands in Cargo's files: a project, or an error of ours, and never a traceback."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rustdocker_tasks.cargo.project import load_outside, load_project
from rustdocker_tasks.cargo.schema import DependencyTable, ManifestTable, PackageTable, TargetTable, WorkspaceTable
from rustdocker_tasks.errors import ProjectError
from tests.cargo.workspaces import document

SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS.filter(lambda value: value is not None),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
WORDS = st.sampled_from(["a", "..", ".", "/", "*", "[", "**/x", "1.0.0", "2021", "dep:a", "a/b", "src/main.rs"])


def keys(*tables: type[Any]) -> st.SearchStrategy[str]:
    return st.sampled_from([name for table in tables for name in table.__struct_encode_fields__]) | st.text(
        max_size=3
    )


TABLES = st.dictionaries(
    keys(PackageTable, WorkspaceTable, TargetTable, DependencyTable), VALUES | WORDS | st.lists(WORDS), max_size=5
)


def read(content: bytes, lock: bytes | None = None) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name, "project")
        (folder / "src").mkdir(parents=True)
        (folder / "src/main.rs").touch()
        (folder / "Cargo.toml").write_bytes(content)
        if lock is not None:
            (folder / "Cargo.lock").write_bytes(lock)
        with suppress(ProjectError):
            load_outside(load_project(folder))


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes(content: bytes) -> None:
    read(content)
    read(b'[package]\nname = "x"\n' + content)
    read(b'[package]\nname = "x"\n', lock=content)


@given(st.dictionaries(keys(ManifestTable), TABLES | st.lists(TABLES, min_size=1, max_size=2), max_size=4))
def test_any_value_at_any_key(tables: dict[str, Any]) -> None:
    sections = {name.replace("\n", ""): table for name, table in tables.items() if name.isidentifier()}
    read(document({"package": {"name": "x"}, **sections}).encode("utf-8", "replace"))
    read(document(sections).encode("utf-8", "replace"))
