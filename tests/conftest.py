"""What tests share: small Cargo projects, the tasks as a user starts them, the engine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import docker
import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).parent.parent
TASKS = "from rustdocker_tasks import ns\n"
TASKS_OF_ALL = "from rustdocker_tasks import workspace\nns = workspace()\n"
MANIFEST = '[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n'
# With these cargo has a folder for each unit, as it has since 1.100; RUSTC_BOOTSTRAP lets a stable one try it.
UNITS_OF_THEIR_OWN = {"RUSTC_BOOTSTRAP": "1", "CARGO_UNSTABLE_BUILD_DIR_NEW_LAYOUT": "true"}
MAIN = 'fn main() { println!("first"); }\n'

settings.register_profile("quick", max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("quick")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept", action="store_true", help="Write the golden files anew.")


@dataclass(frozen=True)
class Outcome:
    code: int
    stdout: str
    stderr: str

    @property
    def result(self) -> str:
        """What stdout carries, after the task is known to have succeeded."""
        assert self.code == 0, self.stderr
        return self.stdout.strip()

    @property
    def compiled(self) -> list[str]:
        """The packages that cargo says it compiled, in its order."""
        return [line.split()[1] for line in self.stderr.splitlines() if line.strip().startswith("Compiling ")]


Write = Callable[[Mapping[str, str]], Path]


def write_files(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def crate(name: str = "app", **files: str) -> dict[str, str]:
    """The files of a package with one binary; `files` replace or add, by path."""
    return {"Cargo.toml": MANIFEST.format(name=name), "src/main.rs": MAIN, "tasks.py": TASKS, **files}


def clean_environment(**changes: str) -> dict[str, str]:
    """This process's environment without what would change a task's settings.

    Backend and cache are `host` and `mount` unless a test says otherwise: `auto` depends on the machine.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("RUSTDOCKER_", "INVOKE_"))}
    return {**kept, "RUSTDOCKER_BACKEND": "host", "RUSTDOCKER_CACHE": "mount", **changes}


def invoke(*words: str, folder: Path, **environment: str) -> Outcome:
    """Run `invoke` in a process of its own, as a user does."""
    return start(sys.executable, "-m", "invoke", *words, folder=folder, **environment)


def invoke_in_background(*words: str, folder: Path, log: Path, **environment: str) -> subprocess.Popen[bytes]:
    """Start `invoke` as a shell does: a process group of its own, which a terminal's Ctrl-C reaches as one."""
    with log.open("wb") as sink:
        return subprocess.Popen(
            [sys.executable, "-m", "invoke", *words],
            cwd=folder,
            env=clean_environment(**environment),
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )


def start(*words: str, folder: Path, **environment: str) -> Outcome:
    """Run a program in a process of its own; a traceback is never right."""
    done = subprocess.run(
        words,
        cwd=folder,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files into a folder of the test's own and return the folder."""
    return lambda files: write_files(tmp_path, files)


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The running engine. Without one the test fails: a missing engine proves nothing."""
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def output_of(engine: docker.DockerClient) -> Callable[..., str]:
    """Run an image to its end and return what it printed."""

    def run(image: str, *arguments: str, **options: Any) -> str:
        printed: bytes = engine.containers.run(image, list(arguments), remove=True, **options)
        return printed.decode().strip()

    return run


@pytest.fixture(autouse=True)
def _no_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests of pure parts start no process: they would be slow, and not about what they claim."""
    if request.node.get_closest_marker("cargo") or request.node.get_closest_marker("engine"):
        return

    def refuse(*_: object, **__: object) -> NoReturn:
        message = "a test without the mark `cargo` or `engine` started a process"
        raise AssertionError(message)

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
