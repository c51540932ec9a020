"""What programs need of Debian: installed to compile with, in the image to run with, checked before it is made."""

from __future__ import annotations

import json
import re
import shutil
import uuid
from contextlib import closing
from pathlib import Path

import docker
import pytest

from rustdocker_tasks.plan.system_packages import load_records
from rustdocker_tasks.plan.tools import load_tools
from tasks.lab.debian import unpack
from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.images import RUNTIME, RUST, RUST_MUSL
from tasks.matrix.cases import CASES, Case, build_and_run
from tests.conftest import Outcome, Write, crate, invoke
from tests.engine.base_image import base_image
from tests.engine.conftest import exported

pytestmark = pytest.mark.engine

BUILDX = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE}
USES_PCAP = """use std::ffi::{c_char, CStr};
extern "C" { fn pcap_lib_version() -> *const c_char; }
fn main() { println!("{}", unsafe { CStr::from_ptr(pcap_lib_version()) }.to_str().unwrap()); }
"""
LINKS_PCAP = 'fn main() { println!("cargo:rustc-link-lib=pcap"); }\n'


def run(*words: str, folder: Path, **settings: str) -> Outcome:
    return invoke("run", *words, folder=folder, **BUILDX, **settings)


def named() -> str:
    """A name that no other build has used: equal steps would be answered from the cache."""
    return f"needs-{uuid.uuid4().hex[:8]}"


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("sqlite", "slim"),
        ("pcap", "minimal"),
        ("bindgen", "slim"),
        ("cmake", "static"),
        ("C++", "minimal"),
        ("protoc", "slim"),
        ("jemalloc", "static"),
    ],
)
def test_a_program_of_the_matrix(name: str, variant: str, tmp_path: Path) -> None:
    CASES[name].write(tmp_path, named())

    outcome = build_and_run(tmp_path, name, variant, engine=CURRENT_ENGINE)

    assert outcome.problem is None, outcome.problem
    assert outcome.packages


def test_a_static_program_with_a_library_of_glibc_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    CASES["sqlite"].write(tmp_path, named())

    done = invoke("static", folder=tmp_path, **BUILDX)

    assert done.code == 66
    what, found, _, hint = done.stderr.splitlines()
    assert what.startswith("libsqlite3-sys 0.30.")
    assert what.endswith(" cannot be part of a static program of musl")
    assert found.startswith("  found: it links with libsqlite3-dev for needs-")
    assert hint == (
        "  hint: take the feature `bundled` of the crate libsqlite3-sys, or of rusqlite; "
        "or link it with glibc: --libc gnu; or build another variant: --variant minimal"
    )


def test_sizes_leaves_out_what_no_such_program_can_be(tmp_path: Path) -> None:
    CASES["sqlite"].write(tmp_path, named())
    planned = invoke("-R", "sizes", folder=tmp_path, RUSTDOCKER_BACKEND="buildx", DOCKER_HOST=CURRENT_ENGINE)

    assert planned.code == 0, planned.stderr
    assert "static is left out: libsqlite3-sys " in planned.stderr
    assert "variant         minimal" in planned.stderr


def test_sizes_leaves_out_what_the_settings_exclude(write: Write) -> None:
    settings = {"RUSTDOCKER_TARGET": "x86_64-unknown-linux-gnu", "RUSTDOCKER_BACKEND": "buildx"}
    planned = invoke("-R", "sizes", folder=write(crate(named())), DOCKER_HOST=CURRENT_ENGINE, **settings)

    assert planned.code == 0, planned.stderr
    assert "static is left out: " in planned.stderr
    assert "variant         minimal" in planned.stderr


