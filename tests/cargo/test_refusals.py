"""Where cargo refuses a project we refuse it: the same file, for the same cause."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rustdocker_tasks.cargo.project import load_outside, load_project
from rustdocker_tasks.errors import BrokenManifest
from tests.cargo.oracle import ask_cargo, ask_us
from tests.conftest import Write, crate, invoke, write_files

pytestmark = pytest.mark.cargo

HEAD = '[package]\nname = "app"\nversion = "0.1.0"\nedition = "{edition}"\n'


@dataclass(frozen=True)
class Fault:
    """A project that cargo refuses. `cause` are words that both name, `blamed` the manifest that both do."""

    cause: str
    rest: str = ""  # after the package's own keys
    files: dict[str, str | None] = field(default_factory=dict)
    blamed: str = "Cargo.toml"
    edition: str = "2021"
    manifest: str | None = None  # in place of all that


def member(name: str, rest: str = "") -> dict[str, str | None]:
    return {f"{name}/Cargo.toml": f'[package]\nname = "{name}"\n{rest}', f"{name}/src/lib.rs": ""}


WORKSPACE = '[workspace]\nmembers = ["a", "b"]\n'
FAULTS = {
    "no name": Fault("name", manifest='[package]\nversion = "1.0.0"\n'),
    "neither package nor workspace": Fault("missing", manifest="[profile.x]\n"),
    "a name that starts with a digit": Fault("1app", manifest='[package]\nname = "1app"\n'),
    "a name with a space": Fault("my app", manifest='[package]\nname = "my app"\n'),
    "a version of two numbers": Fault("version", manifest='[package]\nname = "app"\nversion = "1.0"\n'),
    "an edition to come": Fault("2077", edition="2077"),
    "a rust-version with an operator": Fault("rust-version", 'rust-version = "^1.85"\n'),
    "a rust-version older than the edition": Fault("rust-version", 'rust-version = "1.30"\n'),
    "the wrong type": Fault("links", "links = 1\n"),
    "a number of 65 bits": Fault("too large|64 bits", "[package.metadata]\nx = [{ y = 0x8000000000000000 }]\n"),
    "a number of a workspace's that is too small": Fault(
        "i128|64 bits", "[workspace.metadata]\nx = -9223372036854775809\n"
    ),
    "no target": Fault("targets", files={"src/main.rs": None}),
    "two binaries of one name": Fault("duplicate binary name x", '[[bin]]\nname = "x"\npath = "x.rs"\n' * 2),
    "a binary inferred twice": Fault("`x`|name x", files={"src/bin/x.rs": "", "src/bin/x/main.rs": ""}),
    "a binary without a file": Fault("can't find `x` bin", '[[bin]]\nname = "x"\n'),
    "a binary without a name": Fault("name", '[[bin]]\npath = "src/main.rs"\n'),
    "a binary called like a folder of cargo's": Fault("deps", '[[bin]]\nname = "deps"\npath = "src/main.rs"\n'),
    "a library without a file": Fault("can't find library `x`", '[lib]\nname = "x"\n'),
    "a library with a hyphen": Fault("hyphens", '[lib]\nname = "x-y"\npath = "src/x.rs"\n'),
    "dylib and cdylib": Fault("cdylib", '[lib]\npath = "x.rs"\ncrate-type = ["dylib", "cdylib"]\n'),
    "a macro that is more": Fault("proc-macro", '[lib]\npath = "x.rs"\ncrate-type = ["proc-macro", "rlib"]\n'),
    "default-run of nothing": Fault("default-run target `x` not found", 'default-run = "x"\n'),
    "links without a build script": Fault("links to `z`", 'links = "z"\n'),
    "publish without a version": Fault("publish", manifest='[package]\nname = "app"\npublish = true\n'),
    "a feature of nothing": Fault("`x` which is|`x`, which is", '[features]\nf = ["x"]\n'),
    "a feature of no dependency": Fault("`x` is not listed as a dependency", '[features]\nf = ["dep:x"]\n'),
    "a feature of a needed dependency": Fault(
        "`x` is not an optional dependency", '[dependencies]\nx = "1"\n[features]\nf = ["dep:x"]\n'
    ),
    "an optional dependency in no feature": Fault(
        "optional dependency", '[dependencies]\nx = { version = "1", optional = true }\n[features]\nx = []\n'
    ),
    "a feature with a space": Fault("a b", '[features]\n"a b" = []\n'),
    "a dependency of nowhere": Fault("x", "[dependencies]\nx = {}\n"),
    "a branch of no repository": Fault("branch", '[dependencies]\nx = { version = "1", branch = "b" }\n'),
    "a repository and a path": Fault("path", '[dependencies]\nx = { git = "https://x.y/z", path = "x" }\n'),
    "a branch and a tag": Fault("tag", '[dependencies]\nx = { git = "https://x.y/z", branch = "b", tag = "t" }\n'),
    "a version of a word": Fault("one", '[dependencies]\nx = "one"\n'),
    "an optional dev-dependency": Fault("optional",
        '[dev-dependencies]\nx = { version = "1", optional = true }\n'),
    "a dependency's feature with a slash": Fault("a/b",
        '[dependencies]\nx = { version = "1", features = ["a/b"] }\n'),
    "two sources of one dependency": Fault(
        "x", '[dependencies]\nx = "1"\n[target."cfg(unix)".dependencies]\nx = { git = "https://x.y/z" }\n'
    ),
    "the old key in a new edition": Fault("dev_dependencies", "[dev_dependencies]\n", edition="2024"),
    "an old table in a new edition": Fault(
        "[project]", manifest='[project]\nname = "app"\nedition = "2024"\n[[bin]]\nname = "x"\npath = "x.rs"\n'
    ),
    "a profile that cargo keeps": Fault("cargo-x", "[profile.cargo-x]\n"),
    "a resolver to come": Fault("resolver", 'resolver = "9"\n'),
    "a section without a package": Fault("features", manifest="[workspace]\n[features]\n"),
    "an inherited value that is not there": Fault(
        "version", manifest='[package]\nname = "app"\nversion.workspace = true\n[workspace]\n'
    ),
    "an inherited dependency that is not there": Fault("x", "[dependencies]\nx.workspace = true\n[workspace]\n"),
    "an inherited key that only publishing asks for": Fault("publish", "publish.workspace = true\n[workspace]\n"),
    "inherited lints that are not there": Fault("lints", "[lints]\nworkspace = true\n[workspace]\n"),
    "a workspace's dependency that is optional": Fault(
        "optional", '[workspace.dependencies]\nx = { version = "1", optional = true }\n'
    ),
    "a root and a pointer to a root": Fault("workspace", 'workspace = ".."\n[workspace]\n'),
    "a member that is not there": Fault("b/Cargo.toml", WORKSPACE, member("a"), blamed="b/Cargo.toml"),
    "two members of one name": Fault(
        "two packages named `a`", WORKSPACE,
        {**member("a"), **member("b"), "b/Cargo.toml": '[package]\nname = "a"\n'}, blamed="b/Cargo.toml",
    ),
    "a root among the members": Fault(
        "multiple workspace roots", WORKSPACE, {**member("a"), **member("b", "[workspace]\n")}, blamed="b"
    ),
    "a default member that is none": Fault(
        "default-members", '[workspace]\nmembers = ["a"]\ndefault-members = ["c"]\n',
        {**member("a"), **member("c")},
    ),
    "a broken member": Fault(
        "no name|name", WORKSPACE, {**member("a"), "b/Cargo.toml": "[package]\n"}, blamed="b/Cargo.toml"
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_we_refuse_what_cargo_refuses(write: Write, fault: Fault) -> None:
    manifest = fault.manifest or HEAD.format(edition=fault.edition) + fault.rest
    files = {**crate(), "Cargo.toml": manifest, **fault.files}
    folder = write({name: text for name, text in files.items() if text is not None})

    cargo, ours = ask_cargo(folder), ask_us(folder)

    assert isinstance(cargo, str), "cargo accepts it"
    assert isinstance(ours, str), f"we accept what cargo refuses: {cargo}"
    for text in (cargo, ours):
        assert any(words in text for words in fault.cause.split("|")), text
        assert str(folder / fault.blamed) in text, text


def test_a_package_that_its_workspace_does_not_list(write: Write) -> None:
    files = {"Cargo.toml": "[workspace]\n", **member("shop")}
    folder = write({name: text for name, text in files.items() if text is not None}) / "shop"

    cargo, ours = ask_cargo(folder), ask_us(folder)

    for text in map(str, (cargo, ours)):
        assert "believes it's in" in text
        assert str(Path(folder, "Cargo.toml")) in text


CIRCLE = {
    "Cargo.toml": HEAD.format(edition="2021") + '[dependencies]\na = { path = "../a" }\n',
    "src/main.rs": "fn main() {}\n",
}


def circle(root: Path, section: str) -> Path:
    return write_files(
        root,
        {
            **{f"app/{name}": text for name, text in CIRCLE.items()},
            "a/Cargo.toml": '[package]\nname = "a"\nversion = "1.0.0"\n[dependencies]\nb = { path = "../b" }\n',
            "a/src/lib.rs": "",
            "b/Cargo.toml": f'[package]\nname = "b"\nversion = "1.0.0"\n[{section}]\na = {{ path = "../a" }}\n',
            "b/src/lib.rs": "",
        },
    )


@pytest.mark.parametrize("section", ["dependencies", "build-dependencies"])
def test_a_circle_of_path_dependencies(tmp_path: Path, section: str) -> None:
    folder = circle(tmp_path, section) / "app"
    theirs = subprocess.run(["cargo", "metadata", "--offline"], cwd=folder, capture_output=True, check=False)

    with pytest.raises(BrokenManifest) as caught:
        load_outside(load_project(folder))

    assert theirs.returncode != 0
    assert b"cyclic package dependency" in theirs.stderr
    assert caught.value.found.startswith("packages depend on each other in a circle: ")
    assert {"a -> b -> a", "b -> a -> b"} & {caught.value.found.partition(": ")[2].partition(" (")[0]}


def test_a_circle_through_tests_is_none(tmp_path: Path) -> None:
    folder = circle(tmp_path, "dev-dependencies") / "app"

    subprocess.run(["cargo", "metadata", "--offline", "--quiet"], cwd=folder, capture_output=True, check=True)
    assert [p.name for p in load_outside(load_project(folder))] == ["a", "b"]


def test_a_manifest_of_ten_megabytes(write: Write) -> None:
    lines = [f'f{number} = ["f{number + 1}"]' for number in range(200_000)]
    manifest = "\n".join(
        [HEAD.format(edition="2021") + "[features]", *lines, "f200000 = []", "[package.metadata.x]"]
    )
    manifest += "\n" + "\n".join(f'key{number} = "a value of some length"' for number in range(165_000)) + "\n"
    assert len(manifest) > 10_000_000
    files = crate(**{"Cargo.toml": manifest + "[package.metadata.rustdocker]\nexpos = [1]\n"})

    outcome = invoke("plan", folder=write(files), RUSTDOCKER_BACKEND="host", RUSTDOCKER_FEATURES="f0")

    assert outcome.code == 64
    assert f"line {manifest.count(chr(10)) + 2} [package.metadata.rustdocker]" in outcome.stderr
