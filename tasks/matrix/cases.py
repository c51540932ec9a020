"""The cases of the matrix: a program each, what it prints, and how it is built and run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from tasks.matrix.postgresql import QUESTION, postgresql

Service = Callable[[str], AbstractContextManager[Mapping[str, str]]]

# By name, the settings that make it.
VARIANTS = {
    **{name: {"RUSTDOCKER_VARIANT": name} for name in ("slim", "minimal", "static")},
    "static of glibc": {"RUSTDOCKER_VARIANT": "static", "RUSTDOCKER_LIBC": "gnu"},
}
# What no static program can have, of any C library or of musl: refused before anything is compiled.
_NEVER_STATIC = {
    *("openssl", "native-tls", "libpq", "libpq with a server", "mysqlclient", "curl"),
    *("udev", "dbus", "alsa", "pcap", "seccomp"),
    *("fontconfig", "cairo", "magic", "tesseract", "archive", "gstreamer", "pcsc"),
}
_NEVER_OF_MUSL = {"sqlite", "rdkafka", "rdkafka with cmake", "C++", "sodium"}
REFUSED = {"static": _NEVER_STATIC | _NEVER_OF_MUSL, "static of glibc": _NEVER_STATIC}
_EXAMPLE = Path(__file__).parents[2] / "examples/web"
_REFUSED = re.compile(r"(.* cannot be part of a static program of (?:musl|glibc))\n")
_MANIFEST = """[package]
name = "{name}"
version = "0.1.0"
edition = "2024"
rust-version = "1.85"

