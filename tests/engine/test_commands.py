"""`test`, `clippy`, `fmt` and `clean` with a real cargo: in containers of both engines, and on the host."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tests.conftest import MANIFEST, TASKS, Outcome, clean_environment, invoke, write_files
from tests.engine.conftest import ENGINE_NAMES, MACHINE_ENGINE

pytestmark = pytest.mark.engine

BACKENDS = [("buildx", MACHINE_ENGINE), ("buildx", CURRENT_ENGINE), ("host", CURRENT_ENGINE)]
EVERYWHERE = pytest.mark.parametrize(("backend", "host"), BACKENDS, ids=[*ENGINE_NAMES, "host"])
HERE_AND_THERE = pytest.mark.parametrize(("backend", "host"), BACKENDS[1:], ids=[ENGINE_NAMES[1], "host"])
LIBRARY = """/// Doubles.
///
/// ```
/// assert_eq!({name}::double(2), 4);
/// ```
pub fn double(number: u32) -> u32 {{
    number * 2
}}

#[test]
fn doubles() {{
    assert_eq!(double(3), 6);
}}
"""
MAIN = """fn main() {{
    println!("{{}}", {name}::double(1));
}}

#[test]
fn of_the_program() {{
    assert!(std::path::Path::new("Cargo.toml").exists());
}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A program and a library of a name that no other project has."""
    name = f"t{uuid.uuid4().hex[:8]}"
    made = write_files(
        tmp_path / name,
        {
            "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["app", "library"]\n',
            "tasks.py": TASKS,
            "app/Cargo.toml": MANIFEST.format(name="app")
            + f'[dependencies]\n{name} = {{ path = "../library" }}\n',
            "app/src/main.rs": MAIN.format(name=name),
            "library/Cargo.toml": MANIFEST.format(name=name),
            "library/src/lib.rs": LIBRARY.format(name=name),
        },
    )
    subprocess.run(["cargo", "generate-lockfile", "--offline", "--quiet"], cwd=made, check=True)
    return made


def call(folder: Path, *words: str, backend: str, host: str, **settings: str) -> Outcome:
    return invoke(*words, folder=folder, RUSTDOCKER_BACKEND=backend, DOCKER_HOST=host, **settings)


def compiled(outcome: Outcome) -> list[str]:
    return sorted(outcome.compiled)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@EVERYWHERE
def test_tests_run_each_time_and_compile_what_changed_alone(folder: Path, backend: str, host: str) -> None:
    first = call(folder, "test", backend=backend, host=host)
    again = call(folder, "test", backend=backend, host=host)
    edit(folder / "app/src/main.rs", '"Cargo.toml"', '"nowhere"')
    broken = call(folder, "test", "--args", "--no-fail-fast", backend=backend, host=host)
    one = call(folder, "test", "--package", folder.name, backend=backend, host=host)

    assert (first.code, first.stdout) == (0, ""), first.stderr
    assert compiled(first) == ["app", folder.name]
    for outcome in (first, again):
        assert "test of_the_program ... ok" in outcome.stderr
        assert "test doubles ... ok" in outcome.stderr
        assert "test result: ok. 1 passed" in outcome.stderr.partition("Doc-tests")[2]
    assert (again.code, compiled(again)) == (0, [])
    assert (broken.code, compiled(broken)) == (66, ["app"])
    assert "test of_the_program ... FAILED" in broken.stderr
    assert "exit code 101" in broken.stderr
    assert "test doubles ... ok" in broken.stderr
    assert (one.code, "of_the_program" in one.stderr) == (0, False)
    assert "test doubles ... ok" in one.stderr


@HERE_AND_THERE
def test_arguments_reach_cargo_and_the_tests(folder: Path, backend: str, host: str) -> None:
    documented = call(folder, "test", "--args=--doc -- --test-threads=1", backend=backend, host=host)
    named = call(folder, "test", "--args=doubles -- --exact --nocapture", backend=backend, host=host)
    unknown = call(folder, "test", "--args=--nonsense", backend=backend, host=host)

    assert documented.code == 0, documented.stderr
    assert "Doc-tests" in documented.stderr
    assert "test doubles" not in documented.stderr
    assert named.code == 0, named.stderr
    assert "test doubles ... ok" in named.stderr
    assert "of_the_program ..." not in named.stderr
    assert unknown.code == 66
    assert "--nonsense" in unknown.stderr


def test_a_failure_after_more_output_than_an_engine_shows_is_a_failure(folder: Path) -> None:
    with (folder / "library/src/lib.rs").open("a") as file:
        file.write('#[test]\nfn loud() {\n    for _ in 0..60_000 {\n        println!("{:0>99}", 1);\n    }\n')
        file.write("    panic!();\n}\n")

    outcome = call(folder, "test", "--package", folder.name, backend="buildx", host=CURRENT_ENGINE)

    assert "output clipped" in outcome.stderr
    assert outcome.code == 66
    assert "tests failed\n" in outcome.stderr


def test_tests_leave_the_mounts_of_images_alone(folder: Path) -> None:
    place = {"backend": "buildx", "host": CURRENT_ENGINE}
    call(folder, "build", **place)
    call(folder, "test", **place)
    again = call(folder, "build", **place, RUSTDOCKER_LABELS='{ a = "b" }')

    assert (again.code, compiled(again)) == (0, []), again.stderr


@EVERYWHERE
def test_lints_are_told_each_time_and_fail_where_they_are_denied(folder: Path, backend: str, host: str) -> None:
    edit(folder / "library/src/lib.rs", "    number * 2\n", "    return number * 2;\n")

    outcomes = [call(folder, "clippy", backend=backend, host=host) for _ in range(2)]
    denied = call(folder, "clippy", "--args=-- -D warnings", backend=backend, host=host)
    edit(folder / "library/src/lib.rs", "    return number * 2;\n", "    number * 2\n")
    mended = call(folder, "clippy", "--args=-- -D warnings", backend=backend, host=host)

    for outcome in outcomes:
        assert outcome.code == 0, outcome.stderr
        assert "needless_return" in outcome.stderr
    assert denied.code == 66
    assert "`cargo clippy` failed with exit code 101" in denied.stderr
    assert mended.code == 0, mended.stderr


def written(path: Path) -> tuple[int, int, int]:
    """Which file it is and when it was last written; not when it was last read, as formatting reads every file."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns


@EVERYWHERE
def test_what_is_not_formatted_is_told_or_formatted(folder: Path, backend: str, host: str) -> None:
    ugly, other = folder / "library/src/lib.rs", folder / "app/src/main.rs"
    pretty = ugly.read_text()
    edit(ugly, "    number * 2", "  number*2")
    ugly.chmod(0o640)
    before = written(other)

    checked = call(folder, "fmt", "--check", backend=backend, host=host)
    unchanged = ugly.read_text()
    formatted = call(folder, "fmt", backend=backend, host=host)
    again = call(folder, "fmt", "--check", backend=backend, host=host)

    assert checked.code == 66
    assert "+    number * 2" in checked.stderr
    assert "number*2" in unchanged
    assert formatted.code == 0, formatted.stderr
    assert ugly.read_text() == pretty
    assert ugly.stat().st_mode & 0o777 == 0o640
    assert written(other) == before
    assert again.code == 0, again.stderr


def test_what_does_not_parse_is_left_as_it_is(folder: Path) -> None:
    broken = folder / "library/src/lib.rs"
    edit(broken, "pub fn", "pub fun")
    edit(folder / "app/src/main.rs", "    println", "println")
    before = {path: path.read_bytes() for path in folder.rglob("*.rs")}

    outcome = call(folder, "fmt", backend="buildx", host=CURRENT_ENGINE)

    assert outcome.code == 66
    assert "expected" in outcome.stderr
    assert {path: path.read_bytes() for path in before} == before


def test_clean_removes_what_builds_left_of_this_project_alone(folder: Path) -> None:
    place = {"backend": "buildx", "host": CURRENT_ENGINE}
    call(folder, "test", **place)
    call(folder, "build", **place)

    dry = call(folder, "-R", "clean", **place)
    kept = call(folder, "cache", **place).result.splitlines()[1]
    cleaned = call(folder, "clean", **place)
    left = call(folder, "cache", **place).result.splitlines()[1]

    assert dry.code == 0, dry.stderr
    assert kept.split()[:3] == ["this", "project", "2"]
    assert cleaned.code == 0, cleaned.stderr
    assert left.split()[:3] == ["this", "project", "0"]
    assert (folder / "app/src/main.rs").exists()
    assert not (folder / "target/rustdocker").exists()


def test_on_the_host_clean_empties_cargo_s_own_folder(folder: Path) -> None:
    place = {"backend": "host", "host": CURRENT_ENGINE}
    call(folder, "test", **place)
    assert (folder / "target/debug").exists()

    assert call(folder, "clean", **place).code == 0
    assert not (folder / "target").exists()


@pytest.mark.parametrize("host", [MACHINE_ENGINE, CURRENT_ENGINE], ids=ENGINE_NAMES)
def test_a_shell_has_the_sources_and_what_compiles_them(folder: Path, host: str) -> None:
    script = "pwd; cargo run --quiet --package app; touch /sources/x || echo read-only; exit 7"
    place = {"backend": "buildx", "host": host}

    first = call(folder, "shell", f"--args=-c '{script}'", **place)
    again = call(folder, "shell", "--args=-c 'cargo build --package app'", **place)

    assert first.stdout == "/sources\n2\nread-only\n", first.stderr
    assert first.code == 7
    assert (again.code, compiled(again)) == (0, []), again.stderr


def test_a_shell_on_a_terminal_takes_what_is_typed(folder: Path) -> None:
    controller, terminal = pty.openpty()
    environment = clean_environment(RUSTDOCKER_BACKEND="buildx", DOCKER_HOST=CURRENT_ENGINE)
    process = subprocess.Popen(
        [sys.executable, "-m", "invoke", "shell"],
        cwd=folder,
        env=environment,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    seen = _read_until(controller, "# ")
    os.write(controller, b"echo $((40 + 2)); exit 5\n")
    seen += _read_until(controller, None)

    assert process.wait(timeout=30) == 5, seen
    assert "42" in seen


def _read_until(controller: int, text: str | None) -> str:
    """Return what a terminal shows up to the text, or until nobody writes any more."""
    seen = ""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (text is None or text not in seen):
        try:
            piece = os.read(controller, 1000)
        except OSError:
            break
        seen += piece.decode(errors="replace")
    return seen


def test_on_the_host_there_is_no_shell_to_open(folder: Path) -> None:
    outcome = call(folder, "shell", backend="host", host=CURRENT_ENGINE)

    assert outcome.code == 64
    assert "--backend buildx" in outcome.stderr
