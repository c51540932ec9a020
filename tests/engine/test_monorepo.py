"""The example of a monorepo: three Cargo workspaces and a service in Python, with one task file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from contextlib import closing
from pathlib import Path

import docker
import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.registry import PASSWORD, TRUSTED
from tests.conftest import REPOSITORY, Outcome, clean_environment, invoke, start
from tests.engine.conftest import NOT_SOURCES, write_credentials

pytestmark = pytest.mark.engine

MONOREPO = REPOSITORY / "examples" / "monorepo"
PROGRAMS = {
    *("shop-admin", "shop-api", "shop-mailer", "shop-search", "shop-worker"),
    *("dunning", "invoices", "payments", "reports"),
    *("audit", "exporter", "importer"),
}
BUILDX = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("monorepo") / "a mono repository"
    shutil.copytree(MONOREPO, made, ignore=NOT_SOURCES)
    return made


def images(outcome: Outcome) -> dict[str, str]:
    """The IDs by name, as the tables on stdout have them."""
    rows = [line.split() for line in outcome.result.splitlines()]
    return {row[0].partition(":")[0]: row[1] for row in rows}


def printed(image: str) -> str:
    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as client:
        return str(client.containers.run(image, remove=True).decode().strip())


def test_twelve_images_are_built_at_once_and_one_again_after_an_edit_of_its_source(folder: Path) -> None:
    first = images(invoke("build", folder=folder, **BUILDX))
    assert set(first) == PROGRAMS
    assert printed(first["audit"]) == "audit: 1.00 EUR"
    assert printed(first["shop-mailer"]) == "mailer: lamp for 25.00 EUR, chair for 89.00 EUR"
    source = folder / "billing/crates/reports/src/main.rs"
    source.write_text(source.read_text().replace("reports: ", "edited: "))
    edited = invoke("build", folder=folder, **BUILDX)
    library = folder / "libs/money/src/lib.rs"
    library.write_text(library.read_text().replace(" EUR", " CHF"))
    shared = invoke("tools.build", folder=folder, **BUILDX)

    assert edited.compiled == ["reports"]
    after = images(edited)
    assert {name for name in PROGRAMS if after[name] != first[name]} == {"reports"}
    assert printed(after["reports"]) == "edited: 46.50 EUR"
    assert sorted(shared.compiled) == ["audit", "exporter", "importer", "money"]
    assert printed(images(shared)["audit"]) == "audit: 1.00 CHF"


def test_the_images_are_started_and_pushed(folder: Path, tmp_path: Path) -> None:
    write_credentials(tmp_path, PASSWORD)
    settings = {"DOCKER_CONFIG": str(tmp_path), "RUSTDOCKER_REPOSITORY": f"{TRUSTED.address}/mono/{{name}}"}

    pushed = invoke("push", folder=folder, **BUILDX, **settings)

    names = {line.partition("@")[0] for line in pushed.result.splitlines()}
    assert names == {f"{TRUSTED.address}/mono/{name}" for name in PROGRAMS}
    assert "port 8080 of the container answers at 127.0.0.1:" in pushed.stderr


def test_one_service_runs_and_the_tests_of_both_languages_pass(folder: Path) -> None:
    service = ("--detach", "--port", "127.0.0.1:18080:8080")
    try:
        outcome = invoke("shop.shop-api.run", *service, folder=folder, **BUILDX)
        assert outcome.code == 0, outcome.stderr
    finally:
        invoke("shop.shop-api.stop", folder=folder, **BUILDX)

    # A virtual environment may lie in a folder with a blank too.
    venv.create(folder / "of Python")
    own = (str(REPOSITORY), *(path for path in sys.path if path.endswith("site-packages")))
    site = os.pathsep.join(own)
    words = (str(folder / "of Python/bin/python3"), "-m", "invoke", "test")

    tests = start(*words, folder=folder, RUSTDOCKER_BACKEND="host", PYTHONPATH=site)
    case = folder / "greeter/test_service.py"
    case.write_text(case.read_text().replace("assertEqual", "assertNotEqual"))
    # A test that fails shows its traceback.
    environment = clean_environment(RUSTDOCKER_BACKEND="host", PYTHONPATH=site)
    failed = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    assert failed.returncode == 1
    assert "test a_lamp_is_on_sale ... ok" in failed.stderr
    assert tests.code == 0, tests.stderr
    for name in ("a_lamp_is_on_sale", "the_total_is_that_of_all_entries"):
        assert f"test {name} ... ok" in tests.stderr
    assert "Ran 1 test" in tests.stdout + tests.stderr
