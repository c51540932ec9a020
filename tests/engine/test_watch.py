"""`watch` with a real cargo and real engines: the program of the last sources that compile runs."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import docker
import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tests.conftest import clean_environment, crate, write_files
from tests.engine.conftest import ENGINE_NAMES, MACHINE_ENGINE

pytestmark = pytest.mark.engine

MAIN = 'fn main() {{ println!("this is {word}"); {then} }}\n'
FOR_EVER = "loop { std::thread::park(); }"
SECONDS = 60


class Watch:
    """A running `invoke watch`, and the lines that it wrote so far."""

    def __init__(self, folder: Path, backend: str, host: str) -> None:
        self.folder = folder
        self._lines: queue.Queue[str] = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "invoke", "watch"],
            cwd=folder,
            env=clean_environment(RUSTDOCKER_BACKEND=backend, DOCKER_HOST=host, PYTHONUNBUFFERED="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._lines.put(line)

    def until(self, *texts: str) -> str:
        """Return what was written until each of the texts was there: the program's lines come when they come."""
        deadline, seen = time.monotonic() + SECONDS, ""
        while not all(text in seen for text in texts):
            try:
                seen += self._lines.get(timeout=max(0.1, deadline - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"not all of {texts} in {seen}")
        return seen

    def write(self, word: str, then: str = FOR_EVER) -> None:
        (self.folder / "src/main.rs").write_text(MAIN.format(word=word, then=then))

    def end(self, number: int) -> int:
        os.kill(self.process.pid, number)
        return self.process.wait(timeout=30)

    def close(self) -> None:
        if self.process.poll() is None:
            self.end(signal.SIGTERM)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[[str, str], Watch]]:
    """Start `invoke watch` for a new project of its own."""
    started: list[Watch] = []

    def start(backend: str, host: str) -> Watch:
        name = f"t{uuid.uuid4().hex[:8]}"
        folder = write_files(tmp_path / name, crate(name))
        (folder / "src/main.rs").write_text(MAIN.format(word="first", then=FOR_EVER))
        subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=folder, check=True)
        started.append(Watch(folder, backend, host))
        return started[-1]

    yield start
    for each in started:
        each.close()


def containers(folder: Path, host: str) -> list[str]:
    with closing(docker.DockerClient(base_url=host)) as client:
        label = f"rustdocker.root={folder}"
        return [str(each.status) for each in client.containers.list(all=True, filters={"label": label})]


@pytest.mark.parametrize(
    ("backend", "host"),
    [("buildx", MACHINE_ENGINE), ("buildx", CURRENT_ENGINE), ("host", CURRENT_ENGINE)],
    ids=[*ENGINE_NAMES, "host"],
)
def test_the_program_of_the_last_sources_that_compile_runs(
    watch: Callable[[str, str], Watch], backend: str, host: str
) -> None:
    it = watch(backend, host)
    it.until("this is first", "waiting for a change")
    it.write("second")
    it.until("this is second", "waiting for a change")
    it.write("broken", then="this does not compile")
    told = it.until("waiting for a change")

    assert "`cargo build` failed" in told
    assert containers(it.folder, host) == ["running"]

    it.write("third", then="std::process::exit(3)")
    it.until("this is third", "the program ended with exit code 3; waiting for a change")
    it.write("fourth")
    it.until("this is fourth", "waiting for a change")
    assert containers(it.folder, host) == ["running"]
    assert it.end(signal.SIGINT) == 130
    assert containers(it.folder, host) == []


def test_what_changes_during_a_build_is_built_too(watch: Callable[[str, str], Watch]) -> None:
    it = watch("host", CURRENT_ENGINE)
    it.until("Compiling")
    it.write("second")
    it.until("this is second")
    assert it.end(signal.SIGTERM) == 143


def test_what_a_build_script_writes_is_no_change_each_time(watch: Callable[[str, str], Watch]) -> None:
    it = watch("host", CURRENT_ENGINE)
    it.until("waiting for a change")
    (it.folder / "build.rs").write_text('fn main() { std::fs::write("src/made.rs", "").unwrap(); }\n')
    it.until("waiting for a change")
    # The file is new once, and written again by the build that it leads to.
    time.sleep(5)
    it.write("second")
    told = it.until("this is second", "waiting for a change")

    assert told.count("the image is the same") <= 2


def test_a_package_that_is_depended_on_while_it_runs_is_watched_too(watch: Callable[[str, str], Watch]) -> None:
    it = watch("host", CURRENT_ENGINE)
    it.until("waiting for a change")
    library = it.folder.parent / "text"
    write_files(library, crate("text", **{"src/lib.rs": 'pub const TEXT: &str = "one";\n'}))
    manifest = it.folder / "Cargo.toml"
    (it.folder / "src/main.rs").write_text(f'fn main() {{ println!("it is {{}}", text::TEXT); {FOR_EVER} }}\n')
    manifest.write_text(manifest.read_text() + '[dependencies]\ntext = { path = "../text" }\n')
    subprocess.run(["cargo", "update", "--quiet", "--workspace"], cwd=it.folder, check=True)
    it.until("it is one", "waiting for a change")
    time.sleep(2)
    (library / "src/lib.rs").write_text('pub const TEXT: &str = "two";\n')
    it.until("it is two", "waiting for a change")


def test_a_change_that_makes_no_other_program_starts_none(watch: Callable[[str, str], Watch]) -> None:
    it = watch("host", CURRENT_ENGINE)
    it.until("waiting for a change")
    (it.folder / "target" / "note").write_text("x")
    (it.folder / "README.md").write_text("x")
    it.until("the image is the same: the program goes on")

    assert containers(it.folder, CURRENT_ENGINE) == ["running"]
