"""The program `rustdocker`, in folders without a task file."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tests.conftest import MAIN, MANIFEST, REPOSITORY, Outcome, Write, crate, invoke, start, write_files
from tests.engine.conftest import NOT_SOURCES

pytestmark = pytest.mark.engine

WORKSPACE = {
    "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["a", "b"]\n',
    **{f"{name}/Cargo.toml": MANIFEST.format(name=name) for name in "ab"},
    **{f"{name}/src/main.rs": MAIN for name in "ab"},
}


def rustdocker(*words: str, folder: Path, **environment: str) -> Outcome:
    return start(str(Path(sys.executable).parent / "rustdocker"), *words, folder=folder, **environment)


def without_tasks(files: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in files.items() if name != "tasks.py"}


def test_it_builds_where_there_is_no_task_file(write: Write, output_of: Callable[..., str]) -> None:
    folder = write(without_tasks(crate()))

    assert output_of(rustdocker("build", folder=folder).result) == "first"
    assert not (folder / "tasks.py").exists()


def test_invoke_s_configuration_counts(write: Write) -> None:
    folder = write({**without_tasks(crate()), "invoke.yaml": "rustdocker:\n  expose: [8080]\n"})

    assert "8080" in rustdocker("config", folder=folder).result
    # As `invoke` finds a task file from there.
    assert "8080" in rustdocker("config", folder=folder / "src").result


def test_init_writes_a_task_file_that_works_and_shows_it_first(
    write: Write, output_of: Callable[..., str]
) -> None:
    folder = write(without_tasks(crate()))
    assert rustdocker("--dry", "init", folder=folder).code == 0
    assert not (folder / "tasks.py").exists()

    written = rustdocker("init", folder=folder)
    assert written.result == str(folder / "tasks.py")
    assert "+from rustdocker_tasks import ns" in written.stderr
    assert output_of(invoke("build", folder=folder).result) == "first"


def test_init_twice_changes_nothing_and_another_file_is_left_alone(write: Write) -> None:
    folder = write(without_tasks(crate()))
    rustdocker("init", folder=folder)
    before = (folder / "tasks.py").stat().st_mtime_ns
    assert rustdocker("init", folder=folder).code == 0
    assert (folder / "tasks.py").stat().st_mtime_ns == before

    (folder / "tasks.py").write_text("import mine\n")
    refused = rustdocker("init", folder=folder)
    assert refused.code == 65
    assert "from rustdocker_tasks import ns" in refused.stderr
    assert (folder / "tasks.py").read_text() == "import mine\n"


def test_init_of_several_programs_makes_the_tasks_of_all(tmp_path: Path) -> None:
    folder = write_files(tmp_path, WORKSPACE)
    rustdocker("init", folder=folder)
    listed = invoke("--list", folder=folder).result

    assert {"build", "push", "a.build", "b.run"} <= {
        line.split()[0] for line in listed.splitlines() if line.strip()
    }
    rows = invoke("build", folder=folder).result.splitlines()
    assert [row.split()[0] for row in rows] == ["a:0.1.0", "b:0.1.0"]


@pytest.mark.parametrize(
    ("example", "names"),
    [
        (Path("hello"), ["hello"]),
        (Path("monorepo/billing"), ["dunning", "invoices", "payments", "reports"]),
        (Path("monorepo/tools"), ["audit", "exporter", "importer"]),
    ],
    ids=str,
)
def test_what_init_writes_for_an_example_builds_at_the_first_try(
    tmp_path: Path, example: Path, names: list[str]
) -> None:
    whole = tmp_path / "a checkout" / example.parts[0]
    shutil.copytree(REPOSITORY / "examples" / example.parts[0], whole, ignore=NOT_SOURCES)
    folder = whole.joinpath(*example.parts[1:])
    (folder / "tasks.py").unlink(missing_ok=True)

    made = rustdocker("init", folder=folder)
    again = rustdocker("init", folder=folder)
    built = invoke("build", "--json", folder=folder, RUSTDOCKER_BACKEND="buildx", DOCKER_HOST=CURRENT_ENGINE)

    assert made.result == again.result == str(folder / "tasks.py")
    told = json.loads(built.result)
    images = told if isinstance(told, list) else [told]
    assert sorted(image["tags"][0].partition(":")[0] for image in images) == names


def test_init_for_nox_makes_a_noxfile_that_nox_reads(write: Write) -> None:
    folder = write(without_tasks(crate()))
    assert rustdocker("init", "--nox", folder=folder).code == 0
    listed = start(sys.executable, "-m", "nox", "--list", folder=folder, NOX_SCRIPT_MODE="none")

    assert "- build" in listed.result


def test_init_for_nox_makes_sessions_for_all_programs(tmp_path: Path) -> None:
    folder = write_files(tmp_path, WORKSPACE)
    assert rustdocker("init", "--nox", folder=folder).code == 0

    assert "register(workspace=True)" in (folder / "noxfile.py").read_text()
    planned = start(
        sys.executable, "-m", "nox", "--session", "build", "--", "--json", folder=folder, NOX_SCRIPT_MODE="none"
    )
    assert [image["name"] for image in json.loads(planned.stdout)] == ["a", "b"]


@pytest.mark.parametrize("example", ["hello", "web"])
def test_the_examples_have_the_task_file_that_init_writes(example: str) -> None:
    told = rustdocker("init", folder=REPOSITORY / "examples" / example)

    assert told.code == 0
    assert "has the tasks already" in told.stderr
