"""Programs that load a shared library of their project's own: beside the program, or as an asset."""

from __future__ import annotations

import subprocess
import uuid

import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tests.conftest import Write, crate, invoke
from tests.engine.conftest import MACHINE_ENGINE

pytestmark = pytest.mark.engine

SHARED = ("-shared", "-fPIC", "-Wl,-soname,libfoo.so", "-o")
MAIN = """extern "C" { fn foo() -> i32; }
fn main() { println!("{}", unsafe { foo() }); }
"""
BESIDE = """use std::{env, fs, path::PathBuf, process::Command};
fn main() {
    let out = PathBuf::from(env::var("OUT_DIR").unwrap());
    let library = out.join("libfoo.so");
    let words = ["-shared", "-fPIC", "-Wl,-soname,libfoo.so", "foo.c", "-o"];
    assert!(Command::new("cc").args(words).arg(&library).status().unwrap().success());
    let profile = out.ancestors().find(|each| each.file_name().unwrap() == "release").unwrap();
    fs::copy(&library, profile.join("libfoo.so")).unwrap();
    println!("cargo:rustc-link-search=native={}", out.display());
    println!("cargo:rustc-link-lib=foo");
    println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN");
}
"""
IN_IMAGE = """fn main() {
    println!("cargo:rustc-link-search=native=native");
    println!("cargo:rustc-link-lib=foo");
    println!("cargo:rustc-link-arg=-Wl,-rpath,/usr/local/lib/shop");
}
"""
FOO = "int foo(void) { return 42; }\n"


def project(build: str) -> dict[str, str]:
    return crate(f"own-{uuid.uuid4().hex[:8]}", **{"src/main.rs": MAIN, "build.rs": build, "foo.c": FOO})


@pytest.mark.parametrize("variant", ["slim", "minimal"])
def test_a_library_beside_the_program(write: Write, variant: str) -> None:
    settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE, "RUSTDOCKER_VARIANT": variant}

    assert invoke("run", folder=write(project(BESIDE)), **settings).result == "42"


@pytest.mark.parametrize(("backend", "host"), [("buildx", CURRENT_ENGINE), ("host", MACHINE_ENGINE)])
def test_a_library_that_is_an_asset(write: Write, backend: str, host: str) -> None:
    asset = '[{ source = "native/libfoo.so", destination = "/usr/local/lib/shop/" }]'
    folder = write(project(IN_IMAGE))
    (folder / "native").mkdir()
    subprocess.run(["cc", *SHARED, "native/libfoo.so", "foo.c"], cwd=folder, check=True)
    settings = {"RUSTDOCKER_BACKEND": backend, "DOCKER_HOST": host}

    lacks = invoke("run", folder=folder, **settings)
    done = invoke("run", folder=folder, **settings, RUSTDOCKER_ASSETS=asset)

    assert lacks.code == 67
    assert "libfoo.so" in lacks.stderr
    assert done.result == "42"
