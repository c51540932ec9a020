"""Cargo's configuration files, as cargo itself merges them, and what our reader makes of them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustdocker_tasks.cargo.config import merge
from rustdocker_tasks.cargo.project import load_project
from rustdocker_tasks.cargo.surroundings import config_files
from rustdocker_tasks.errors import RustDockerError
from tests.cargo.workspaces import toml
from tests.conftest import Write, crate

pytestmark = pytest.mark.cargo

NAMES = st.sampled_from(["a", "b", "x86_64-unknown-linux-gnu", "cfg(unix)", "crates-io"])
FLAGS = st.lists(st.sampled_from(["-Ca", "-Cb=1", "--cfg=x"]), max_size=2)
TABLES = st.fixed_dictionaries(
    {},
    optional={
        "build": st.fixed_dictionaries(
            {},
            optional={
                "target": st.sampled_from(["x86_64-unknown-linux-musl", "wasm32-unknown-unknown"]),
                "target-dir": st.sampled_from(["out", "../out", "/out"]),
                "rustflags": FLAGS | st.just("-Cc -Cd"),
                "jobs": st.integers(1, 4),
            },
        ),
        "target": st.dictionaries(
            NAMES, st.fixed_dictionaries({}, optional={"linker": st.just("clang"), "rustflags": FLAGS}), max_size=2
        ),
        "env": st.dictionaries(
            NAMES,
            st.just("v") | st.fixed_dictionaries({"value": st.just("w"), "force": st.booleans()}),
            max_size=2,
        ),
        "source": st.dictionaries(NAMES, st.fixed_dictionaries({"directory": st.just("vendor")}), max_size=2),
        "include": st.just([{"path": "more.toml", "optional": True}]),
    },
)


def document(table: dict[str, Any]) -> str:
    return "".join(f"{key} = {toml(value)}\n" for key, value in table.items())


def cargo_s_own(folder: Path) -> Any:
    """What cargo says, with the switch that lets a stable one answer; None where it refuses."""
    command = ["cargo", "-Zunstable-options", "config", "get", "--format=json"]
    environment = {**os.environ, "RUSTC_BOOTSTRAP": "1", "CARGO_HOME": str(folder / "no-home")}
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    return json.loads(told.stdout) if told.returncode == 0 else None


def ours(folder: Path) -> Any:
    merged: dict[str, Any] = {}
    try:
        for file in config_files(folder):
            merged = merge(merged, file.values, file.path)
    except RustDockerError:
        return None
    return merged


@settings(max_examples=150, deadline=None)
@given(st.lists(TABLES, min_size=1, max_size=3), TABLES)
def test_files_are_merged_as_cargo_merges_them(
    tmp_path_factory: pytest.TempPathFactory, tables: list[dict[str, Any]], included: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("config")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CARGO_HOME", str(folder / "no-home"))
        for table in tables:
            (folder / ".cargo").mkdir(parents=True)
            (folder / ".cargo" / "config.toml").write_text(document(table))
            (folder / ".cargo" / "more.toml").write_text(document({**included, "include": []}))
            folder /= "inner"
        folder.mkdir()

        assert pruned(ours(folder)) == pruned(cargo_s_own(folder))


def pruned(value: Any) -> Any:
    """Without tables that are empty: cargo leaves them out."""
    if not isinstance(value, dict):
        return value
    entries = {key: pruned(each) for key, each in value.items()}
    return {key: each for key, each in entries.items() if each != {}}


def test_what_the_configuration_says_of_a_project(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    config = """
paths = []
[build]
target = ["x86_64-unknown-linux-musl"]
target-dir = "out"
rustflags = "-Ca  -Cb"
[target.'cfg(unix)']
linker = "clang"
[env]
PLAIN = "1"
PLACE = { value = "data", relative = true }
[registries.acme]
index = "sparse+https://acme.example/index/"
[source.crates-io]
replace-with = "vendored"
[source.vendored]
directory = "vendor"
[patch.crates-io]
shop-db = { path = "db" }
[profile.dist]
inherits = "release"
"""
    root = write({**crate(), ".cargo/config.toml": config, "rust-toolchain": "1.85\n"})
    monkeypatch.setenv("CARGO_HOME", str(root / "no-home"))

    project = load_project(root)
    read = project.config

    assert read.files == (root / ".cargo/config.toml",)
    assert read.targets == ("x86_64-unknown-linux-musl",)
    assert read.target_dir == root / "out"
    assert read.rustflags == ("-Ca", "-Cb")
    assert read.by_target["cfg(unix)"].linker == "clang"
    assert read.env == {"PLAIN": "1", "PLACE": str(root / "data")}
    assert read.registries == {"acme": "sparse+https://acme.example/index/"}
    assert read.sources["crates-io"].replace_with == "vendored"
    assert read.sources["vendored"].directory == root / "vendor"
    assert project.patches == (root / "db",)
    assert "dist" in project.config.profiles
    assert project.toolchain is not None
    assert project.toolchain.channel == "1.85"


def test_a_profile_of_the_configuration_is_one_to_cargo_too(write: Write) -> None:
    root = write({**crate(), ".cargo/config.toml": '[profile.dist]\ninherits = "release"\n'})

    subprocess.run(["cargo", "check", "--quiet", "--profile=dist"], cwd=root, check=True)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({".cargo/config.toml": "[build]\ntarget = 1\n"}, "`build.target` is a number"),
        ({".cargo/config.toml": "[build\n"}, "is not valid TOML"),
        ({".cargo/config.toml": 'include = ["config.toml"]\n'}, "it includes itself"),
        ({".cargo/config.toml": 'include = ["none.toml"]\n'}, "mend `include` in"),
        ({".cargo/config.toml": "include = 'x.toml'\n"}, "`include` is a string, and not a list"),
        ({"rust-toolchain.toml": "[toolchain]\nchannel = '1'\npath = 'x'\n"}, "both `channel` and `path` are set"),
        ({"rust-toolchain.toml": "channel = '1'\n"}, "missing required field"),
    ],
)
def test_a_broken_file_around_a_project_is_named(write: Write, files: dict[str, str], problem: str) -> None:
    root = write({**crate(), **files})

    with pytest.raises(RustDockerError) as caught:
        load_project(root)

    assert problem in str(caught.value)
    assert str(root / next(iter(files))) in str(caught.value)


@pytest.mark.parametrize(
    ("files", "channel", "name"),
    [
        ({"rust-toolchain": "nightly-2026-01-01\n"}, "nightly-2026-01-01", "rust-toolchain"),
        ({"rust-toolchain": '[toolchain]\nchannel = "1.80"\n'}, "1.80", "rust-toolchain"),
        (
            {"rust-toolchain": "1.1\n", "rust-toolchain.toml": "[toolchain]\nchannel = '2'\n"},
            "1.1",
            "rust-toolchain",
        ),
        ({"rust-toolchain.toml": "[toolchain]\ncomponents = ['clippy']\n"}, None, "rust-toolchain.toml"),
    ],
)
def test_the_toolchain_file_is_read_in_both_forms(
    write: Write, files: dict[str, str], channel: str | None, name: str
) -> None:
    root = write({**crate(), **files})
    toolchain = load_project(root).toolchain

    assert toolchain is not None
    assert (toolchain.channel, toolchain.path) == (channel, root / name)


def test_the_nearest_toolchain_file_counts(write: Write) -> None:
    root = write({"rust-toolchain": "1.1\n", **{f"inner/{name}": text for name, text in crate().items()}})

    outer = load_project(root / "inner").toolchain
    (root / "inner" / "rust-toolchain.toml").write_text("[toolchain]\nchannel = '2'\n")
    inner = load_project(root / "inner").toolchain

    assert (outer and outer.channel, inner and inner.channel) == ("1.1", "2")


def test_what_a_build_in_containers_sees_is_that_of_the_repository(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = '[build]\nrustflags = ["-C{}"]\n'
    outer = write(
        {
            ".cargo/config.toml": flags.format("outer"),
            "repository/.git": "gitdir: elsewhere",
            "repository/.cargo/config.toml": flags.format("repository"),
            **{f"repository/api/{name}": text for name, text in crate().items()},
            "repository/api/.cargo/config.toml": flags.format("own"),
        }
    )
    monkeypatch.setenv("CARGO_HOME", str(outer / "no-home"))

    project = load_project(outer / "repository/api")

    assert project.config.rustflags == ("-Couter", "-Crepository", "-Cown")
    assert project.own_config.rustflags == ("-Crepository", "-Cown")
    assert project.unseen_config == (outer / ".cargo/config.toml",)
    monkeypatch.setenv("CARGO_HOME", str(outer / "repository/.cargo"))
    assert load_project(outer / "repository/api").own_config.rustflags == ("-Cown",)


def test_what_cargo_would_read_in_a_member_s_folder_and_not_in_the_workspace_s(write: Write) -> None:
    root = write(
        {
            "Cargo.toml": '[workspace]\nmembers = ["above/api", "web"]\n',
            ".cargo/config.toml": "",
            **{f"above/api/{name}": text for name, text in crate("api").items()},
            "above/api/.cargo/config.toml": "[build]\n",
            "above/api/rust-toolchain.toml": "[toolchain]\n",
            **{f"web/{name}": text for name, text in crate("web").items()},
            "web/.sqlx/query-1.json": "{}",
        }
    )

    project = load_project(root / "web")

    api = root / "above/api"
    assert project.unread_files == (api / ".cargo/config.toml", api / "rust-toolchain.toml")
    assert project.has_sqlx_data
    assert load_project(write(crate("alone", **{".cargo/config.toml": ""}))).unread_files == ()


def test_what_lies_elsewhere_on_this_machine_is_never_named(write: Write) -> None:
    config = """[build]
