"""The skeleton of a project against the project itself: cargo compiles the same crates of others for both."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from rustdocker_tasks.cargo.binaries import BinaryRequest, choose_binary
from rustdocker_tasks.cargo.model import Package, Project, Target
from rustdocker_tasks.cargo.project import load_outside, load_project
from rustdocker_tasks.cargo.skeleton import make_skeleton
from rustdocker_tasks.context.skeleton import skeleton_archive
from rustdocker_tasks.context.sources import list_sources
from rustdocker_tasks.plan.context import context_folders
from tests.conftest import REPOSITORY, Write

pytestmark = pytest.mark.cargo


def unpacked(project: Project, package: Package, binary: Target, folder: Path) -> Path:
    """Return a folder with the skeleton in it."""
    outside = load_outside(project)
    skeleton = make_skeleton(project, [(package, binary)], outside)
    sources = list_sources(context_folders(project, outside))
    with tarfile.open(fileobj=io.BytesIO(skeleton_archive(skeleton, sources))) as archive:
        archive.extractall(folder, filter="data")
    return folder / "sources" / sources.folders.project_path


def units_of_others(manifest: Path, binary: str, *flags: str) -> set[str]:
    """Return all that cargo would compile of others' packages, with all that decides how."""
    asked = ("--unit-graph", "-Zunstable-options", f"--manifest-path={manifest}", f"--bin={binary}")
    told = subprocess.run(
        ["cargo", "build", *asked, *flags],
        env={**os.environ, "RUSTC_BOOTSTRAP": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return {
        json.dumps({key: unit[key] for key in unit.keys() - {"dependencies", "target"}}, sort_keys=True)
        for unit in json.loads(told.stdout)["units"]
        if not unit["pkg_id"].startswith("path+")
    }


def compare(folder: Path, tmp_path: Path, *flags: str, **wanted: Any) -> set[str]:
    project = load_project(folder)
    request = BinaryRequest(
        **{"package": None, "binary": None, "features": (), "default_features": True, **wanted},
        package_set_by="--package",
        binary_set_by="--bin",
    )
    package, binary = choose_binary(project, request)
    skeleton = unpacked(project, package, binary, tmp_path / "skeleton")
    manifest = os.path.relpath(package.manifest, project.root)

    own = units_of_others(package.manifest, binary.name, *flags)
    stubs = units_of_others(skeleton / manifest, binary.name, *flags)

    assert stubs == own
    return own


@pytest.mark.parametrize("example", ["hello", "web"])
def test_an_example(example: str, tmp_path: Path) -> None:
    compare(REPOSITORY / "examples" / example, tmp_path, "--profile=release", "--locked")


HARD = {
    "Cargo.toml": """[workspace]
resolver = "{resolver}"
members = ["app", "lib*", "macros"]
exclude = ["outside", "nested", "tree"]
[workspace.package]
version = "1.2.3"
edition = "2021"
[workspace.dependencies]
fnv = {{ version = "1", default-features = false }}
ryu = "1"
unused = "1"
help = {{ path = "lib-help", version = "1" }}
[workspace.lints.rust]
unused = "deny"
[profile.release]
lto = true
codegen-units = 1
[profile.release.package.ryu]
opt-level = 1
""",
    "app/Cargo.toml": """[package]
name = "app"
version.workspace = true
edition.workspace = true
default-run = "app"
[lints]
workspace = true
[features]
default = ["more"]
more = ["help/more", "dep:memchr"]
slow = ["semver/std"]
[dependencies]
help.workspace = true
macros = {{ path = "../macros" }}
fnv.workspace = true
number = {{ version = "1", package = "itoa" }}
memchr = {{ version = "2", optional = true, default-features = false }}
[target.'cfg(unix)'.dependencies]
cfg-if = "1"
[target.'cfg(windows)'.dependencies]
winapi = "0.3"
[build-dependencies]
outside = {{ path = "../outside" }}
nested = {{ path = "../nested", version = "0.3" }}
inherits = {{ path = "../tree/inherits" }}
[dev-dependencies]
fnv = "1"
semver = {{ version = "1", default-features = false }}
""",
    "app/src/main.rs": "fn main() {}\n",
    "app/src/bin/other.rs": "fn main() {}\n",
    "app/build.rs": "fn main() {}\n",
    ".cargo/config.toml": """[build]
rustflags = ["-Dwarnings", "-Wunused-crate-dependencies", "-Wmissing-docs"]
""",
    "lib-help/Cargo.toml": """[package]
name = "help"
version = "1.0.0"
edition = "2018"
links = "help"
[lib]
crate-type = ["cdylib", "rlib"]
[features]
more = ["ryu"]
[dependencies]
ryu = {{ workspace = true, optional = true }}
""",
    "lib-help/src/lib.rs": "",
    "lib-help/build.rs": "fn main() {}\n",
    "lib-other/Cargo.toml": '[package]\nname = "other"\nversion = "0.1.0"\n[dependencies]\nsemver = "1"\n',
    "lib-other/src/lib.rs": "",
    "macros/Cargo.toml": '[package]\nname = "macros"\n[lib]\nproc-macro = true\n'
    '[dependencies]\nunicode-ident = "1"\n',
    "macros/src/lib.rs": "",
    "outside/Cargo.toml": '[package]\nname = "outside"\nversion = "3.0.0"\n[dependencies]\nitoa = "1"\n',
    "outside/src/lib.rs": "",
    "nested/Cargo.toml": """[package]
name = "nested"
version = "0.3.0"
[dependencies]
humantime.workspace = true
[workspace]
[workspace.dependencies]
humantime = "2"
""",
    "nested/src/lib.rs": "",
    "tree/Cargo.toml": """[workspace]
members = ["inherits"]
[workspace.dependencies]
percent-encoding = {{ version = "2", default-features = false }}
""",
    "tree/inherits/Cargo.toml": """[package]
name = "inherits"
version = "1.0.0"
[dependencies]
percent-encoding = {{ workspace = true, features = ["std"] }}
""",
    "tree/inherits/src/lib.rs": "",
}


def hard(write: Write, resolver: str, **changes: str) -> Path:
    files = {
        name: text.format(resolver=resolver) if "{" in text and name.endswith("toml") else text
        for name, text in HARD.items()
    }
    folder = write({**files, **changes})
    for words in ("generate-lockfile", "fetch"):
        subprocess.run(["cargo", words, "--quiet"], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize("resolver", ["1", "2", "3"])
@pytest.mark.parametrize("flags", [(), ("--no-default-features",), ("--profile=release",)])
def test_a_workspace_with_much_in_it(write: Write, tmp_path: Path, resolver: str, flags: tuple[str, ...]) -> None:
    found = compare(hard(write, resolver), tmp_path, *flags, binary="app")

    names = {json.loads(unit)["pkg_id"].rpartition("#")[2].partition("@")[0] for unit in found}
    # The first resolver takes in what tests ask for.
    tests: set[str] = set()
    optional = set() if "--no-default-features" in flags else {"memchr", "ryu"}
    assert names == {"fnv", "itoa", "cfg-if", "unicode-ident", "humantime", "percent-encoding", *tests, *optional}


@pytest.mark.parametrize(
    ("name", "old", "new", "is_changed"),
    [
        ("Cargo.toml", 'version = "1.2.3"', 'version = "9.9.9"', False),
        ("Cargo.toml", 'unused = "1"', 'unused = "2"', False),
        ("Cargo.toml", 'unused = "deny"', 'unused = "warn"', False),
        ("app/Cargo.toml", 'default-run = "app"', 'description = "It."', False),
        ("app/src/main.rs", "fn main() {}", 'fn main() { println!("x"); }', False),
        ("lib-help/Cargo.toml", 'version = "1.0.0"', 'version = "1.9.0"', False),
        ("lib-other/Cargo.toml", 'semver = "1"', 'semver = "1"\nfastrand = "2"', False),
        ("app/Cargo.toml", "number = {", 'semver = "1"\nnumber = {', True),
        ("Cargo.toml", "lto = true", "lto = false", True),
        ("lib-help/Cargo.toml", 'edition = "2018"', 'edition = "2021"', True),
        ("app/Cargo.toml", 'default = ["more"]', "default = []", True),
    ],
)
def test_it_changes_with_what_decides_the_dependencies_and_nothing_else(
    write: Write,
    name: str,
    old: str,
    new: str,
    is_changed: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    folder = hard(write, "2")

    def files() -> dict[Path, str]:
        project = load_project(folder)
        package = next(member for member in project.members if member.name == "app")
        binary = next(each for each in package.binaries if each.name == "app")
        return dict(make_skeleton(project, [(package, binary)], load_outside(project)).files)

    before = files()
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))
    subprocess.run(["cargo", "update", "--workspace", "--quiet"], cwd=folder, check=True)

    assert (files() != before) == is_changed


def test_what_patch_gives_is_real(write: Write, tmp_path: Path) -> None:
    patched = '[package]\nname = "itoa"\nversion = "1.0.99"\nedition = "2021"\n'
    folder = write(
        {
            "Cargo.toml": '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\n'
            'serde_json = "1"\n[patch.crates-io]\nitoa = { path = "patched" }\n'
            '[workspace]\nmembers = ["patched"]\n',
            "src/main.rs": "fn main() {}\n",
            "patched/Cargo.toml": patched,
            "patched/src/lib.rs": "mod inner;\npub use inner::*;\n",
            "patched/src/inner.rs": (ITOA_STANDIN),
        }
    )
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=folder, check=True)
    compare(folder, tmp_path, "--release", package="app", binary="app")

    skeleton = tmp_path / "skeleton" / "sources"
    assert (skeleton / "patched/src/inner.rs").read_text() == ITOA_STANDIN
    subprocess.run(["cargo", "check", "--quiet", "--package=app"], cwd=skeleton, check=True)


# As much of itoa as serde_json is compiled with.
ITOA_STANDIN = """pub struct Buffer(String);
impl Buffer {
    pub fn new() -> Self { Buffer(String::new()) }
    pub fn format<I: std::fmt::Display>(&mut self, i: I) -> &str { self.0 = i.to_string(); &self.0 }
}
"""
OWN = '[package]\nname = "{}"\nversion = "{}"\nedition = "2021"\n'
HELP = {"help/Cargo.toml": OWN.format("help", "0.1.0"), "help/src/lib.rs": ""}
ITOA = {"itoa/src/lib.rs": ITOA_STANDIN}
# What cargo accepts, and a skeleton that only leaves out versions and members would not be.
ODD = {
    "a resolver beside a workspace": {
        "Cargo.toml": OWN.format("app", "0.1.0")
        + 'resolver = "2"\n[dependencies]\nhelp = { path = "help" }\nfnv = "1"\n[workspace]\nmembers = ["help"]\n',
        "src/main.rs": "fn main() {}\n",
        **HELP,
    },
    "a manifest as it is that asks for a version": {
        "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["app", "itoa", "help"]\n'
        '[patch.crates-io]\nitoa = { path = "itoa" }\n',
        "app/Cargo.toml": OWN.format("app", "0.1.0") + '[dependencies]\nserde_json = "1"\n',
        "app/src/main.rs": "fn main() {}\n",
        "itoa/Cargo.toml": OWN.format("itoa", "1.0.99")
        + '[dev-dependencies]\nhelp = { path = "../help", version = "0.1" }\n',
        **HELP,
        **ITOA,
    },
    "two packages of one name": {
        "Cargo.toml": OWN.format("app", "0.1.0")
        + '[dependencies]\nhelp = { path = "help" }\nother = { package = "help", path = "other" }\n'
        '[workspace]\nexclude = ["other", "help"]\n',
        "src/main.rs": "fn main() {}\n",
        **HELP,
        "other/Cargo.toml": OWN.format("help", "2.0.0") + '[dependencies]\nfnv = "1"\n',
        "other/src/lib.rs": "",
    },
    "one dependency inherited in two ways": {
        "Cargo.toml": OWN.format("app", "0.1.0")
        + '[dependencies]\ninherits = { path = "tree/inherits" }\n[workspace]\nexclude = ["tree"]\n',
        "src/main.rs": "fn main() {}\n",
        "tree/Cargo.toml": '[workspace]\nmembers = ["inherits"]\n[workspace.dependencies]\n'
        'semver = { version = "1", default-features = false }\n'
        'fnv = { version = "1", default-features = false }\n',
        "tree/inherits/Cargo.toml": OWN.format("inherits", "1.0.0")
        + "[dependencies]\nsemver.workspace = true\n[build-dependencies]\n"
        'semver = { workspace = true, features = ["std"] }\n'
        "[target.'cfg(unix)'.dependencies]\nfnv = { workspace = true, features = [\"std\"] }\n",
        "tree/inherits/src/lib.rs": "",
        "tree/inherits/build.rs": "fn main() {}\n",
    },
}


@pytest.mark.parametrize("name", ODD)
def test_odd_manifests(write: Write, tmp_path: Path, name: str) -> None:
    folder = write(ODD[name])
    for words in ("generate-lockfile", "fetch"):
        subprocess.run(["cargo", words, "--quiet"], cwd=folder, check=True)

    compare(folder, tmp_path, package="app", binary="app")

    check = ["cargo", "check", "--quiet", "--package=app"]
    subprocess.run(check, cwd=tmp_path / "skeleton" / "sources", check=True)


def test_a_branch_that_a_package_inherits_from_another_workspace(write: Write, tmp_path: Path) -> None:
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b.c")
    served = write({"served/Cargo.toml": OWN.format("served", "0.3.0"), "served/src/lib.rs": ""}) / "served"
    for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message=1"), ("branch", "dev")):
        subprocess.run([*git, *words], cwd=served, check=True)
    folder = write(
        {
            "Cargo.toml": OWN.format("app", "0.1.0")
            + '[dependencies]\ninherits = { path = "tree/inherits" }\n[workspace]\nexclude = ["tree", "served"]\n',
            "src/main.rs": "fn main() {}\n",
            "tree/Cargo.toml": '[workspace]\nmembers = ["inherits"]\n[workspace.dependencies]\n'
            f'served = {{ git = "file://{served}", branch = "dev" }}\n',
            "tree/inherits/Cargo.toml": OWN.format("inherits", "1.0.0")
            + "[dependencies]\nserved.workspace = true\n",
            "tree/inherits/src/lib.rs": "",
        }
    )
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=folder, check=True)

    assert compare(folder, tmp_path, package="app", binary="app")


