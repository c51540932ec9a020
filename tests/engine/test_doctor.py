"""`doctor` on this very machine, and on one that lacks what a build needs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rustdocker_tasks.cargo.surroundings import cargo_home
from tests.conftest import Write, crate, invoke
from tests.engine.conftest import ENGINE_NAMES, ENGINES, MACHINE_ENGINE

pytestmark = pytest.mark.engine


@ENGINES
def test_a_machine_that_can_build_has_no_fault(write: Write, host: str) -> None:
    told = invoke("doctor", folder=write(crate()), DOCKER_HOST=host, RUSTDOCKER_BACKEND="auto")

    version = ENGINE_NAMES[0] if host == MACHINE_ENGINE else ENGINE_NAMES[1]
    assert f"ok    engine        {version}" in told.result
    assert "ok    buildx" in told.result
    assert "FAULT" not in told.result


def test_a_home_that_is_not_there_is_no_fault(write: Write) -> None:
    own = {"CARGO_HOME": cargo_home(), "RUSTUP_HOME": os.environ.get("RUSTUP_HOME") or Path.home() / ".rustup"}
    rust = {name: str(path) for name, path in own.items()}
    told = invoke("doctor", folder=write(crate()), HOME="/nonexistent", **rust)

    assert "ok    cargo " in told.result


def test_without_engine_and_cargo_nothing_can_be_built(write: Write, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    settings = {"PATH": str(tmp_path / "empty"), "DOCKER_HOST": "unix:///nowhere", "RUSTDOCKER_BACKEND": "auto"}
    told = invoke("doctor", folder=write(crate()), **settings)

    assert told.code == 68
    assert "FAULT engine        none answers (unix:///nowhere: No such file or directory)" in told.stdout
    assert "FAULT cargo         not there" in told.stdout
    assert "nothing can be built here: engine, cargo" in told.stderr


def test_a_builder_that_is_not_there_is_a_fault(write: Write) -> None:
    told = invoke("doctor", folder=write(crate()), RUSTDOCKER_BACKEND="buildx", RUSTDOCKER_BUILDER="nowhere")

    assert told.code == 68
    assert "FAULT builder       there is none called nowhere" in told.stdout