def test_what_the_linker_lacks_is_named_and_the_setting_mends_it(write: Write) -> None:
    folder = write(crate(named(), **{"src/main.rs": USES_PCAP, "build.rs": LINKS_PCAP}))

    lacks = run(folder=folder)
    done = run(folder=folder, RUSTDOCKER_BUILD_PACKAGES="libpcap0.8-dev")

    assert lacks.code == 66
    assert lacks.stderr.splitlines()[-4:] == [
        "the program cannot be compiled with what the build image has",
        "  found: no library pcap",
        f"  set by: the crate {folder_name(folder)}",
        '  hint: set `build-packages = ["libpcap0.8-dev"]`, which has it',
    ]
    assert done.result.startswith("libpcap version 1.")
    gets = next(line for line in done.stderr.splitlines() if line.startswith("the image gets libpcap.so.0.8 "))
    assert gets.startswith("the image gets libpcap.so.0.8 of libpcap0.8t64 1.")
    assert gets.endswith(" (asked for by the environment variable RUSTDOCKER_BUILD_PACKAGES)")


def folder_name(folder: Path) -> str:
    return (folder / "Cargo.toml").read_text().split('"')[1]


@pytest.mark.parametrize("variant", ["slim", "minimal"])
def test_an_added_library_has_its_package_s_record_and_its_licence(write: Write, variant: str) -> None:
    folder = write(crate(named(), **{"src/main.rs": USES_PCAP, "build.rs": LINKS_PCAP}))
    settings = {**BUILDX, "RUSTDOCKER_BUILD_PACKAGES": "libpcap0.8-dev", "RUSTDOCKER_VARIANT": variant}

    image = invoke("build", folder=folder, **settings).result
    told = json.loads(invoke("inspect", "--json", folder=folder, **settings).result)

    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as engine, exported(engine, image) as files:
        record = files.extractfile("var/lib/dpkg/status.d/libpcap0.8t64")
        names = {member.name for member in files.getmembers()}
        found = files.extractfile("etc/os-release" if variant == "minimal" else "usr/lib/os-release")
        assert record is not None
        assert found is not None
        system = found.read().decode()
        lines = record.read().decode().splitlines()
    assert lines[:2] == ["Package: libpcap0.8t64", "Status: install ok installed"]
    assert any(line.startswith("Version: 1.") for line in lines)
    assert "usr/share/doc/libpcap0.8t64/copyright" in names
    # What the base has is the base's own matter.
    assert ("var/lib/dpkg/status.d/libc6" in names) == (variant == "minimal")
    # By it scanners know whose packages these are; here it is the build image's, or the base's own.
    assert "ID=debian" in system.splitlines()
    (why,) = [each["why"] for each in told["heaviest"] if "/libpcap.so." in each["path"]]
    assert why.startswith("of libpcap0.8t64 1.")
    assert why.endswith(" (asked for by the environment variable RUSTDOCKER_BUILD_PACKAGES)")


@pytest.mark.parametrize("cache", ["mount", "layer"])
def test_several_programs_of_one_image_share_their_libraries(write: Write, cache: str) -> None:
    programs = {name: USES_PCAP.replace("{}", f"{name} {{}}") for name in ("main", "bin/migrate")}
    files = {f"src/{name}.rs": text for name, text in programs.items()}
    folder = write(crate(named(), **files, **{"build.rs": LINKS_PCAP}))
    settings = {
        **BUILDX,
        "RUSTDOCKER_BUILD_PACKAGES": "libpcap0.8-dev",
        "RUSTDOCKER_VARIANT": "minimal",
        "RUSTDOCKER_CACHE": cache,
        "RUSTDOCKER_BIN": folder_name(folder),
        "RUSTDOCKER_EXTRA_BINS": "migrate",
    }

    image = invoke("build", folder=folder, **settings).result

    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as engine:
        for words, name in ((None, "main"), (["/usr/local/bin/migrate"], "bin/migrate")):
            told = engine.containers.run(image, entrypoint=words, remove=True).decode()
            assert told.startswith(f"{name} libpcap version 1.")
        with exported(engine, image) as files_of_image:
            names = [Path(member.name).name for member in files_of_image.getmembers()]
            sums = files_of_image.extractfile("var/lib/dpkg/status.d/libpcap0.8t64.md5sums")
            assert sums is not None
            assert len(sums.read().splitlines()) == 1
    assert names.count("libpcap.so.0.8") == 1


