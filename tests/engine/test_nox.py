"""The tasks as sessions of Nox, run by Nox itself."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import MAIN, MANIFEST, REPOSITORY, Outcome, Write, crate, start, write_files
from tests.engine.conftest import MACHINE_ENGINE

pytestmark = pytest.mark.engine

NOXFILE = "from rustdocker_tasks.nox import register\nregister({arguments})\n"


def nox(*words: str, folder: Path, **environment: str) -> Outcome:
    return start(sys.executable, "-m", "nox", *words, folder=folder, DOCKER_HOST=MACHINE_ENGINE, **environment)


def with_noxfile(write: Write, arguments: str = "") -> Path:
    return write({**crate(), "noxfile.py": NOXFILE.format(arguments=arguments)})


def test_a_session_builds_the_image_and_prints_its_id_alone(write: Write, output_of: Callable[..., str]) -> None:
    built = nox("-s", "build", folder=with_noxfile(write))

    assert output_of(built.result) == "first"


def test_a_noxfile_brings_what_it_imports(write: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What `init` writes names it as PEP 723 has it, so that a nox alone is enough."""
    wheels, alone = (tmp_path_factory.mktemp(name) for name in ("wheels", "alone"))
    pip = [sys.executable, "-m", "pip", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", f"--wheel-dir={wheels}", REPOSITORY], check=True)
    subprocess.run([sys.executable, "-m", "venv", alone], check=True)
    subprocess.run([alone / "bin/pip", "--quiet", "install", "nox"], check=True)
    folder = write(crate())
    (folder / "tasks.py").unlink()
    start(str(Path(sys.executable).with_name("rustdocker")), "init", "--nox", folder=folder)

    of_wheels = {"PIP_FIND_LINKS": str(wheels), "UV_FIND_LINKS": str(wheels)}
    done = start(str(alone / "bin/nox"), "-s", "build", folder=folder, DOCKER_HOST=MACHINE_ENGINE, **of_wheels)

    assert re.search(r"^sha256:[0-9a-f]{64}$", done.result, re.MULTILINE)
    assert not list(alone.glob("lib/*/site-packages/rustdocker*"))


def test_the_flags_that_a_session_takes_can_be_asked_for(write: Write) -> None:
    shown = nox("-s", "build", "--", "--help", folder=with_noxfile(write)).result

    assert "--profile=STRING" in shown
    assert "Cargo's profile to compile with" in shown


def test_a_bare_nox_builds_nothing(write: Write) -> None:
    folder = with_noxfile(write)
    done = nox(folder=folder)

    assert done.code == 0
    assert not (folder / "target").exists()


def test_there_is_a_session_for_each_package_and_variant(write: Write) -> None:
    folder = with_noxfile(
        write, 'packages=["app", "other"], variants=["minimal", "static"], tasks=["build"], prefix="image-"'
    )
    listed = nox("--list", folder=folder)

    assert [line.split()[1] + line.split()[2] for line in listed.stdout.splitlines() if line.startswith("- ")] == [
        f"image-build(package='{package}',variant='{variant}')"
        for variant in ("minimal", "static")
        for package in ("app", "other")
    ]
    refused = nox("-s", "image-build(package='other', variant='minimal')", folder=folder)
    assert refused.code == 1
    assert "there is no package named `other`" in refused.stderr


def test_there_is_a_session_for_each_rust(write: Write) -> None:
    folder = with_noxfile(write, 'rusts=["1.85", "1.95"], tasks=["plan", "test"]')
    write_files(folder, {"rust-toolchain": "1.90.0\n"})
    listed = nox("--list", folder=folder).stdout
    of_others = {"RUSTDOCKER_BACKEND": "buildx", "RUSTDOCKER_TOOLCHAIN": "nightly"}
    planned = nox("-s", "plan(rust='1.85')", folder=folder, **of_others)

    for name in ("plan", "test"):
        for rust in ("1.85", "1.95"):
            assert f"- {name}(rust='{rust}')" in listed
    assert planned.code == 0, planned.stderr
    assert "toolchain       1.85 (register(rusts=…))" in planned.stdout


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ('tasks=["bild"]', 'hint: write it like tasks=["build"]'),
        ('tasks="build"', "`tasks` of register() cannot take this value: it is no list"),
        ('variants="static"', "`variants` of register() cannot take this value: it is no list"),
        ('variants=["slimm"]', 'hint: write it like variants=["slim"]'),
        ("rusts=[1.85]", "`rusts` of register() cannot take this value: float is no text"),
        ('rusts=["rust-version"]', "Cargo.toml has no `rust-version`"),
        (
            'workspace=True, packages=["app"]',
            "`packages` of register() cannot take this value: `workspace=True` is",
        ),
        ('workspace=True, bin="app"', "`bin` chooses one program, and a workspace"),
        ("expos=[80]", "hint: did you mean `expose`?"),
        ("default=True", "there is no setting `default`"),
        ('root="services"', "`root` cannot take this value: it is no absolute path"),
    ],
)
def test_what_cannot_be_registered_is_told_without_a_traceback(write: Write, arguments: str, found: str) -> None:
    done = nox("--list", folder=with_noxfile(write, arguments))

    assert done.code == 1
    assert found in done.stderr
    assert "Traceback" not in done.stderr


