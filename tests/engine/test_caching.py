"""What is compiled after which change, counted: on mounts, in layers of another machine, and on the host."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import docker
import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.images import RUST_MUSL
from tests.cargo.test_skeleton import ITOA_STANDIN
from tests.conftest import MANIFEST, TASKS, Write, clean_environment, crate, invoke, write_files
from tests.engine.conftest import IN_2000, MACHINE_ENGINE, write_credentials
from tests.engine.scenarios import Step, edit, go_through, unchanged
from tests.engine.workspace import LAYER, OWN_UNITS, Compiled, Workspace, own_image, require_units_of_their_own

pytestmark = pytest.mark.engine

MAIN = """fn main() {{
    let number = itoa::Buffer::new().format({core}::number()).to_owned();
    println!("first {{number}} {{}} {{}}", cfg!(feature = "extra"), env!("CARGO_PKG_VERSION"));
}}
"""
CORE = "pub fn number() -> u32 { cfg_if::cfg_if! { if #[cfg(unix)] { 1 } else { 2 } } }\n"
APP = """[[bin]]
name = "app"
path = "src/main.rs"
[features]
extra = ["dep:ryu"]
[dependencies]
{prefix}core = {{ path = "../core", version = "0.1" }}
itoa = "1"
ryu = {{ version = "1", optional = true }}
"""


MODES = ["mount", LAYER, "host"]


@pytest.fixture(params=MODES)
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    prefix = f"t{uuid.uuid4().hex[:8]}-"
    files = {
        "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["app", "core", "other"]\n',
        "app/Cargo.toml": MANIFEST.format(name=f"{prefix}app") + APP.format(prefix=prefix),
        "app/src/main.rs": MAIN.format(core=f"{prefix}core".replace("-", "_")),
        "core/Cargo.toml": MANIFEST.format(name=f"{prefix}core") + '[dependencies]\ncfg-if = "1"\n',
        "core/src/lib.rs": CORE,
        "other/Cargo.toml": MANIFEST.format(name=f"{prefix}other") + '[dependencies]\nfnv = "1"\n',
        "other/src/main.rs": "fn main() {}\n",
        "tasks.py": TASKS,
    }
    folder = write_files(tmp_path / prefix, files)
    made = Workspace(folder, str(request.param), prefix, environment=own_image(prefix))
    made.cargo("generate-lockfile")
    made.cargo("fetch")
    return made


NOTHING = Compiled(0, ())
JUST_APP = Compiled(0, ("app",))
OWN = Compiled(0, ("app", "core"))
WITH = {number: OWN._replace(others=number) for number in (1, 2, 3, 4)}
OTHER, OTHER_AND_ONE = Compiled(0, ("other",)), Compiled(1, ("other",))
FNV = 'fnv = "1"\n'
APP_AND_ONE = Compiled(1, ("app",))
EXTRA = {"RUSTDOCKER_FEATURES": "extra"}
DEV = {"RUSTDOCKER_PROFILE": "dev"}
MAIN_RS, LIB_RS, OTHER_RS = "app/src/main.rs", "core/src/lib.rs", "other/src/main.rs"
APP_TOML, OTHER_TOML = "app/Cargo.toml", "other/Cargo.toml"
A, B = "first 1 false 0.1.0", "first 1 false 0.2.0"
# fmt: off
STEPS = [
    #                                                             mount        layer    host
    Step("cold", unchanged, A,                                    WITH[2],     WITH[2], WITH[2]),
    Step("nothing", unchanged, A,                                 NOTHING,     NOTHING, NOTHING),
    Step("other member", edit(OTHER_RS, "{}", "{ }"), A,          NOTHING,     OWN,     NOTHING),
    Step("its dependency", edit(OTHER_TOML, "fnv", "ryu"), A,     NOTHING,     OWN,     NOTHING),
    Step("edit", edit(MAIN_RS, "first", "2nd"), "2nd" + A[5:],    JUST_APP,    OWN,     JUST_APP),
    Step("edit back", edit(MAIN_RS, "2nd", "first"), A,           NOTHING,     OWN,     JUST_APP),
    Step("new times", lambda w: w.touch(time.time()), A,          NOTHING,     NOTHING, OWN),
    Step("old times", lambda w: w.touch(IN_2000), A,              NOTHING,     NOTHING, NOTHING),
    Step("version", edit(APP_TOML, '"0.1.0"', '"0.2.0"'), B,      JUST_APP,    OWN,     JUST_APP),
    Step("dependency", edit(APP_TOML, "itoa", FNV + "itoa"), B,   APP_AND_ONE, WITH[3], APP_AND_ONE),
    Step("feature", unchanged, "first 1 true 0.2.0",              APP_AND_ONE, WITH[4], APP_AND_ONE, EXTRA),
    # What is exported is the layers of the last build, and no others.
    Step("feature back", unchanged, B,                            NOTHING,     WITH[3], NOTHING),
    Step("edit with it", edit(LIB_RS, "1", "7"), "first 7 true 0.2.0", OWN,    WITH[4], OWN, EXTRA),
    Step("edit without", unchanged, "first 7 false 0.2.0",        JUST_APP,    WITH[3], JUST_APP),
    Step("profile", unchanged, "first 7 false 0.2.0",             WITH[3],     WITH[3], WITH[3], DEV),
    Step("profile back", unchanged, "first 7 false 0.2.0",        NOTHING,     WITH[3], NOTHING),
    Step("other program", unchanged, "",                          OTHER, OTHER_AND_ONE, OTHER, None, "other"),
    Step("edit of core", edit(LIB_RS, "7", "8"), "",              NOTHING,     OTHER,   NOTHING, None, "other"),
    Step("program back", unchanged, "first 8 false 0.2.0",        OWN,         WITH[3], OWN),
]
# fmt: on


def test_what_each_change_compiles(workspace: Workspace) -> None:
    go_through(workspace, STEPS)


@pytest.mark.parametrize("workspace", ["mount", LAYER], indirect=True)
def test_what_each_change_compiles_with_units_in_folders_of_their_own(workspace: Workspace) -> None:
    newest = replace(workspace, environment={**workspace.environment, **OWN_UNITS})

    go_through(newest, STEPS[:10])

    if newest.mode == "mount":
        require_units_of_their_own(newest.folder)


@pytest.mark.parametrize("workspace", ["mount", LAYER], indirect=True)
def test_a_variable_that_the_sources_name_compiles_no_dependency(workspace: Workspace) -> None:
    workspace.change(MAIN_RS, "first", 'first {}", env!("COMMIT")); print!("')

    def build(commit: str, other: str) -> tuple[Compiled, str]:
        variables = f'{{ COMMIT = "{commit}", UNNAMED = "{other}" }}'
        found, printed = workspace.build("--bin=app", RUSTDOCKER_BUILD_ENV=variables)
        return found, printed.splitlines()[0]

    found = [build("it's $1", "a"), build("2", "a"), build("3", "b"), build("3", "b")]

    own = OWN if workspace.mode == "layer" else JUST_APP
    # Of one that they do not name, nobody knows who reads it.
    of_unnamed = WITH[2] if workspace.mode == "layer" else OWN
    printed = ["first it's $1", "first 2", "first 3", "first 3"]
    assert found == list(zip((WITH[2], own, of_unnamed, NOTHING), printed, strict=True))


# Another compiler, as far as cargo knows.
OTHER_RUSTC = """#!/bin/sh
case $* in *-vV*) exec {rustc} "$@" | sed 's/^commit-date:.*/commit-date: 2000-01-01/' ;; esac
exec {rustc} "$@"
"""


def test_another_toolchain_compiles_all_once(workspace: Workspace) -> None:
    rustc = write_files(
        workspace.folder.parent / "other", {"rustc": OTHER_RUSTC.format(rustc=shutil.which("rustc"))}
    )
    (rustc / "rustc").chmod(0o755)
    on_host = {"PATH": f"{rustc}:{os.environ['PATH']}"}
    other = on_host if workspace.mode == "host" else {"RUSTDOCKER_BUILD_IMAGE": RUST_MUSL}

    found = [workspace.build("--bin=app", **environment) for environment in ({}, other, {})]

    again = WITH[2] if workspace.mode == "layer" else NOTHING
    assert found == [(WITH[2], A), (WITH[2], A), (again, A)]


def test_a_branch_and_back(workspace: Workspace) -> None:
    def git(*words: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        subprocess.run(["git", *identity, *words], cwd=workspace.folder, check=True, capture_output=True)

    workspace.write(".gitignore", "target\nlayers\n")
    git("init", "--initial-branch=one")
    git("add", ".")
    git("commit", "--message=one")
    one = workspace.build("--bin=app")
    git("checkout", "-b", "two")
    workspace.change(APP_TOML, "itoa", FNV + "itoa")
    workspace.change(LIB_RS, "1", "7")
    git("commit", "--all", "--message=two")
    two = workspace.build("--bin=app")
    git("checkout", "one")
    back = workspace.build("--bin=app")
    git("checkout", "two")
    again = workspace.build("--bin=app")

    seven = A.replace("first 1", "first 7")
    assert [one, two[1], back[1], again[1]] == [(WITH[2], A), seven, A, seven]
    wanted = {
        "mount": (WITH[1], NOTHING, NOTHING),
        "layer": (WITH[3], WITH[2], WITH[3]),
        "host": (WITH[1], OWN, OWN),
    }
    assert (two[0], back[0], again[0]) == wanted[workspace.mode]


def test_a_store_of_layers_that_is_out_of_order_is_told_and_stops_nothing(write: Write) -> None:
    folder = write(crate("storeless"))
    store = {"RUSTDOCKER_CACHE_FROM": "127.0.0.1:1/a/b:cache", "RUSTDOCKER_CACHE_TO": "127.0.0.1:1/a/b:cache"}

    done = invoke("build", folder=folder, RUSTDOCKER_BACKEND="buildx", DOCKER_HOST=CURRENT_ENGINE, **store)

    assert done.code == 0
    assert "no layers were taken from 127.0.0.1:1/a/b:cache: " in done.stderr
    assert "no layers were left for other machines: " in done.stderr


def largest_first(layers: Path) -> list[Path]:
    return sorted((layers / "blobs/sha256").iterdir(), key=lambda blob: -blob.stat().st_size)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "a layer is gone": lambda layers: largest_first(layers)[0].unlink(),
    "a manifest is gone": lambda layers: largest_first(layers)[-1].unlink(),
    "the index is cut off": lambda layers: cut(layers / "index.json"),
}


@pytest.mark.alone
def test_layers_that_an_interrupted_export_left_stop_nothing(tmp_path: Path) -> None:
    name = f"t{uuid.uuid4().hex[:8]}"
    manifest = MANIFEST.format(name=name) + '[dependencies]\nitoa = "1"\n'
    project = Workspace(write_files(tmp_path / name, {**crate(name), "Cargo.toml": manifest}), "layer", name[:1])
    project.cargo("generate-lockfile")
    project.build()
    whole = shutil.copytree(project.folder / "layers", tmp_path / "whole")
    found = {}
    for how, damage in DAMAGES.items():
        shutil.rmtree(project.folder / "layers")
        damage(shutil.copytree(whole, project.folder / "layers"))
        project.write("src/main.rs", f'fn main() {{ println!("{how}"); }}\n')
        found[how] = project.build()[1]

    assert found == {how: how for how in DAMAGES}


def test_the_old_engine_builds_in_layers_and_says_in_a_line_that_it_exports_none(write: Write) -> None:
    folder = write(crate("layered"))
    settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": MACHINE_ENGINE, "RUSTDOCKER_CACHE": "layer"}

    image = invoke("build", folder=folder, **settings).result
    refused = invoke("build", folder=folder, **settings, RUSTDOCKER_CACHE_TO="./layers")

    with closing(docker.DockerClient(base_url=MACHINE_ENGINE)) as client:
        assert client.containers.run(image, remove=True) == b"first\n"
    assert refused.code == 68
    assert "this engine's builder cannot leave layers for other machines\n" in refused.stderr


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"CI": "true"}, "layer: the environment variable CI is set"),
        ({"CI": "false"}, "mount: this builder is there tomorrow"),
        (
            {"RUSTDOCKER_CACHE_TO": "./x"},
            "layer: `cache-to` is set by the environment variable RUSTDOCKER_CACHE_TO",
        ),
        ({"CI": "1", "RUSTDOCKER_CACHE": "mount"}, "mount: set by the environment variable RUSTDOCKER_CACHE"),
    ],
)
def test_what_is_kept_is_chosen_and_said(write: Write, environment: dict[str, str], reason: str) -> None:
    folder = write(crate("chosen"))
    settings = {"RUSTDOCKER_BACKEND": "buildx", "RUSTDOCKER_CACHE": "auto", **environment}

    plan = invoke("plan", folder=folder, DOCKER_HOST=CURRENT_ENGINE, **settings).result

    assert f"cache           {reason}" in plan.splitlines()


def share_layers(of: Workspace, to: Workspace) -> None:
    """Give another checkout the layers that a machine exported, as a registry would."""
    if of.mode == "layer":
        shutil.rmtree(to.folder / "layers", ignore_errors=True)
        shutil.copytree(of.folder / "layers", to.folder / "layers")


@pytest.mark.parametrize("mode", MODES)
def test_clones_of_one_repository_share_what_is_compiled_and_never_a_program(tmp_path: Path, mode: str) -> None:
    name = f"t{uuid.uuid4().hex[:8]}"
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b.c")
    origin = write_files(tmp_path / "origin", {**crate(name), ".gitignore": "target\nlayers\n"})
    subprocess.run(["cargo", "generate-lockfile"], cwd=origin, check=True)
    for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message=one")):
        subprocess.run([*git, *words], cwd=origin, check=True)
    for clone in ("one", "two"):
        subprocess.run([*git, "clone", "--quiet", origin, clone], cwd=tmp_path, check=True)
    one, two = (Workspace(tmp_path / clone, mode, "t") for clone in ("one", "two"))

    first = one.build()
    share_layers(one, two)
    fresh = two.build()
    two.change("src/main.rs", "first", "other")
    edited = two.build()
    share_layers(two, one)
    one.change("src/main.rs", "first", "first ")
    back = one.build()

    own = Compiled(0, (name[1:],))
    # On the host each has a target folder of its own.
    shared = own if mode == "host" else NOTHING
    assert [first, fresh, edited, back] == [(own, "first"), (shared, "first"), (own, "other"), (own, "first")]


@pytest.mark.parametrize("mode", MODES)
def test_projects_of_one_name_share_nothing(tmp_path: Path, mode: str) -> None:
    name = f"t{uuid.uuid4().hex[:8]}"
    one, two = (Workspace(write_files(tmp_path / each, crate(name)), mode, "t") for each in ("one", "two"))
    two.change("src/main.rs", "first", "other")

    first = one.build()
    share_layers(one, two)
    second = two.build()

    assert [first, second] == [(Compiled(0, (name[1:],)), "first"), (Compiled(0, (name[1:],)), "other")]


# In layers each variant has a step of its own.
AT_ONCE = {"mount": ("slim", "minimal"), "layer": ("slim", "slim"), "host": ("minimal", "minimal")}


def test_two_builds_at_once_compile_all_of_it_once(workspace: Workspace) -> None:
    workspace.build("--bin=app")
    workspace.change(LIB_RS, "1", "7")

    with ThreadPoolExecutor() as pool:
        variants = [f"--variant={each}" for each in AT_ONCE[workspace.mode]]
        found = list(pool.map(partial(workspace.build_here, "--bin=app"), variants))

    assert [printed for _, printed in found] == [A.replace("first 1", "first 7")] * 2
    compiled = Counter(name for each, _ in found for name in each.own)
    assert compiled == {"app": 1, "core": 1}


@pytest.mark.alone
def test_what_is_kept_is_shown_and_removed(write: Write) -> None:
    folder = write(crate(f"kept-{uuid.uuid4().hex[:8]}"))
    settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE}

    def kept(*words: str) -> list[str]:
        told = json.loads(invoke("cache", "--json", *words, folder=folder, **settings).result)
        return [row["kept"] for row in told if row["bytes"] > 0]

    before = kept()
    invoke("build", folder=folder, **settings)
    after = kept()
    shown = invoke("cache", folder=folder, **settings).result.splitlines()
    cleared = kept("--clear")
    again = invoke("build", folder=folder, RUSTDOCKER_BUILD_ENV="{ X = '1' }", **settings)

    assert "this project" not in before
    assert after.count("this project") == 1
    assert shown[1].split()[:3] == ["this", "project", "1"]
    assert cleared.count("other projects") == after.count("other projects")
    assert "this project" not in cleared
    assert "Compiling kept-" in again.stderr


def test_an_engine_that_does_not_tell_mounts_apart_loses_none(write: Write) -> None:
    folder = write(crate("untold"))
    settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": MACHINE_ENGINE}
    invoke("build", folder=folder, **settings)

    refused = invoke("cache", "--clear", folder=folder, **settings)

    assert refused.code == 68
    assert "this engine does not tell which mounts are this project's" in refused.stderr
    assert '"other projects"' in invoke("cache", "--json", folder=folder, **settings).result


def test_what_another_builder_keeps_is_not_looked_for_on_the_engine(write: Write, tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    write_credentials(tmp_path / "docker", None)
    own_config = {"DOCKER_HOST": CURRENT_ENGINE, "DOCKER_CONFIG": str(tmp_path / "docker")}
    settings = {"RUSTDOCKER_BACKEND": "buildx", **own_config}
    words = ("buildx", "create", "--name=ci", "--driver=remote", "--use", "tcp://127.0.0.1:1")
    subprocess.run(["docker", *words], env=clean_environment(**settings), check=True, capture_output=True)
    folder = write(crate("elsewhere"))

    refused = invoke("cache", folder=folder, **settings)
    own = invoke("cache", folder=folder, RUSTDOCKER_BUILDER="default", **settings)

    assert refused.code == 64
    assert "set by: docker, whose current builder it is" in refused.stderr
    assert "docker buildx du --builder ci" in refused.stderr
    assert own.code == 0


def test_the_host_backend_keeps_nothing_of_its_own(write: Write) -> None:
    refused = invoke("cache", folder=write(crate("kept")))

    assert refused.code == 64
    assert "it keeps nothing but your own target folder, which `invoke clean` empties" in refused.stderr


@pytest.mark.parametrize("workspace", ["mount"], indirect=True)
@pytest.mark.parametrize("units", [{}, OWN_UNITS], ids=["units in common folders", "of their own"])
def test_what_ten_builds_did_not_use_is_removed_and_all_else_stays(
    workspace: Workspace, units: dict[str, str]
) -> None:
    def build(number: int, **environment: str) -> int:
        workspace.write(MAIN_RS, (workspace.folder / MAIN_RS).read_text() + f"// {number}\n")
        return workspace.build("--bin=app", **units, **environment)[0].others

    with_feature = build(0, **EXTRA)
    edits = [build(number) for number in range(1, 10)]
    in_time = build(10, **EXTRA)
    more_edits = [build(number) for number in range(11, 22)]
    too_late = build(22, **EXTRA)

    assert with_feature == 3
    assert edits + more_edits == [0] * 20
    assert (in_time, too_late) == (0, 1)


@pytest.mark.parametrize("workspace", ["mount", LAYER], indirect=True)
def test_explain_says_what_the_last_build_did(workspace: Workspace) -> None:
    def explain() -> dict[str, Any]:
        settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE}
        told: dict[str, Any] = json.loads(
            invoke("explain", "--json", "--bin=app", folder=workspace.folder, **settings).result
        )
        return told

    # What is no source is neither read nor sent.
    for place in ("target/release/large", ".git/objects/large"):
        workspace.write(place, "")
        os.truncate(workspace.folder / place, 2 << 30)
    workspace.build("--bin=app")
    cold = explain()
    workspace.write("notes/new", "1")
    workspace.change(MAIN_RS, "first", "again")
    workspace.build("--bin=app")
    edited = explain()

    names = {crate.split()[0].removeprefix(workspace.prefix) for crate in cold["compiled"]}
    assert names == {"app", "core", "itoa", "cfg-if"}
    assert set(cold["slowest"]) <= {"itoa", "cfg-if", f"{workspace.prefix}app", f"{workspace.prefix}core"}
    assert cold["changes"] is None
    assert edited["changes"] == {"added": ["notes/new"], "changed": [MAIN_RS], "removed": []}
    assert "itoa" not in str(edited["compiled"])
    assert "assemble" in edited["from_cache"]
    assert ("compile dependencies" in edited["from_cache"]) == (workspace.mode == "layer")
    ours = sum(
        path.stat().st_size for path in (workspace.folder / "target/rustdocker").rglob("*") if path.is_file()
    )
    own = sum(path.stat().st_size for path in workspace.folder.glob("*/src/*"))
    assert 0 < cold["sent"] < ours + own + 100_000
    assert 0 < edited["sent"] < 100_000


def test_projects_whose_configuration_puts_artefacts_into_cargo_s_home_share_none(tmp_path: Path) -> None:
    name = f"t{uuid.uuid4().hex[:8]}"
    config = '[build]\nbuild-dir = "{cargo-cache-home}/build/{workspace-path-hash}"\n'
    files = {**crate(name), ".cargo/config.toml": config}
    one, two = (Workspace(write_files(tmp_path / each, files), "mount", "t") for each in ("one", "two"))
    two.change("src/main.rs", "first", "other")

    printed = [each.build()[1] for each in (one, two)]
    # The step runs again, for sources that are as they were.
    printed.append(one.build(RUSTDOCKER_BUILD_ENV="{ X = '1' }")[1])

    assert printed == ["first", "other", "first"]


def test_a_library_for_c_is_compiled_once(tmp_path: Path) -> None:
    name = f"t{uuid.uuid4().hex[:8]}"
    manifest = MANIFEST.format(name=name) + f'[dependencies]\n{name}-c = {{ path = "c" }}\n[workspace]\n'
    library = MANIFEST.format(name=f"{name}-c") + '[lib]\ncrate-type = ["cdylib", "rlib"]\n'
    files = {**crate(name), "Cargo.toml": manifest, "c/Cargo.toml": library, "c/src/lib.rs": ""}
    project = Workspace(write_files(tmp_path / name, files), "mount", "t")

    found = []
    for number in range(3):
        project.write("src/main.rs", f'fn main() {{ println!("{number}"); }}\n')
        found.append(project.build()[0].own)

    assert found == [(name[1:], f"{name[1:]}-c"), (name[1:],), (name[1:],)]


IN_LAYERS = {"RUSTDOCKER_BACKEND": "buildx", "RUSTDOCKER_CACHE": "layer", "DOCKER_HOST": CURRENT_ENGINE}


def write_locked(write: Write, files: Mapping[str, str]) -> Path:
    folder = write(files)
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=folder, check=True)
    return folder


def test_a_patched_crate_may_read_what_lies_outside_of_its_folder(write: Write) -> None:
    """In layers the dependencies are compiled where only its folder is."""
    name = f"app-{uuid.uuid4().hex[:8]}"
    lib = '#![doc = include_str!("../../README.md")]\npub const TEXT: &str = include_str!("../../README.md");\n'
    files = {
        "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["app", "itoa"]\n'
        '[patch.crates-io]\nitoa = { path = "itoa" }\n',
        "README.md": "patched",
        "app/Cargo.toml": MANIFEST.format(name=name) + '[dependencies]\nitoa = "1"\nfnv = "1"\nryu = "1"\n',
        "app/src/main.rs": 'fn main() { println!("{}", itoa::TEXT); }\n',
        "itoa/Cargo.toml": MANIFEST.format(name="itoa").replace("0.1.0", "1.9.9"),
        "itoa/src/lib.rs": lib,
        # So long that a bar is drawn before it fails.
        "itoa/build.rs": "fn main() { std::thread::sleep(std::time::Duration::from_secs(2)); }\n",
        "tasks.py": TASKS,
    }
    folder = write_locked(write, files)

    done = invoke("run", folder=folder, **IN_LAYERS)

    assert done.result == "patched"
    assert "not all dependencies are compiled ahead: see the messages above of itoa" in done.stderr
    write_files(folder, {"app/src/main.rs": 'fn main() { println!("{} again", itoa::TEXT); }\n'})
    edited = invoke("run", folder=folder, **IN_LAYERS)
    assert edited.result == "patched again"
    # All others are in the layer.
    assert sorted(edited.compiled) == [name, "itoa"]


def test_a_patched_crate_is_compiled_once_for_a_layer(write: Write) -> None:
    name = f"app-{uuid.uuid4().hex[:8]}"
    files = {
        "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["app"]\n'
        '[patch.crates-io]\nitoa = { path = "third_party/itoa" }\n',
        "README.md": "no skeleton has it",
        "app/Cargo.toml": MANIFEST.format(name=name) + '[dependencies]\nserde_json = "1"\n',
        "app/src/main.rs": 'fn main() { println!("{}", serde_json::json!([1])); }\n',
        "third_party/itoa/Cargo.toml": MANIFEST.format(name="itoa").replace("0.1.0", "1.9.9") + "[workspace]\n",
        "third_party/itoa/src/lib.rs": ITOA_STANDIN,
        "tasks.py": TASKS,
    }
    folder = write_locked(write, files)

    cold = invoke("run", folder=folder, **IN_LAYERS)
    write_files(folder, {"app/src/main.rs": 'fn main() { println!("{}", serde_json::json!([2])); }\n'})
    edited = invoke("run", folder=folder, **IN_LAYERS)
    library = ITOA_STANDIN.replace("i.to_string()", 'format!("{i}0")')
    write_files(folder, {"third_party/itoa/src/lib.rs": library})
    patched = invoke("run", folder=folder, **IN_LAYERS)

    assert cold.result == "[1]"
    assert {"itoa", "serde_json", name} <= {*cold.compiled}
    assert cold.compiled.count("itoa") == 1
    assert (edited.result, edited.compiled) == ("[2]", [name])
    assert patched.result == "[20]"


def test_a_failure_of_another_crate_makes_no_layer_beside_a_patched_one(write: Write) -> None:
    name = f"app-{uuid.uuid4().hex[:8]}"
    dependencies = '[dependencies]\nitoa = "1"\nopenssl-sys = "0.9"\n[patch.crates-io]\nitoa = { path = "itoa" }\n'
    manifest = MANIFEST.format(name=name) + dependencies + "[workspace]\n"
    files = {
        "Cargo.toml": manifest,
        "src/main.rs": 'fn main() { println!("{}", itoa::TEXT); }\n',
        "itoa/Cargo.toml": MANIFEST.format(name="itoa").replace("0.1.0", "1.9.9"),
        "itoa/src/lib.rs": 'pub const TEXT: &str = "patched";\n',
        "tasks.py": TASKS,
    }
    folder = write_locked(write, files)

    failed = invoke("build", folder=folder, RUSTDOCKER_BUILD_ENV='{ OPENSSL_DIR = "/none" }', **IN_LAYERS)

    assert failed.code == 66
    assert "failed to run custom build command for `openssl-sys" in failed.stderr
    assert "compiled ahead" not in failed.stderr