BESIDE = {
    "Cargo.toml": '[workspace]\nmembers = ["libs/*"]\nexclude = ["services"]\n'
    '[workspace.package]\nedition = "2021"\n[workspace.dependencies]\nfnv = "1"\n'
    '[package]\nname = "outermost"\n',
    "src/bin/tool.rs": "",
    "libs/common/Cargo.toml": '[package]\nname = "common"\nversion = "0.1.0"\nedition.workspace = true\n'
    '[dependencies]\nfnv.workspace = true\nmore = { path = "../more" }\n',
    "libs/common/src/lib.rs": "",
    "libs/more/Cargo.toml": '[package]\nname = "more"\nworkspace = "../.."\n[dependencies]\ncfg-if = "1"\n',
    "libs/more/src/lib.rs": "",
    "libs/itoa/Cargo.toml": '[package]\nname = "itoa"\nversion = "1.0.99"\nedition.workspace = true\n',
    "libs/itoa/src/lib.rs": "pub struct Real;\n",
    "libs/unused/Cargo.toml": '[package]\nname = "unused"\n',
    "libs/unused/src/lib.rs": "",
    "services/api/Cargo.toml": '[workspace]\nmembers = ["app", "../beside"]\nresolver = "2"\n'
    '[patch.crates-io]\nitoa = { path = "../../libs/itoa" }\n',
    "services/api/app/Cargo.toml": '[package]\nname = "app"\nedition = "2021"\n[dependencies]\nitoa = "1"\n'
    'common = { path = "../../../libs/common" }\nbeside = { path = "../../beside" }\n',
    "services/api/app/src/main.rs": "fn main() {}\n",
    "services/beside/Cargo.toml": '[package]\nname = "beside"\nworkspace = "../api"\n[dependencies]\nryu = "1"\n',
    "services/beside/src/lib.rs": "",
}