def test_one_of_several_programs_that_does_not_compile_fails_their_image(write: Write) -> None:
    folder = write(crate(named(), **{"src/bin/migrate.rs": "fn main() { nothing }"}))
    bins = {"RUSTDOCKER_BIN": folder_name(folder), "RUSTDOCKER_EXTRA_BINS": "migrate"}

    done = invoke("build", folder=folder, **BUILDX, **bins)

    assert done.code == 66
    assert "cannot find value `nothing`" in done.stderr
    assert "`cargo build` failed" in done.stderr


def test_a_package_that_debian_does_not_have(write: Write) -> None:
    done = run(folder=write(crate(named())), RUSTDOCKER_BUILD_PACKAGES="no-such-package-anywhere")

    assert done.code == 66
    assert "E: Unable to locate package no-such-package-anywhere" in done.stderr
    assert done.stderr.splitlines()[-4] == "Debian's packages were not got: no-such-package-anywhere"
    assert done.stderr.splitlines()[-2] == "  set by: the environment variable RUSTDOCKER_BUILD_PACKAGES"


def test_a_word_that_is_no_package_is_refused_before_anything_is_built(write: Write) -> None:
    done = run(folder=write(crate(named())), RUSTDOCKER_BUILD_PACKAGES="--reinstall")

    assert done.code == 64
    assert "Compiling" not in done.stderr


