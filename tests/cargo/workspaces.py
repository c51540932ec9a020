"""Workspaces as hypothesis makes them: many right ones, and some with what cargo refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

Files = dict[str, str]

NAMES = st.sampled_from(["app", "web", "core", "my-lib", "x_y", "api", "tool", "data"])
FOLDERS = st.sampled_from(["a", "b", "crates/a", "crates/b", "crates/app", "libs/core", "libs/deep/x", "../side"])
EDITIONS = st.sampled_from(["2015", "2018", "2021", "2024"])
SOURCES = (
    *("src/main.rs", "src/lib.rs", "src/my_lib.rs", "src/bin/one.rs", "src/bin/two/main.rs", "src/bin/.x.rs"),
    *("src/bin/three/lib.rs", "examples/e.rs", "examples/f/main.rs", "tests/t.rs", "benches/b.rs", "build.rs"),
)
# What cargo writes goes through a filter for terminals, which drops U+007F.
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=3)
VERSIONS = st.sampled_from(["0.1.0", "1.2.3-rc.1", "2.0.0+build.5"])


def toml(value: object) -> str:
    """Write a value as TOML: a table inline."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def document(tables: Mapping[str, Any]) -> str:
    """Write a document of tables; a list is an array of tables."""
    lines = []
    for name, table in tables.items():
        for entry in table if isinstance(table, list) else [table]:
            lines.append(f"[[{name}]]" if isinstance(table, list) else f"[{name}]")
            lines += [f"{json.dumps(key)} = {toml(value)}" for key, value in entry.items()]
    return "\n".join(lines) + "\n"


def sometimes(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


INHERITED = {"workspace": True}


@st.composite
def package_tables(draw: st.DrawFn, name: str, paths: list[tuple[str, str]]) -> dict[str, Any]:
    """The tables of a package; `paths` are the names and folders of packages that it may depend on."""
    package: dict[str, Any] = {"name": name}
    choices: dict[str, st.SearchStrategy[Any]] = {
        "version": VERSIONS | st.just(INHERITED) | st.sampled_from(["1.0", "01.0.0"]),
        "edition": EDITIONS | EDITIONS | st.just(INHERITED),
        "rust-version": st.sampled_from(["1.56", "1.85.1", "1", "^1.2"]) | st.just(INHERITED),
        "description": st.text('aé"\\ \n', max_size=4) | st.just(INHERITED),
        "license": st.just("MIT") | st.just(INHERITED),
        "authors": st.lists(st.sampled_from(["A <a@b.c>", "B"]), max_size=2) | st.just(INHERITED),
        "publish": st.booleans() | st.just([]) | st.just(INHERITED),
        "default-run": st.sampled_from(["one", "two", name]),
        "links": st.just("z"),
        "autobins": st.booleans(),
        "autolib": st.booleans(),
        "autoexamples": st.booleans(),
        "build": st.booleans() | st.just("other/build.rs"),
        "resolver": st.sampled_from(["1", "2", "3", "4"]),
        "metadata": st.dictionaries(st.sampled_from("ab"), st.integers() | TEXTS, max_size=2),
    }
    for key in draw(st.lists(st.sampled_from(sorted(choices)), max_size=4, unique=True)):
        package[key] = draw(choices[key])
    tables: dict[str, Any] = {"package": package}
    target = st.fixed_dictionaries(
        {"name": st.sampled_from(["one", "two", "named", name])},
        optional={
            "path": st.sampled_from(["src/main.rs", "./src/bin/one.rs", "tools/x.rs"]),
            "required-features": st.just(["f"]),
            "edition": EDITIONS,
        },
    )
    for key in ("bin", "example", "test", "bench"):
        if draw(st.integers(0, 4)) == 0:
            tables[key] = draw(st.lists(target, max_size=2))
    if draw(st.integers(0, 5)) == 0:
        tables["lib"] = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "name": st.sampled_from(["my_lib", "my-lib", ""]),
                    "path": st.just("src/my_lib.rs"),
                    "crate-type": st.lists(st.sampled_from(["cdylib", "rlib", "dylib"]), max_size=2),
                    "proc-macro": st.booleans(),
                },
            )
        )
    tables |= draw(dependency_tables(paths))
    if draw(st.booleans()):
        values = st.sampled_from(["g", "f", "dep:serde", "serde", "serde/std", "serde?/std", "none", "dep:none"])
        tables["features"] = draw(
            st.dictionaries(
                st.sampled_from(["f", "g", "default", "serde"]), st.lists(values, max_size=2), max_size=3
            )
        )
    return tables