def test_packages_outside_of_the_workspace_s_folder(write: Write, tmp_path: Path) -> None:
    folder = write(BESIDE) / "services/api"
    for words in ("generate-lockfile", "fetch"):
        subprocess.run(["cargo", words, "--quiet"], cwd=folder, check=True)

    found = compare(folder, tmp_path, binary="app")

    names = {json.loads(unit)["pkg_id"].rpartition("#")[2].partition("@")[0] for unit in found}
    assert names == {"fnv", "cfg-if", "ryu"}
    root = tmp_path / "skeleton" / "sources"
    assert (root / "libs/itoa/src/lib.rs").read_text() == "pub struct Real;\n"
    assert not (root / "libs/unused").exists()
    subprocess.run(["cargo", "check", "--quiet", "--bin=app"], cwd=root / "services/api", check=True)


def test_vendored_sources_are_real(write: Write, tmp_path: Path) -> None:
    manifest = '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nitoa = "1"\n'
    folder = write({"Cargo.toml": manifest, "src/main.rs": "fn main() {}\n"})
    config = subprocess.check_output(["cargo", "vendor"], cwd=folder, text=True)
    write({".cargo/config.toml": config})

    compare(folder, tmp_path, "--release", "--offline")

    assert list((tmp_path / "skeleton/sources/vendor").glob("itoa*/src/lib.rs"))