[dependencies]
{dependencies}
{build}"""


@dataclass(frozen=True)
class Case:
    """A program, and the task that starts it: the line that the task prints matches `prints`."""

    dependencies: str
    main: str
    prints: str
    build: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)  # as variables of the environment
    service: Service | None = None  # what has to run beside the program
    task: str = "run"

    def write(self, folder: Path, name: str = "program") -> None:
        build = f"[build-dependencies]\n{self.build}\n" if self.build else ""
        files = {
            "Cargo.toml": _MANIFEST.format(name=name, dependencies=self.dependencies, build=build),
            "src/main.rs": self.main,
            "tasks.py": "from rustdocker_tasks import ns\n",
            **self.files,
        }
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        subprocess.run(["cargo", "fetch", "--quiet"], cwd=folder, check=True)


@dataclass(frozen=True)
class Outcome:
    """What became of a case in a variant; `text` is for the table, `problem` None where it is as it should be."""

    text: str
    packages: tuple[str, ...] = ()
    problem: str | None = None


def build_and_run(folder: Path, name: str, variant: str, *, engine: str) -> Outcome:
    """Return what the task of a case printed, or why it was refused before anything was compiled."""
    case, is_to_be_refused = CASES[name], name in REFUSED.get(variant, ())
    environment = {
        **os.environ,
        "RUSTDOCKER_BACKEND": "buildx",
        "RUSTDOCKER_CACHE": "mount",
        "DOCKER_HOST": engine,
        **VARIANTS[variant],
        **case.settings,
    }
    planned = _invoke(folder, environment, "plan", "--json")
    if planned.returncode:
        refused = _REFUSED.search(planned.stderr)
        if refused is None or not is_to_be_refused:
            return Outcome("FAILED", problem=planned.stderr)
        return Outcome(f"refused: {refused[1]}")
    if is_to_be_refused:
        return Outcome("FAILED", problem="it was not refused")
    packages = tuple(each["package"] for each in json.loads(planned.stdout)["build_packages"])
    with case.service(engine) if case.service else nullcontext({}) as more:
        done = _invoke(folder, {**environment, **more}, case.task)
    line = done.stdout.strip()
    if done.returncode or not re.fullmatch(case.prints, line):
        return Outcome("FAILED", packages, problem=f"{done.stdout}\n{done.stderr[-6000:]}")
    return Outcome(f"`{line}`", packages)


def _invoke(folder: Path, environment: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "invoke", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _version_of(function: str, library: str, kind: str = "text") -> str:
    """A program that asks a library of C for its version."""
    shown = "std::ffi::CStr::from_ptr(version()).to_str().unwrap()" if kind == "text" else "version()"
    result = "*const std::ffi::c_char" if kind == "text" else kind
    return (
        f"use {library} as _;\n"
        f'unsafe extern "C" {{ #[link_name = "{function}"] fn version() -> {result}; }}\n'
        f'fn main() {{ println!("{{}}", unsafe {{ {shown} }}); }}\n'
    )


_NUMBER = r"\d+(\.\d+)*.*"
_BINDGEN = {
    "build.rs": """fn main() {
    let out = std::path::Path::new(&std::env::var("OUT_DIR").unwrap()).join("bindings.rs");
    bindgen::builder().header("src/sizes.h").generate().unwrap().write_to_file(out).unwrap();
}
""",
    # Headers of the C library and of the compiler.
    "src/sizes.h": "#include <stddef.h>\n#include <stdint.h>\nenum { ANSWER = 42 };\ntypedef uint64_t answer_t;\n",
}
_CMAKE = {
    "build.rs": """fn main() {
    let built = cmake::Config::new("native").build();
    println!("cargo::rustc-link-search=native={}/lib", built.display());
    println!("cargo::rustc-link-lib=static=answer");
}
""",
    "native/CMakeLists.txt": "cmake_minimum_required(VERSION 3.10)\nproject(answer C)\n"
    "add_library(answer STATIC answer.c)\n"
    "install(TARGETS answer ARCHIVE DESTINATION lib)\n",
    "native/answer.c": "int answer(void) { return 42; }\n",
}
_CPP = {
    "build.rs": 'fn main() { cc::Build::new().cpp(true).file("src/answer.cc").compile("answer"); }\n',
    "src/answer.cc": '#include <string>\nextern "C" int answer() { return std::string("forty").size() + 37; }\n',
}
_ANSWER = 'unsafe extern "C" { fn answer() -> i32; }\nfn main() { println!("{}", unsafe { answer() }); }\n'
_PROTOC = {
    "build.rs": 'fn main() { prost_build::compile_protos(&["src/answer.proto"], &["src"]).unwrap(); }\n',
    "src/answer.proto": 'syntax = "proto3";\npackage answer;\nimport "google/protobuf/timestamp.proto";\n'
    "message Answer { int32 number = 1; google.protobuf.Timestamp at = 2; }\n",
}
_ALLOCATED = """#[global_allocator]
static ALLOCATOR: {0} = {0};
fn main() {{ println!("{{}}", (0..=8).map(|n| Box::new(n)).map(|n| *n).sum::<i32>()); }}
"""
_LOADED = """fn main() {
    let found = unsafe { libloading::Library::new("libsqlite3.so.0") };
    match found {
        Ok(library) => unsafe {
            let version = library.get::<unsafe extern "C" fn() -> *const std::ffi::c_char>(b"sqlite3_libversion");
            println!("{}", std::ffi::CStr::from_ptr(version.unwrap()()).to_str().unwrap());
        },
        Err(libloading::Error::DlOpen { desc }) => println!("static: {}", format!("{desc:?}").trim_matches('"')),
        Err(other) => panic!("{other}"),
    }
}
"""
_WEB = {
    path: (_EXAMPLE / path).read_text(encoding="utf-8")
    for path in ("Cargo.toml", "Cargo.lock", "src/main.rs", "src/source.rs", "templates/greeting.txt")
}
_SHA = (
    'use {0}::digest;\nfn main() {{ println!("{{:02x}}", digest::digest(&digest::SHA256, b"a").as_ref()[0]); }}\n'
)

CASES: Mapping[str, Case] = {
    "openssl": Case(
        'openssl = "0.10"', 'fn main() { println!("{}", openssl::version::version()); }\n', r"OpenSSL 3\..*"
    ),
    "native-tls": Case(
        'native-tls = "0.2"',
        'fn main() { println!("{}", native_tls::TlsConnector::new().is_ok()); }\n',
        "true",
    ),
    "openssl vendored": Case(
        'openssl = { version = "0.10", features = ["vendored"] }',
        'fn main() { println!("{}", openssl::version::version()); }\n',
        r"OpenSSL 3\..*",
    ),
    "libpq": Case('pq-sys = "0.7"', _version_of("PQlibVersion", "pq_sys", "i32"), r"17\d+"),
    "libpq with a server": Case('pq-sys = "0.7"', QUESTION, "42 of PostgreSQL 17.*", service=postgresql),
    "libpq bundled": Case(
        'pq-sys = { version = "0.7", features = ["bundled_without_openssl"] }',
        _version_of("PQlibVersion", "pq_sys", "i32"),
        r"\d+",
    ),
    "mysqlclient": Case(
        'mysqlclient-sys = "0.4"', _version_of("mysql_get_client_info", "mysqlclient_sys"), _NUMBER
    ),
    "sqlite": Case('libsqlite3-sys = "0.30"', _version_of("sqlite3_libversion", "libsqlite3_sys"), _NUMBER),
    "sqlite bundled": Case(
        'libsqlite3-sys = { version = "0.30", features = ["bundled"] }',
        _version_of("sqlite3_libversion", "libsqlite3_sys"),
        _NUMBER,
    ),
    "zlib": Case('libz-sys = "1"', _version_of("zlibVersion", "libz_sys"), _NUMBER),
    "zstd": Case('zstd-sys = "2"', _version_of("ZSTD_versionString", "zstd_sys"), _NUMBER),
    "bzip2": Case('bzip2-sys = "0.1"', _version_of("BZ2_bzlibVersion", "bzip2_sys"), _NUMBER),
    "lzma": Case('liblzma-sys = "0.3"', _version_of("lzma_version_string", "liblzma_sys"), _NUMBER),
    "curl": Case('curl = "0.4"', 'fn main() { println!("{}", curl::Version::get().version()); }\n', _NUMBER),
    "git2": Case(
        'git2 = { version = "0.20", default-features = false }',
        'fn main() { println!("{:?}", git2::Version::get().libgit2_version()); }\n',
        r"\(1, \d+, \d+\)",
    ),
    "rdkafka": Case('rdkafka-sys = "4"', _version_of("rd_kafka_version_str", "rdkafka_sys"), _NUMBER),
    "rdkafka with cmake": Case(
        'rdkafka-sys = { version = "4", features = ["cmake-build"] }',
        _version_of("rd_kafka_version_str", "rdkafka_sys"),
        _NUMBER,
    ),
    "udev": Case(
        'libudev-sys = "0.1"',
        'fn main() { println!("{}", !unsafe { libudev_sys::udev_new() }.is_null()); }\n',
        "true",
    ),
    "dbus": Case(
        'libdbus-sys = "0.2"',
        "use libdbus_sys as _;\n"
        'unsafe extern "C" { fn dbus_get_version(major: &mut i32, minor: &mut i32, micro: &mut i32); }\n'
        "fn main() { let mut v = [0; 3]; let [a, b, c] = &mut v; unsafe { dbus_get_version(a, b, c) };\n"
        '    println!("{v:?}"); }\n',
        r"\[1, \d+, \d+\]",
    ),
    "alsa": Case('alsa-sys = "0.3"', _version_of("snd_asoundlib_version", "alsa_sys"), _NUMBER),
    "pcap": Case(
        'pcap = "2"',
        'fn main() { println!("{}", pcap::Capture::dead(pcap::Linktype::ETHERNET).is_ok()); }\n',
        "true",
    ),
    "seccomp": Case(
        'libseccomp-sys = "0.2"',
        'fn main() { println!("{}", unsafe { (*libseccomp_sys::seccomp_version()).major }); }\n',
        "2",
    ),
    "fontconfig": Case(
        'yeslogic-fontconfig-sys = "6"', _version_of("FcGetVersion", "fontconfig_sys", "std::ffi::c_int"), r"2\d+"
    ),
    "cairo": Case('cairo-sys-rs = "0.20"', _version_of("cairo_version_string", "cairo_sys"), _NUMBER),
    "magic": Case(
        'magic-sys = "0.3"',
        # Its data lie in a package of their own.
        "fn main() { unsafe { let cookie = magic_sys::magic_open(0);\n"
        '    println!("{}", magic_sys::magic_load(cookie, std::ptr::null())); } }\n',
        "0",
        settings={"RUSTDOCKER_RUNTIME_PACKAGES": "libmagic-mgc"},
    ),
    "tesseract": Case('tesseract-sys = "0.6"', _version_of("TessVersion", "tesseract_sys"), _NUMBER),
    "archive": Case(
        'libarchive3-sys = "0.1"', _version_of("archive_version_string", "libarchive3_sys"), "libarchive 3.*"
    ),
    "gstreamer": Case(
        'gstreamer-sys = "0.23"', _version_of("gst_version_string", "gstreamer_sys"), r"GStreamer 1\..*"
    ),
    "pcsc": Case(
        'pcsc-sys = "1"',
        'fn main() { println!("{}", pcsc_sys::SCARD_S_SUCCESS); unsafe { pcsc_sys::SCardReleaseContext(0) }; }\n',
        "0",
    ),
    "sodium": Case(
        'libsodium-sys-stable = { version = "1", features = ["use-pkg-config"] }',
        _version_of("sodium_version_string", "libsodium_sys"),
        _NUMBER,
    ),
    "bindgen": Case(
        "",
        'mod c { include!(concat!(env!("OUT_DIR"), "/bindings.rs")); }\n'
        'fn main() { println!("{}", c::ANSWER); }\n',
        "42",
        build='bindgen = "0.71"',
        files=_BINDGEN,
    ),
    "cmake": Case("", _ANSWER, "42", build='cmake = "0.1"', files=_CMAKE),
    "C++": Case(
        'link-cplusplus = "1"', "use link_cplusplus as _;\n" + _ANSWER, "42", build='cc = "1"', files=_CPP
    ),
    "protoc": Case(
        'prost = "0.13"\nprost-types = "0.13"',
        'mod answer { include!(concat!(env!("OUT_DIR"), "/answer.rs")); }\n'
        'fn main() { println!("{}", answer::Answer { number: 42, at: None }.number); }\n',
        "42",
        build='prost-build = "0.13"',
        files=_PROTOC,
    ),
    "dlopen": Case(
        'libloading = "0.8"',
        _LOADED,
        r"3\..*|static: Dynamic loading not supported",
        settings={"RUSTDOCKER_RUNTIME_PACKAGES": "libsqlite3-0"},
    ),
    "jemalloc": Case('tikv-jemallocator = "0.6"', _ALLOCATED.format("tikv_jemallocator::Jemalloc"), "36"),
    "mimalloc": Case('mimalloc = "0.1"', _ALLOCATED.format("mimalloc::MiMalloc"), "36"),
    "ring": Case('ring = "0.17"', _SHA.format("ring"), "ca"),
    "aws-lc": Case('aws-lc-rs = "1"', _SHA.format("aws_lc_rs"), "ca"),
    "examples/web": Case("", _WEB["src/main.rs"], "ok: it listens.*", files=_WEB, task="check"),
}