def test_a_base_that_is_older_than_the_builder_is_refused(
    write: Write, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # The standard library asks the C library for what Debian 12 does not have, as soon as a process is started.
    starts = 'fn main() { println!("{}", std::process::Command::new("true").status().is_ok()); }\n'
    folder = write(crate(named(), **{"src/main.rs": starts}))
    base = tmp_path_factory.mktemp("base")
    shutil.copy(unpack("libc-of-bookworm", "bookworm", "libc6") / "lib/x86_64-linux-gnu/libc.so.6", base)

    with base_image(base, f"FROM {RUNTIME}\nCOPY libc.so.6 /usr/lib/x86_64-linux-gnu/\n") as settings:
        done = run(folder=folder, **settings)

    assert done.code == 67
    what, found, set_by, _ = done.stderr.splitlines()[-4:]
    assert what == "the program would not start: its base image has an older library than it needs"
    assert found.endswith(" lacks GLIBC_2.39 of libc.so.6")
    assert set_by == "  set by: the environment variable RUSTDOCKER_RUNTIME_IMAGE"


def test_a_base_that_lost_a_library_gets_it_again(write: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = write(crate(named()))
    dockerfile = f"FROM {RUNTIME}\nRUN rm /usr/lib/x86_64-linux-gnu/libgcc_s.so.1\n"

    with base_image(tmp_path_factory.mktemp("base"), dockerfile) as settings:
        done = run(folder=folder, **settings)

    assert done.result == "first"
    assert "the image gets libgcc_s.so.1 of libgcc-s1 " in done.stderr


def test_a_base_without_glibc_is_refused(write: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = write(crate(named()))

    with base_image(tmp_path_factory.mktemp("base"), "FROM scratch\nCOPY Dockerfile /\n") as settings:
        done = run(folder=folder, **settings)

    assert done.code == 67
    assert (
        done.stderr.splitlines()[-3]
        == "  found: there is no /lib64/ld-linux-x86-64.so.2, which glibc's programs begin with"
    )


def test_a_dynamic_program_is_not_shipped_as_static(write: Write) -> None:
    config = '[target.x86_64-unknown-linux-musl]\nrustflags = ["-C", "target-feature=-crt-static"]\n'
    folder = write(crate(named(), **{".cargo/config.toml": config}))

    done = invoke("static", folder=folder, **BUILDX, RUSTDOCKER_BUILD_IMAGE=RUST_MUSL)

    assert done.code == 67
    assert "the program is not fully static\n  found: the program: needs " in done.stderr


LOADS_PCAP = """fn main() {
    let loaded = unsafe { libloading::Library::new("libpcap.so.0.8") };
    println!("{}", loaded.map_or_else(|error| error.to_string(), |_| "loaded".to_string()));
}
"""


@pytest.mark.parametrize("variant", ["slim", "minimal"])
def test_a_library_that_is_loaded_by_name_comes_with_its_own(tmp_path: Path, variant: str) -> None:
    case = Case('libloading = "0.8"', LOADS_PCAP, "")
    case.write(tmp_path, named())

    without = run(folder=tmp_path, RUSTDOCKER_VARIANT=variant)
    done = run(folder=tmp_path, RUSTDOCKER_VARIANT=variant, RUSTDOCKER_RUNTIME_PACKAGES="libpcap0.8t64")

    assert "libpcap.so.0.8: cannot open shared object file" in without.result
    assert done.result == "loaded"


@pytest.mark.parametrize("variant", ["simple", "slim", "minimal", "static"])
def test_a_program_that_is_started_comes_with_what_it_needs(write: Write, variant: str) -> None:
    starts = """fn main() {
    let out = std::process::Command::new("jq").args(["-n", "1+1"]).output();
    println!("{}", out.map_or_else(|error| error.to_string(), |out| String::from_utf8(out.stdout).unwrap()));
}
"""
    folder = write(crate(named(), **{"src/main.rs": starts}))

    settings = {"RUSTDOCKER_VARIANT": variant, "RUSTDOCKER_RUNTIME_PACKAGES": "jq"}
    settings |= {"RUSTDOCKER_BUILD_IMAGE": RUST_MUSL} if variant == "static" else {}

    assert run(folder=folder, **settings).result == "2"


def test_packages_in_an_image_have_fixed_times_and_no_manuals(write: Write) -> None:
    settings = {**BUILDX, "RUSTDOCKER_RUNTIME_PACKAGES": "jq", "RUSTDOCKER_VARIANT": "minimal"}

    image = invoke("build", folder=write(crate(named())), **settings).result

    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as engine, exported(engine, image) as files:
        tree = {member.name: member for member in files.getmembers()}
    assert tree["usr/bin/jq"].mode & 0o7777 == 0o755
    assert {"var/lib/dpkg/status.d/jq", "usr/share/doc/jq/copyright"} <= tree.keys()
    assert {member.mtime for name, member in tree.items() if name.startswith("usr/") and member.isfile()} == {0}
    assert not [name for name in tree if name.startswith("usr/share/man/")]


def test_packages_of_another_release_than_the_base_s_are_refused(
    write: Write, tmp_path_factory: pytest.TempPathFactory
) -> None:
    dockerfile = f"FROM {RUNTIME}\nRUN sed -i s/trixie/bookworm/ /usr/lib/os-release\n"

    with base_image(tmp_path_factory.mktemp("base"), dockerfile) as settings:
        done = run(folder=write(crate(named())), **settings, RUSTDOCKER_RUNTIME_PACKAGES="jq")

    assert done.code == 67
    assert (
        "  found: what `runtime-packages` names is of Debian trixie, and the base is of bookworm\n" in done.stderr
    )


def test_the_host_backend_refuses_packages_for_the_image(write: Write) -> None:
    done = invoke("build", folder=write(crate(named())), RUSTDOCKER_RUNTIME_PACKAGES="jq")

    assert done.code == 64
    assert "the host backend installs no packages of Debian" in done.stderr


def test_every_package_of_the_tables_is_one_of_debian_s() -> None:
    names = {name for record in load_records() for name in (*record.packages, *record.at_run_time)}
    names |= {tool.package for tool in load_tools().values()}
    script = 'apt-get update --quiet=2 && { apt-cache show --no-all-versions "$@" || true; }'

    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as engine:
        shown: bytes = engine.containers.run(RUST, ["sh", "-c", script, "sh", *sorted(names)], remove=True)

    assert names - set(re.findall("^Package: (.*)$", shown.decode(), re.MULTILINE)) == set()