def test_what_cargo_s_configuration_names_is_there(write: Write, tmp_path: Path) -> None:
    package = '[package]\nname = "{}"\nversion = "1.0.99"\nedition = "2021"\n'
    config = """paths = ["own/itoa"]
[build]
rustc-wrapper = "tools/wrapper"
rustflags = ["-Clink-arg=-Wl,--version-script=link/version.map"]
target-dir = "out"
[target.x86_64-unknown-linux-gnu]
linker = "tools/linker"
[env]
HERE = { value = "", relative = true }
DATA = { value = "data/table", relative = true }
OTHER = "notes"
"""
    folder = write(
        {
            ".cargo/config.toml": config,
            "Cargo.toml": package.format("app") + '[dependencies]\nitoa = "=1.0.99"\n'
            '[patch.crates-io]\nitoa = { path = "own/itoa" }\n[workspace]\nexclude = ["own"]\n',
            "src/main.rs": "fn main() {}\n",
            "own/itoa/Cargo.toml": package.format("itoa"),
            "own/itoa/src/lib.rs": 'pub const TABLE: &str = include_str!(env!("DATA"));\n',
            "tools/wrapper": '#!/bin/sh\nexec "$@"\n',
            "tools/linker": '#!/bin/sh\nexec cc "$@"\n',
            "link/version.map": "{ global: *; };\n",
            "data/table": "1\n",
            "notes": "",
            "out/x": "",
        }
    )
    for name in ("wrapper", "linker"):
        (folder / "tools" / name).chmod(0o755)
    compare(folder, tmp_path)

    skeleton = tmp_path / "skeleton" / "sources"
    subprocess.run(["cargo", "build", "--quiet"], cwd=skeleton, check=True)
    there = {path.relative_to(skeleton).as_posix() for path in skeleton.rglob("*") if path.is_file()}
    of_cargo = {"Cargo.toml", "Cargo.lock", ".cargo/config.toml", "src/main.rs"}
    named = {"own/itoa/Cargo.toml", "own/itoa/src/lib.rs", "tools/wrapper", "tools/linker", "link/version.map"}
    assert {name for name in there if not name.startswith("out/")} == {*of_cargo, *named, "data/table"}


