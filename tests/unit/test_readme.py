"""What the README shows can be typed: tasks and flags are there, settings are taken, task files can be loaded."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli
from invoke.collection import Collection
from invoke.parser import Parser
from invoke.program import Program

from rustdocker_tasks import collection, workspace
from rustdocker_tasks.pipeline import plan_image
from rustdocker_tasks.plan.model import MachineFacts, NoGitState
from rustdocker_tasks.program import program
from rustdocker_tasks.settings.options import OPTIONS
from rustdocker_tasks.settings.resolve import resolve_settings
from rustdocker_tasks.settings.sources import Layer, Source, metadata_layer
from tasks import ns as own_tasks
from tests.conftest import MANIFEST, REPOSITORY, write_files

HOST = MachineFacts(is_ci=False, buildx_problem=None, git=NoGitState("not asked"))
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCKS if kind == language]


def typed() -> Iterator[list[str]]:
    """The commands of the README that start with a program of ours, in its blocks and in its lines."""
    lines = "\n".join(blocks("sh")).splitlines()
    lines += [text for text in re.findall(r"`([^`\n]+)`", README) if text.startswith(("invoke ", "rustdocker "))]
    for line in lines:
        words = shlex.split(line.replace("$(", " ").replace(")", " "), comments=True)
        for part in _parts(words):
            start = next((n for n, word in enumerate(part) if re.search(r"(^|/)(invoke|rustdocker)$", word)), None)
            if start is not None and "pip" not in part:
                yield part[start:]


def _parts(words: list[str]) -> Iterator[list[str]]:
    """The commands of a line, between `&&` and `;`."""
    part: list[str] = []
    for word in [*words, "&&"]:
        if word in {"&&", ";"}:
            yield part
            part = []
        else:
            part.append(word)


@pytest.fixture
def collections(tmp_path: Path) -> list[Collection]:
    """The tasks of a project, of a workspace, of the program, and our own."""
    members = ("shop", "mail")
    files = {f"{name}/Cargo.toml": MANIFEST.format(name=name) for name in members}
    files |= {f"{name}/src/main.rs": "fn main() {}\n" for name in members}
    folder = write_files(tmp_path, {**files, "Cargo.toml": '[workspace]\nmembers = ["shop", "mail"]\n'})
    assert program.namespace is not None
    return [collection(root=folder), workspace(folder), program.namespace, own_tasks]


def is_known(words: list[str], known: Collection) -> bool:
    try:
        Parser(initial=Program().initial_context, contexts=known.to_contexts()).parse_argv(words)
    except Exception as error:  # noqa: BLE001 - Invoke has no one class for all
        return "…" in str(error)
    return True


def test_every_command_that_is_shown_can_be_typed(collections: list[Collection]) -> None:
    shown = [words for words in typed() if "…" not in " ".join(words) and "DIR" not in words]

    assert len(shown) > 30
    assert [words for words in shown if not any(is_known(words[1:], each) for each in collections)] == []


def test_a_command_that_is_not_there_would_be_noticed(collections: list[Collection]) -> None:
    for words in (["biuld"], ["build", "--varaint", "slim"], ["shop.biuld"]):
        assert not any(is_known(words, each) for each in collections)


def test_every_task_has_its_row() -> None:
    table = README.partition("| task | what it does |\n|---|---|\n")[2].partition("\n\n")[0]
    names = {name for row in table.splitlines() for name in re.findall(r"`([a-z-]+)`", row.split("|")[1])}

    assert names == set(collection().tasks)


def test_every_table_of_settings_is_taken() -> None:
    for text in blocks("toml"):
        document = tomli.loads(text)
        for kind, source in (("workspace", Source.WORKSPACE), ("package", Source.PACKAGE)):
            metadata = document.get(kind, {}).get("metadata", {})
            layer = metadata_layer(metadata, source=source, manifest=Path("/shop/Cargo.toml"), text=text)
            assert resolve_settings([layer]).origins or not metadata


def test_every_variable_that_is_shown_is_one() -> None:
    known = {option.variable for option in OPTIONS.values()}

    assert set(re.findall(r"RUSTDOCKER_[A-Z_]*[A-Z]", README)) <= known


def test_every_task_file_that_is_shown_can_be_loaded(tmp_path: Path) -> None:
    package = {"Cargo.toml": MANIFEST.format(name="shop"), "src/main.rs": "fn main() {}\n"}
    write_files(tmp_path, package)
    shown = [text for text in blocks("python") if "nox" not in text]

    assert len(shown) > 1
    for text in shown:
        names = {"__file__": str(tmp_path / "tasks.py")}
        exec(compile(text, "README.md", "exec"), names)
        assert isinstance(names["ns"], Collection)


def test_what_is_pushed_has_a_registry() -> None:
    tags = re.findall(r'\["push"\]\(c, tag=\["(.*?)"\]\)', README)
    values = {"repository": "ghcr.io/acme/shop", "tag": tags}
    layer = Layer(source=Source.FLAG, where=str, base=REPOSITORY, values=values)

    assert tags
    assert all(tag.registry for tag in plan_image(REPOSITORY / "examples/hello", [layer], facts=HOST).plan.tags)
