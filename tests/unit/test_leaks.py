"""What is set for one collection is never seen by another: over random trees of collections in one task file."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invoke.collection import Collection
from invoke.program import Program

import rustdocker_tasks
from rustdocker_tasks import collection, workspace
from tests.conftest import crate, write_files

SETTINGS = {
    "expose": st.lists(st.integers(1, 65535), min_size=1, max_size=2, unique=True),
    "user": st.integers(1, 60000),
    "locked": st.booleans(),
    "profile": st.sampled_from(["release", "dev", "small"]),
    "labels": st.dictionaries(st.sampled_from(["a", "b"]), st.text("xyz", max_size=3), min_size=1, max_size=2),
    "workdir": st.sampled_from(["/srv/a", "/srv/b"]),
    "stop_signal": st.sampled_from(["SIGINT", "SIGQUIT"]),
}
DEFAULTS = {
    "expose": [],
    "user": "65532:65532",
    "locked": True,
    "profile": "release",
    "labels": {},
    "workdir": None,
    "stop-signal": None,
}


class Leaf(NamedTuple):
    """A collection below the folders of a path, with settings and flags of its own; or that of a workspace."""

    path: tuple[str, ...]
    settings: dict[str, Any]
    flags: tuple[str, ...]
    is_of_all: bool = False


NAMES = st.sampled_from(["one", "two", "three"])
LEAVES = st.lists(
    st.builds(
        Leaf,
        path=st.lists(NAMES, max_size=2).map(tuple),
        settings=st.fixed_dictionaries({}, optional=SETTINGS),
        flags=st.sampled_from([(), ("--profile=dev",)]),
        is_of_all=st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("leaks"), crate())


def tree(folder: Path, leaves: list[Leaf]) -> tuple[Collection, list[str]]:
    """Return the collections, and the names of their tasks on the command line."""
    root, names = Collection(), []
    inner: dict[tuple[str, ...], Collection] = {}
    for number, leaf in enumerate(leaves):
        place: Collection = root
        path: tuple[str, ...] = ()
        for name in leaf.path:
            path = (*path, name)
            if path not in inner:
                inner[path] = Collection(name)
                place.add_collection(inner[path])
            place = inner[path]
        make = workspace if leaf.is_of_all else collection
        place.add_collection(make(root=folder, name=f"leaf{number}", backend="host", **leaf.settings))
        # In that of a workspace each program has its own.
        names.append(".".join((*leaf.path, f"leaf{number}", *(["app"] if leaf.is_of_all else []), "config")))
    return root, names


def told(namespace: Collection, words: list[str]) -> list[dict[str, Any]]:
    """Return what each `config --json` of a command line prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        Program(namespace=namespace).run(["invoke", *words], exit=False)
    decoder, text, values = json.JSONDecoder(), out.getvalue(), []
    while text.strip():
        value, end = decoder.raw_decode(text.lstrip())
        values.append(value)
        text = text.lstrip()[end:]
    return values


def expected(leaf: Leaf) -> dict[str, Any]:
    values = {**DEFAULTS, **{key.replace("_", "-"): value for key, value in leaf.settings.items()}}
    if leaf.flags:
        values["profile"] = "dev"
    values["expose"] = [f"{port}/tcp" for port in values["expose"]]
    if isinstance(values["user"], int):
        values["user"] = f"{values['user']}:{values['user']}"
    return values


@given(leaves=LEAVES, data=st.data())
def test_settings_stay_where_they_are_set(folder: Path, leaves: list[Leaf], data: st.DataObject) -> None:
    namespace, names = tree(folder, leaves)
    order = data.draw(st.lists(st.sampled_from(range(len(leaves))), min_size=1, max_size=4, unique=True))

    words = [word for n in order for word in (names[n], "--json", *leaves[n].flags)]
    shown = told(namespace, words)

    assert len(shown) == len(order)
    for number, values in zip(order, shown, strict=True):
        assert {key: values[key]["value"] for key in DEFAULTS} == expected(leaves[number])


def test_what_invoke_s_configuration_says_is_for_all(folder: Path) -> None:
    """Unlike what a collection is given: that it is seen by others is what it is for."""
    namespace, names = tree(folder, [Leaf((), {}, ()), Leaf((), {"user": 7}, ())])
    namespace.configure({"rustdocker": {"user": 5}})

    first, second = told(namespace, [word for name in names for word in (name, "--json")])

    assert (first["user"]["value"], second["user"]["value"]) == ("5:5", "7:7")


def test_what_is_changed_of_a_task_is_no_other_s(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = rustdocker_tasks.ns
    monkeypatch.setattr(one["plan"], "aliases", ("p",))
    monkeypatch.setattr(one["build"], "is_default", True)
    monkeypatch.setattr(one["test"], "positional", ["args"])
    monkeypatch.setattr(one["check"], "pre", [one["build"]])
    monkeypatch.setattr(one["run"], "positional", [])
    one["run"].positional.append("args")
    other = collection(folder)

    assert (other["plan"].aliases, other["check"].pre) == ((), [])
    assert (other["build"].is_default, other["run"].positional) == (False, [])
    assert [argument.name for argument in other["test"].get_arguments() if argument.positional] == []
    assert [argument.name for argument in one["test"].get_arguments() if argument.positional] == ["args"]