def test_it_compiles_whatever_the_user_s_own_lints_are(write: Write, tmp_path: Path) -> None:
    folder = hard(write, "2", **{"app/src/main.rs": "//! Documented.\nfn main() {}\n"})
    compare(folder, tmp_path, binary="app")

    words = ["cargo", "check", "--quiet", "--bin=app", "--manifest-path=app/Cargo.toml"]
    subprocess.run(words, cwd=tmp_path / "skeleton" / "sources", check=True)


def test_a_member_that_patch_gives_has_tests_of_its_own(write: Write, tmp_path: Path) -> None:
    package = '[package]\nname = "{}"\nversion = "1.0.99"\nedition = "2021"\n'
    folder = write(
        {
            "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["app", "itoa", "helper", "program"]\n'
            '[patch.crates-io]\nitoa = { path = "itoa" }\n',
            "app/Cargo.toml": package.format("app")
            + '[dependencies]\nitoa = "1"\nprogram = { path = "../program" }\n',
            "app/src/main.rs": "fn main() {}\n",
            "itoa/Cargo.toml": package.format("itoa") + '[dev-dependencies]\nhelper = { path = "../helper" }\n',
            "itoa/src/lib.rs": "",
            "helper/Cargo.toml": package.format("helper"),
            "helper/src/lib.rs": "",
            "program/Cargo.toml": package.format("program"),
            "program/src/main.rs": "fn main() {}\n",
        }
    )
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=folder, check=True)
    compare(folder, tmp_path, package="app", binary="app")

    words = ["cargo", "check", "--quiet", "--package=app"]
    subprocess.run(words, cwd=tmp_path / "skeleton" / "sources", check=True)
