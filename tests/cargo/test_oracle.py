"""Our reader of Cargo's files against cargo's own word."""

from __future__ import annotations

import pytest

from rustdocker_tasks.cargo.project import load_outside, load_project
from tests.cargo.oracle import ask_cargo, ask_us
from tests.conftest import REPOSITORY, Write, crate

pytestmark = pytest.mark.cargo


def in_folder(folder: str, files: dict[str, str]) -> dict[str, str]:
    return {f"{folder}/{name}": text for name, text in files.items()}


def manifest(name: str, rest: str = "", *, edition: str = "2021") -> str:
    return f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "{edition}"\n{rest}'


MAIN = "fn main() {}\n"
PROJECTS: dict[str, dict[str, str]] = {
    "one binary": crate("shop"),
    "library alone": {"Cargo.toml": manifest("shop"), "src/lib.rs": ""},
    "no version, no edition": {"Cargo.toml": '[package]\nname = "shop"\n', "src/main.rs": MAIN},
    "binaries of every kind": {
        "Cargo.toml": manifest("shop", '[[bin]]\nname = "named"\npath = "tools/named.rs"\n'),
        "src/main.rs": MAIN,
        "src/bin/one.rs": MAIN,
        "src/bin/two/main.rs": MAIN,
        "src/bin/two/other.rs": "",
        "src/bin/three/lib.rs": "",
        "tools/named.rs": MAIN,
    },
    "main.rs under another name": {
        "Cargo.toml": manifest("shop", '[[bin]]\nname = "server"\npath = "src/main.rs"\n'),
        "src/main.rs": MAIN,
    },
    "a declared binary takes the place of the inferred one": {
        "Cargo.toml": manifest("shop", '[features]\nx = []\n[[bin]]\nname = "one"\nrequired-features = ["x"]\n'),
        "src/bin/one.rs": MAIN,
        "src/main.rs": MAIN,
    },
    "edition 2015 stops inferring": {
        "Cargo.toml": manifest("shop", '[[bin]]\nname = "one"\npath = "src/bin/one.rs"\n', edition="2015"),
        "src/bin/one.rs": MAIN,
        "src/bin/two.rs": MAIN,
    },
    "autobins off": {
        "Cargo.toml": manifest("shop", 'autobins = false\n[[bin]]\nname = "one"\n'),
        "src/bin/one.rs": MAIN,
        "src/bin/two.rs": MAIN,
    },
    "default-run": {
        "Cargo.toml": manifest("shop", 'default-run = "two"\n'),
        "src/bin/one.rs": MAIN,
        "src/bin/two.rs": MAIN,
    },
    "virtual workspace with globs, excludes and inheritance": {
        "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["crates/*"]\nexclude = ["crates/out"]\n'
        '[workspace.package]\nversion = "2.0.0"\nedition = "2021"\n',
        "crates/a/Cargo.toml": '[package]\nname = "a"\nversion.workspace = true\nedition = { workspace = true }\n',
        "crates/a/src/main.rs": MAIN,
        "crates/README.md": "",
        **in_folder("crates/b", crate("b")),
        **in_folder("crates/out", crate("out")),
    },
    "root package with members and a path dependency that joins them": {
        "Cargo.toml": manifest(
            "shop", '[dependencies]\ninner = { path = "inner" }\n[workspace]\nmembers = ["x"]\n'
        ),
        "src/main.rs": MAIN,
        "inner/Cargo.toml": manifest("inner", '[target."cfg(unix)".build-dependencies]\ndeep.path = "../deep"\n'),
        "inner/src/lib.rs": "",
        "deep/Cargo.toml": manifest("deep"),
        "deep/src/lib.rs": "",
        **in_folder("x", crate("x")),
    },
    "listed by name inside of what is excluded": {
        "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["x/a"]\nexclude = ["x"]\n',
        **in_folder("x/a", crate("a")),
    },
    "byte order mark, hidden file": {
        **crate("shop"),
        "Cargo.toml": "\ufeff" + manifest("shop"),
        "src/bin/.x.rs": "",
    },
    "default members": {
        "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["a", "b"]\ndefault-members = ["b"]\n',
        **in_folder("a", crate("a")),
        **in_folder("b", crate("b")),
    },
    "path dependency by workspace inheritance": {
        "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["app"]\n'
        '[workspace.dependencies]\nshared = { path = "libs/shared" }\nunused = { path = "libs/unused" }\n',
        "app/Cargo.toml": manifest("app", "[dependencies]\nshared.workspace = true\n"),
        "app/src/main.rs": MAIN,
        "libs/shared/Cargo.toml": manifest("shared"),
        "libs/shared/src/lib.rs": "",
        "libs/unused/Cargo.toml": manifest("unused", "[workspace]\n"),
        "libs/unused/src/lib.rs": "",
    },
}


@pytest.mark.parametrize("files", PROJECTS.values(), ids=PROJECTS.keys())
def test_we_read_what_cargo_reads(write: Write, files: dict[str, str]) -> None:
    folder = write(files)

    assert ask_us(folder) == ask_cargo(folder)


@pytest.mark.parametrize("example", ["hello", "web"])
def test_we_read_our_examples_as_cargo_does(example: str) -> None:
    folder = REPOSITORY / "examples" / example

    assert ask_us(folder) == ask_cargo(folder)


def test_a_path_dependency_outside_the_workspace_is_known_and_no_member(write: Write) -> None:
    folder = write(
        {
            "app/Cargo.toml": manifest("app", '[dependencies]\nlib = { path = "../lib" }\n'),
            "app/src/main.rs": MAIN,
            "lib/Cargo.toml": manifest("lib"),
            "lib/src/lib.rs": "",
        }
    )

    assert [p.name for p in load_outside(load_project(folder / "app"))] == ["lib"]
    assert ask_us(folder / "app") == ask_cargo(folder / "app")


def test_a_path_dependency_of_another_workspace_inherits_from_that(write: Write) -> None:
    folder = write(
        {
            "app/Cargo.toml": manifest("app", '[dependencies]\nlib = { path = "../other/lib" }\n'),
            "app/src/main.rs": MAIN,
            "other/Cargo.toml": '[workspace]\nmembers = ["lib"]\n[workspace.package]\nversion = "3.0.0"\n',
            "other/lib/Cargo.toml": '[package]\nname = "lib"\nversion.workspace = true\n',
            "other/lib/src/lib.rs": "",
        }
    )

    assert [p.version for p in load_outside(load_project(folder / "app"))] == ["3.0.0"]
    assert ask_us(folder / "app") == ask_cargo(folder / "app")


def test_the_root_is_found_from_a_member(write: Write) -> None:
    folder = write(PROJECTS["virtual workspace with globs, excludes and inheritance"])

    assert load_project(folder / "crates" / "a" / "src").root == folder
    assert load_project(folder / "crates" / "out").root == folder / "crates" / "out"
