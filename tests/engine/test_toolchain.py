"""With which Rust, and for which target, a build in containers compiles."""

from __future__ import annotations

import json
import subprocess

import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.images import RUST_MUSL
from tests.conftest import Outcome, Write, crate, invoke

pytestmark = pytest.mark.engine

MUSL = "x86_64-unknown-linux-musl"
SHOWN = """fn main() {
    println!("{} {}", if cfg!(target_env = "musl") { "musl" } else { "gnu" }, env!("RUST"));
}
"""
# The Rust that compiles is the one that the build script is told of.
BUILD = """fn main() {
    let out = std::process::Command::new(std::env::var("RUSTC").unwrap()).arg("--version").output().unwrap();
    println!("cargo::rustc-env=RUST={}", String::from_utf8(out.stdout).unwrap().split(' ').nth(1).unwrap());
}
"""
# No server of toolchains is in reach of every machine that tests.
NO_SERVER = '{ RUSTUP_DIST_SERVER = "http://127.0.0.1:9" }'
FILES = {"src/main.rs": SHOWN, "build.rs": BUILD}


def run(folder: object, *words: str, **environment: str) -> Outcome:
    settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE, **environment}
    return invoke("run", *words, folder=folder, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given",
    [{"RUSTDOCKER_TARGET": MUSL}, {"file": f'build.target = "{MUSL}"\n'}],
    ids=["setting", "cargo's configuration"],
)
def test_a_dynamic_variant_takes_a_program_for_another_target(write: Write, given: dict[str, str]) -> None:
    config = given.get("file", "")
    folder = write({**crate("targeted", **FILES), ".cargo/config.toml": config})
    settings = {key: value for key, value in given.items() if key != "file"}

    done = run(folder, RUSTDOCKER_BUILD_IMAGE=RUST_MUSL, **settings)

    assert done.result.startswith("musl 1.85.")


@pytest.mark.parametrize("backend", ["buildx", "host"])
def test_a_target_that_runs_in_no_container_gives_way(write: Write, backend: str) -> None:
    config = 'build.target = "wasm32-unknown-unknown"\n'
    folder = write({**crate("foreign", **FILES), ".cargo/config.toml": config})

    done = run(folder, RUSTDOCKER_BACKEND=backend)

    assert done.result == f"gnu {own_version()}"


def test_another_machine_s_target_is_refused_in_a_line(write: Write) -> None:
    folder = write(crate("foreign"))

    done = run(folder, RUSTDOCKER_TARGET="aarch64-unknown-linux-gnu")

    assert done.code == 66
    assert "other machine: aarch64-unknown-linux-gnu, where this builder's is x86_64" in done.stderr


def own_version() -> str:
    return subprocess.check_output(["rustc", "--version"], text=True).split()[1]


@pytest.mark.parametrize(
    "asked",
    [
        'channel = "{0}"',
        'channel = "{0}"\ncomponents = ["rustfmt", "clippy", "rust-docs"]',
        'channel = "stable"\ntargets = ["x86_64-unknown-linux-gnu", "aarch64-apple-darwin"]',
        'channel = "stable-x86_64-unknown-linux-gnu"',
        'components = ["rust-analyzer"]',
    ],
)
def test_the_image_s_own_rust_serves_where_it_is_what_is_asked_for(write: Write, asked: str) -> None:
    version = own_version()
    text = asked.format(version.rpartition(".")[0])
    folder = write(crate("pinned", **FILES, **{"rust-toolchain.toml": f"[toolchain]\n{text}\n"}))

    done = run(folder, RUSTDOCKER_BUILD_ENV=NO_SERVER)

    assert done.result == f"gnu {version}"
    assert "adding" not in done.stderr


# What a page loads, compiled by the build script of what serves it.
PAGE = """fn main() {
    let (rustc, out) = (std::env::var("RUSTC").unwrap(), std::env::var("OUT_DIR").unwrap());
    let words = ["--target=wasm32-unknown-unknown", "--crate-type=cdylib", "page.rs", "--out-dir", &out];
    assert!(std::process::Command::new(rustc).args(words).status().unwrap().success());
}
"""
SERVES = 'fn main() { println!("{:?}", &include_bytes!(concat!(env!("OUT_DIR"), "/page.wasm"))[..4]); }\n'