def test_a_session_builds_all_programs_of_a_workspace(write: Write) -> None:
    folder = write(
        {
            "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["api", "web"]\n',
            "noxfile.py": NOXFILE.format(
                arguments='workspace=True, tasks=["build", "plan"], variants=["minimal"]'
            ),
            **{f"{member}/{path}": text for member in ("api", "web") for path, text in crate(member).items()},
        }
    )
    built = nox("-s", "build(variant='minimal')", folder=folder, RUSTDOCKER_BACKEND="host")
    planned = nox("-s", "plan(variant='minimal')", "--", "--json", folder=folder)

    assert built.code == 0, built.stderr
    assert [line.split()[0] for line in built.stdout.splitlines()] == ["api:0.1.0", "web:0.1.0"]
    assert [plan["name"] for plan in json.loads(planned.stdout)] == ["api", "web"]


def test_a_name_is_the_image_s(write: Write) -> None:
    folder = with_noxfile(write, 'tasks=["plan"], name="other"')

    assert "other:0.1.0" in nox("-s", "plan", folder=folder).stdout


def test_the_package_s_oldest_rust_is_one_of_them(write: Write) -> None:
    folder = with_noxfile(write, 'rusts=["rust-version", "stable"], tasks=["plan"]')
    manifest = (folder / "Cargo.toml").read_text()
    (folder / "Cargo.toml").write_text(manifest.replace("[package]", '[package]\nrust-version = "1.85"'))

    listed = nox("--list", folder=folder).stdout

    assert "- plan(rust='1.85')" in listed
    assert "- plan(rust='stable')" in listed


def test_invoke_s_configuration_beside_the_noxfile_counts(write: Write) -> None:
    folder = with_noxfile(write, 'tasks=["plan"]')
    write_files(folder, {"invoke.yaml": "rustdocker:\n  expose: [7777]\n"})

    shown = nox("-s", "plan", folder=folder).stdout.splitlines()

    assert "expose          7777/tcp" in shown
    assert "set by          expose: Invoke's configuration (rustdocker.expose)" in shown


def test_the_noxfile_of_the_readme_has_its_sessions(write: Write) -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (shown,) = [text for text in re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL) if "nox" in text]
    listed = nox("--list", folder=write({**crate(), "noxfile.py": shown})).stdout

    for session in (
        "push(variant='static')",
        "build(variant='slim')",
        "test(rust='1.85')",
        "clippy(rust='stable')",
    ):
        assert f"- {session}" in listed


def test_what_follows_two_dashes_are_the_task_s_flags(write: Write) -> None:
    folder = with_noxfile(write, 'variant="minimal"')

    assert (
        "aborted: there is no binary named `nope`"
        in nox("-s", "build", "--", "--bin", "nope", folder=folder).stderr
    )
    assert "aborted: No idea what '--nope' is!" in nox("-s", "build", "--", "--nope", folder=folder).stderr
    assert not (folder / "target").exists()


def test_libraries_do_not_tell_what_they_do(write: Write) -> None:
    folder = with_noxfile(write, 'build_env={"SECRET": "hunter2"}')
    done = nox("-s", "build", folder=folder)

    assert done.code == 0
    assert "hunter2" not in done.stdout + done.stderr
    assert "urllib3" not in done.stderr


def test_the_oldest_rust_is_that_of_all_that_is_compiled(write: Write) -> None:
    oldest = MANIFEST + 'rust-version = "{}"\n'
    members = {name: oldest.format(rust, name=name) for name, rust in (("a", "1.70"), ("b", "1.80"))}
    files = {f"{name}/Cargo.toml": text for name, text in members.items()}
    files |= {f"{name}/src/main.rs": MAIN for name in members}
    files["Cargo.toml"] = '[workspace]\nresolver = "2"\nmembers = ["a", "b"]\ndefault-members = ["a"]\n'
    arguments = 'rusts=["rust-version"], tasks=["test"]'
    noxfile = f"{NOXFILE.format(arguments=arguments)}register({arguments}, packages=['a'], prefix='of-')\n"
    noxfile += f"register({arguments}, package='a', prefix='set-')\n"
    listed = nox("--list", folder=write({**files, "noxfile.py": noxfile})).stdout

    assert "- test(rust='1.80')" in listed
    of_one = next(line for line in listed.splitlines() if line.startswith("- of-test("))
    assert "rust='1.70'" in of_one
    assert "- set-test(rust='1.70')" in listed


def test_what_follows_a_second_dash_is_for_the_program_that_is_called(write: Write) -> None:
    tests = "#[test] fn good() {}\n#[test] fn bad() { panic!() }\n"
    folder = write({**crate(**{"src/lib.rs": tests}), "noxfile.py": NOXFILE.format(arguments='tasks=["test"]')})

    assert nox("-s", "test", "--", "--", "good", folder=folder).code == 0
    assert nox("-s", "test", "--", "--", "bad", folder=folder).code == 1
