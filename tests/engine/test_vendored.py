"""Vendored crates in containers, which cargo refuses unless it finds every file that their checksums name."""

from __future__ import annotations

import json
import subprocess
import uuid
from hashlib import sha256

import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tests.cargo.test_mirror import VENDORED
from tests.conftest import TASKS, Write, invoke
from tests.engine.workspace import OWN_UNITS, own_image, require_units_of_their_own

pytestmark = pytest.mark.engine

# What editors and the users' own ignore file keep out anywhere else.
OF_OTHERS = (".vscode/settings.json", "src/lib.rs~", ".gitignore", ".env.test")


@pytest.mark.parametrize("cache", ["mount", "layer"])
def test_a_vendored_crate_is_whole(write: Write, cache: str) -> None:
    names = {name: f"{name}\n" for name in OF_OTHERS}
    digests = {name: sha256(text.encode()).hexdigest() for name, text in names.items()}
    files = {
        **VENDORED,
        **{f"vendor/dep-1/{name}": text for name, text in names.items()},
        "vendor/dep-1/.cargo-checksum.json": json.dumps({"files": digests}),
        ".dockerignore": "**/.gitignore\n",
        "tasks.py": TASKS,
    }
    folder = write(files)
    subprocess.run(["cargo", "generate-lockfile", "--quiet", "--offline"], cwd=folder, check=True)
    settings = {"RUSTDOCKER_BACKEND": "buildx", "RUSTDOCKER_CACHE": cache, "DOCKER_HOST": CURRENT_ENGINE}

    assert (
        invoke("run", folder=folder, **settings, **own_image(f"vendored-{uuid.uuid4().hex[:8]}-")).result
        == "first"
    )


@pytest.mark.parametrize("toolchain", [{}, OWN_UNITS], ids=["units in common folders", "of their own"])
def test_an_edited_crate_is_compiled_anew_and_no_damage(write: Write, toolchain: dict[str, str]) -> None:
    folder = write({**VENDORED, "tasks.py": TASKS})
    subprocess.run(["cargo", "generate-lockfile", "--quiet", "--offline"], cwd=folder, check=True)
    settings = {
        "RUSTDOCKER_BACKEND": "buildx",
        "DOCKER_HOST": CURRENT_ENGINE,
        **own_image(f"vendored-{uuid.uuid4().hex[:8]}-"),
        **toolchain,
    }

    first = invoke("run", folder=folder, **settings)
    write({name: text.replace("first", "fifth") for name, text in VENDORED.items()})
    edited = invoke("run", folder=folder, **settings)

    assert (first.result, edited.result) == ("first", "fifth")
    assert "is damaged" not in edited.stderr
    if toolchain:
        require_units_of_their_own(folder)
