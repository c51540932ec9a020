"""What a collection binds to its tasks, beside what a task file, Invoke's configuration and flags say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from invoke.config import Config
from invoke.context import Context

from rustdocker_tasks.bound import Bound
from rustdocker_tasks.collection import collection
from rustdocker_tasks.pipeline import configure_image
from tests.conftest import MAIN, MANIFEST, write_files

SHOP = {"Cargo.toml": MANIFEST.format(name="shop"), "src/main.rs": MAIN, "src/bin/worker.rs": MAIN, "ca.pem": ""}
TABLES = {"backend": "host", "bin": {"worker": {"expose": [25], "profile": "dev"}}}


def context(project: Path | None = None) -> Context:
    """As Invoke makes it for a task of a task file in that folder."""
    return Context(Config(lazy=True, project_location=project))


def test_a_program_s_collection_keeps_the_tables_for_single_binaries(tmp_path: Path) -> None:
    folder = write_files(tmp_path, SHOP)
    own = Bound(folder, TABLES).for_program(package="shop", binary="worker")
    made = configure_image(folder, own.layers(context(), {}))

    assert made.binary.name == own.choice({}).binary == "worker"
    assert (made.resolved.settings.expose, made.resolved.settings.profile) == (("25/tcp",), "dev")
    assert made.resolved.origin("bin").where == "workspace(…), which has a collection for each program"


def test_none_is_what_is_not_said(tmp_path: Path) -> None:
    manifest = SHOP["Cargo.toml"] + '[package.metadata.rustdocker]\nvariant = "static"\n'
    folder = write_files(tmp_path, {**SHOP, "Cargo.toml": manifest})
    shown = json.loads(
        collection(folder, variant=None, expose=None, workdir="/srv").tasks["config"](context(), json=True)
    )

    assert (shown["variant"]["value"], shown["expose"]["value"], shown["workdir"]["value"]) == (
        "static",
        [],
        "/srv",
    )


def test_a_variable_chooses_no_other_program_than_the_collection_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_files(tmp_path, SHOP)
    monkeypatch.setenv("RUSTDOCKER_BIN", "shop")
    own = Bound(folder, {}).for_program(package="shop", binary="worker")

    assert configure_image(folder, own.layers(context(), {})).binary.name == "worker"


@pytest.mark.parametrize(
    ("here", "expected"), [("tasks", "tasks"), ("tasks/src", "tasks/src"), ("other", "tasks"), (".", "tasks")]
)
def test_without_a_root_it_is_the_folder_invoke_runs_in_or_the_task_file_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: str, expected: str
) -> None:
    for name in ("tasks/src", "other"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / here)

    assert Bound(None, {}).start(context(tmp_path / "tasks")) == tmp_path / expected


def test_a_table_for_single_binaries_chooses_none() -> None:
    assert Bound(None, TABLES).choice({}).binary is None
    assert Bound(None, {"bin": "worker"}).choice({}).binary == "worker"
    assert Bound(None, {"bin": "worker"}).choice({"bin": "shop"}).binary == "shop"


@pytest.mark.parametrize("as_configuration", [True, False])
def test_a_relative_path_starts_at_the_task_file_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, as_configuration: bool
) -> None:
    folder = write_files(tmp_path, SHOP)
    monkeypatch.chdir(folder / "src")
    settings: dict[str, Any] = {"backend": "host", "bin": "shop", "ca-certificates": ["ca.pem"]}
    c = context(folder)
    if as_configuration:
        c.config.update({"rustdocker": settings})
    made = configure_image(folder, Bound(None, {} if as_configuration else settings).layers(c, {}))

    assert made.resolved.settings.ca_certificates == (folder / "ca.pem",)


def test_a_flag_s_path_starts_where_it_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_files(tmp_path, SHOP)
    monkeypatch.chdir(folder / "src")
    monkeypatch.setenv("RUSTDOCKER_CA_CERTIFICATES", "../ca.pem")
    made = configure_image(folder, Bound(None, {"backend": "host", "bin": "shop"}).layers(context(folder), {}))

    assert made.resolved.settings.ca_certificates == (folder / "src/../ca.pem",)