def test_a_target_that_the_project_names_is_there_for_its_build_script(write: Write) -> None:
    file = '[toolchain]\ntargets = ["wasm32-unknown-unknown", "aarch64-apple-darwin"]\n'
    files = {"build.rs": PAGE, "src/main.rs": SERVES, "page.rs": "", "rust-toolchain.toml": file}

    done = run(write(crate("serves-a-page", **files)))

    assert done.result == "[0, 97, 115, 109]"
    assert [line for line in done.stderr.splitlines() if line.startswith("adding")] == [
        "adding the target wasm32-unknown-unknown"
    ]


def test_targets_are_not_asked_of_an_image_without_rustup(write: Write) -> None:
    file = '[toolchain]\ntargets = ["wasm32-unknown-unknown"]\n'
    folder = write(crate("names-targets", **FILES, **{"rust-toolchain.toml": file}))

    assert run(folder, RUSTDOCKER_BUILD_IMAGE=RUST_MUSL).result.startswith("gnu 1.85.")


def test_an_image_without_rustup_serves_too_if_its_rust_is_what_is_asked_for(write: Write) -> None:
    folder = write(crate("pinned", **FILES, **{"rust-toolchain": "1.85\n"}))

    done = run(folder, RUSTDOCKER_BUILD_IMAGE=RUST_MUSL)
    (folder / "rust-toolchain").write_text("1.84")
    other = run(folder, RUSTDOCKER_BUILD_IMAGE=RUST_MUSL)

    assert done.result.startswith("gnu 1.85.")
    assert other.code == 66
    assert "no rustup to add Rust 1.84, which the project asks for" in other.stderr


def test_a_rust_that_the_image_lacks_is_asked_for_before_anything_is_compiled(write: Write) -> None:
    files = {**FILES, "rust-toolchain": "1.31.0\n"}
    folder = write(crate("older", **files))

    done = run(folder, RUSTDOCKER_BUILD_ENV=NO_SERVER)

    assert done.code == 67
    assert "adding Rust 1.31.0" in done.stderr
    assert "Compiling" not in done.stderr


def test_who_names_a_toolchain_outranks_the_file(write: Write) -> None:
    folder = write(crate("overridden", **FILES, **{"rust-toolchain": "1.31.0\n"}))

    done = run(folder, RUSTDOCKER_BUILD_ENV=f'{{ RUSTUP_TOOLCHAIN = "{own_version()}" }}')

    assert done.result == f"gnu {own_version()}"


def test_the_setting_outranks_the_file(write: Write) -> None:
    folder = write(crate("overridden", **FILES, **{"rust-toolchain": "1.31.0\n"}))

    done = run(folder, RUSTDOCKER_TOOLCHAIN=own_version())
    other = run(folder, RUSTDOCKER_TOOLCHAIN="1.30.0", RUSTDOCKER_BUILD_ENV=NO_SERVER)
    on_host = invoke("run", folder=folder, RUSTDOCKER_TOOLCHAIN=own_version())

    assert done.result == f"gnu {own_version()}"
    assert "adding Rust 1.30.0" in other.stderr
    assert other.code == 67
    assert own_version() in on_host.result


def test_cargo_s_configuration_outside_of_the_project_is_named(write: Write) -> None:
    app = crate("inner")
    folder = write(
        {".cargo/config.toml": "build.rustflags = ['--cfg', 'outer']\n", **{f"app/{k}": v for k, v in app.items()}}
    )
    config = folder / ".cargo" / "config.toml"
    settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE}

    done = invoke("build", folder=folder / "app", **settings)
    plan = invoke("plan", folder=folder / "app", **settings).result
    on_host = json.loads(invoke("plan", "--json", folder=folder / "app").result)

    assert done.code == 0
    assert f"{config} lies outside of the repository and does not count in containers" in done.stderr
    assert f"{config} (not in containers)" in plan
    assert str(config) in on_host["cargo_config"]


def test_a_linker_that_cargo_s_configuration_names_is_there(write: Write) -> None:
    config = '[target.x86_64-unknown-linux-gnu]\nlinker = "clang"\nrustflags = ["-Clink-arg=-fuse-ld=lld"]\n'
    folder = write(crate("linked", **{".cargo/config.toml": config}))

    built = run(folder)

    assert built.result.splitlines()[-1] == "first"
    assert "installing lld clang" in built.stderr