rustflags = ["--remap-path-prefix=/root/.cargo=/cargo", "-L", "/etc/ssl", "-Lnative=libs", "-L../above"]
rustc-wrapper = "/usr/bin/sccache"
[env]
HOME_OF_ALL = { value = "..", relative = true }
"""
    root = write({**crate(), ".cargo/config.toml": config})

    named = load_project(root).own_config.named_files

    assert root / "libs" in named
    assert [path for path in named if not path.is_relative_to(root) or path == root] == []


def test_tokens_and_passwords_are_named_and_not_told(write: Write) -> None:
    config = """[registries.own]
index = "sparse+https://me:hidden@registry.test/"
token = "hidden"
[registries.other]
index = "sparse+https://registry.test/a:b/"
[http]
proxy = "me:hidden@proxy.test:8080"
"""
    root = write({**crate(), ".cargo/config.toml": config})

    secrets = load_project(root).own_config.secrets

    assert [text.partition(" in ")[0] for text in secrets] == [
        "`registries.own.index`",
        "`registries.own.token`",
        "`http.proxy`",
    ]
    assert "hidden" not in "".join(secrets)


def test_a_home_folder_is_no_repository(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    project = {f"code/app/{name}": text for name, text in crate().items()}
    home = write({".git/HEAD": "", ".cargo/config.toml": '[build]\nrustflags = ["-Chome"]\n', **project})
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CARGO_HOME", str(home / "elsewhere"))

    project_read = load_project(home / "code/app")

    assert project_read.own_config.files == ()
    assert project_read.unseen_config == (home / ".cargo/config.toml",)