@st.composite
def dependency_tables(draw: st.DrawFn, paths: list[tuple[str, str]]) -> dict[str, Any]:
    keys = ["dependencies", "dev-dependencies", "build-dependencies", 'target."cfg(unix)".dependencies']
    tables: dict[str, Any] = {}
    for key in draw(st.lists(st.sampled_from(keys), max_size=2, unique=True)):
        entries: dict[str, Any] = {}
        for name, path in draw(st.lists(st.sampled_from(paths), max_size=2)) if paths else ():
            entries[name] = {"path": path, **({"optional": True} if draw(st.integers(0, 4)) == 0 else {})}
        serde: dict[str, Any] = draw(
            st.fixed_dictionaries(
                {"version": st.sampled_from(["1", ">=1, <2", "*", "1.*", "one"])},
                optional={
                    "optional": st.booleans(),
                    "default-features": st.booleans(),
                    "features": st.lists(st.sampled_from(["std", "a/b"]), max_size=1),
                    "package": st.sampled_from(["other", "0bad"]),
                },
            )
            | st.just({"workspace": True, "features": ["std"]})
        )
        if draw(st.booleans()):
            entries["serde"] = serde
        tables[key] = entries
    return tables


@st.composite
def workspaces(draw: st.DrawFn) -> Files:
    """The files of a workspace, or of a package alone, below a folder `root`."""
    folders = draw(st.lists(FOLDERS, max_size=4, unique=True))
    names = draw(st.lists(NAMES, min_size=5, max_size=5, unique=draw(st.integers(0, 9)) > 0))
    packages = dict(zip([".", *folders], names, strict=False))
    is_virtual = bool(folders) and draw(st.booleans())
    files: Files = {}
    for folder, name in packages.items():
        paths = [(other, relative(folder, place)) for place, other in packages.items() if place != folder]
        tables = {} if folder == "." and is_virtual else draw(package_tables(name, paths))
        if folder == "." and (is_virtual or draw(st.booleans())):
            tables["workspace"] = draw(workspace_table(folders))
            tables |= draw(inheritable())
        elif draw(st.integers(0, 14)) == 0:
            tables["workspace"] = {}
        files[f"root/{folder}/Cargo.toml"] = document(tables)
        if not (folder == "." and is_virtual):
            chosen = draw(st.lists(st.sampled_from(SOURCES), max_size=4, unique=True))
            for source in {*chosen, *(["src/main.rs"] if draw(st.integers(0, 3)) else [])}:
                files[f"root/{folder}/{source}"] = ""
    return files


def relative(folder: str, other: str) -> str:
    """The way from one folder of the workspace to another."""
    up = "../" * (0 if folder == "." else len(folder.split("/")))
    if folder.startswith("../"):
        up = "../root/"
    return f"{up}{other}"


@st.composite
def workspace_table(draw: st.DrawFn, folders: list[str]) -> dict[str, Any]:
    patterns = st.sampled_from([*folders, *folders, "crates/*", "libs/*", "libs/**", "none-*", "gone"])
    table: dict[str, Any] = {
        "members": [*folders] if draw(st.booleans()) else draw(st.lists(patterns, max_size=3))
    }
    if draw(st.integers(0, 3)) == 0:
        table["exclude"] = draw(st.lists(st.sampled_from(["crates", "libs/core", "a", *folders]), max_size=2))
    if draw(st.integers(0, 3)) == 0:
        table["default-members"] = draw(st.lists(patterns | st.just("."), max_size=2))
    if draw(st.integers(0, 3)) == 0:
        table["resolver"] = draw(st.sampled_from(["1", "2", "3", "x"]))
    if draw(st.integers(0, 3)) == 0:
        table["metadata"] = {"k": [1, "two", {"three": 3}]}
    return table


@st.composite
def inheritable(draw: st.DrawFn) -> dict[str, Any]:
    tables: dict[str, Any] = {}
    if draw(st.booleans()):
        tables["workspace.package"] = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "version": VERSIONS,
                    "edition": EDITIONS,
                    "rust-version": st.just("1.90"),
                    "description": st.just("of the workspace"),
                    "license": st.just("Apache-2.0"),
                    "authors": st.just(["W"]),
                    "publish": st.booleans(),
                },
            )
        )
    if draw(st.booleans()):
        entry = {"version": "1", "features": ["derive"]} if draw(st.booleans()) else "1.2"
        tables["workspace.dependencies"] = {"serde": entry}
    return tables
