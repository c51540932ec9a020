"""The tasks under every Invoke that they are for: the oldest, the newest 2, and the one that is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MAIN, MANIFEST, Outcome, start, write_files

pytestmark = pytest.mark.cargo

FILES = {
    "tasks.py": """from pathlib import Path
from invoke import Collection, task
from rustdocker_tasks import collection, workspace

@task
def greet(c):
    c.run("echo hello")

here = Path(__file__).parent
ns = Collection(greet, workspace(here / "shop", name="shop"), collection(here / "mail", name="mail"))
""",
    "shop/Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["api", "web"]\n',
    "shop/api/Cargo.toml": MANIFEST.format(name="api"),
    "shop/api/src/main.rs": MAIN,
    "shop/web/Cargo.toml": MANIFEST.format(name="web"),
    "shop/web/src/main.rs": MAIN,
    "mail/Cargo.toml": MANIFEST.format(name="mail"),
    "mail/src/main.rs": MAIN,
    "mail/invoke.yaml": "rustdocker:\n  expose: [2525]\n",
    "mail/tasks.py": "from rustdocker_tasks import ns\n",
}


@pytest.fixture(scope="module", params=["2.2.0", "2.2.1", "installed"])
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which Python finds that version."""
    if request.param == "installed":
        return {}
    folder = tmp_path_factory.mktemp("invoke")
    words = ("install", "--quiet", "--no-deps", f"--target={folder}", f"invoke=={request.param}")
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    return {"PYTHONPATH": str(folder)}


def call(*words: str, folder: Path, library: dict[str, str]) -> Outcome:
    return start(sys.executable, "-m", "invoke", *words, folder=folder, **library)


def test_tasks_are_listed_completed_and_planned_from_anywhere(tmp_path: Path, library: dict[str, str]) -> None:
    folder = write_files(tmp_path, FILES)
    below = folder / "shop/api/src"

    listed = call("--list", folder=below, library=library).stdout
    completed = call("--complete", "--", "invoke shop.", folder=folder, library=library).stdout.split()
    flags = call("--complete", "--", "invoke shop.api.build --", folder=folder, library=library).stdout.split()
    planned = call("shop.api.plan", "mail.plan", folder=below, library=library)
    elsewhere = call("--search-root=../mail", "plan", folder=folder / "shop", library=library).stdout
    dry = call("--dry", "shop.build", "greet", folder=folder, library=library)

    for name in ("greet", "shop.build", "shop.api.run", "shop.web.run", "mail.static"):
        assert name in listed.split()
    assert {"shop.build", "shop.api.build", "shop.web.plan"} <= set(completed)
    assert {"--variant", "--profile"} <= set(flags)
    assert "image           api:0.1.0" in planned.stdout
    assert "image           mail:0.1.0" in planned.stdout
    assert "expose          2525/tcp" in elsewhere
    assert "image           web:0.1.0" in dry.stderr
    assert "hello" not in dry.stdout.splitlines()
    assert not list(folder.rglob("target"))


def test_the_program_and_nox_call_the_same_tasks(tmp_path: Path, library: dict[str, str]) -> None:
    noxfile = "from rustdocker_tasks.nox import register\nregister(tasks=['plan'], variants=['static'])\n"
    files = {"Cargo.toml": MANIFEST.format(name="app"), "src/main.rs": MAIN, "noxfile.py": noxfile}
    folder = write_files(tmp_path, files)
    rustdocker = str(Path(sys.executable).with_name("rustdocker"))

    planned = start(rustdocker, "plan", "--variant=static", folder=folder, **library)
    listed = start(rustdocker, "--list", folder=folder, **library)
    session = start(sys.executable, "-m", "nox", "-s", "plan", "--", "--profile=small", folder=folder, **library)
    made = start(rustdocker, "init", "--set", "expose=[8080]", folder=folder, **library)

    assert "variant         static" in planned.result
    assert "doctor" in listed.result.split()
    assert "image           app:0.1.0-static" in session.result
    assert "small" in session.stdout
    assert made.result.split() == [str(folder / "tasks.py"), str(folder / "Cargo.toml")]


def test_a_default_task_builds_with_what_the_environment_says(tmp_path: Path, library: dict[str, str]) -> None:
    tasks = 'from rustdocker_tasks import ns\nns.add_task(ns["build"], default=True)\n'
    folder = write_files(
        tmp_path, {"Cargo.toml": MANIFEST.format(name="app"), "src/main.rs": MAIN, "tasks.py": tasks}
    )
    # Without an engine the image is a file.
    own = {**library, "DOCKER_HOST": "unix:///nowhere", "RUSTDOCKER_TAG": ":of-a-variable"}

    done = call("--echo", folder=folder, library=own)

    assert done.code == 0, done.stderr
    assert Path(done.stdout.strip()).is_file()
    assert "of-a-variable" in done.stdout
    assert "cargo build --manifest-path=" in done.stderr
