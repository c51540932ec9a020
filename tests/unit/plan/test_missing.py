"""What compilers and build scripts say that they lack, in the words of real failures."""

from __future__ import annotations

import pytest

from rustdocker_tasks.plan.missing import Missing, find_missing

FAILED = "error: failed to run custom build command for `foo-sys v1.2.3`"
PKG_CONFIG = """  The system library `libpcap` required by crate `foo-sys` was not found.
  The file `libpcap.pc` needs to be installed and the PKG_CONFIG_PATH environment variable"""


@pytest.mark.parametrize(
    ("output", "what", "package"),
    [
        (f"{FAILED}\n{PKG_CONFIG}", "no module libpcap for pkg-config", "libpcap0.8-dev"),
        ("Package libudev was not found in the pkg-config search path.", "no module libudev for", "libudev-dev"),
        ("Package 'libudev', required by 'virtual:world', not found", "no module libudev for", "libudev-dev"),
        ("/usr/bin/ld: cannot find -lpcap: No such file or directory", "no library pcap", "libpcap0.8-dev"),
        ("/usr/bin/ld: cannot find -l:libpcap.so: No such file", "no library pcap", "libpcap0.8-dev"),
        ("rust-lld: error: unable to find library -lpq", "no library pq", "libpq-dev"),
        ("mold: fatal: library not found: seccomp", "no library seccomp", "libseccomp-dev"),
        ("src/x.c:1:10: fatal error: zlib.h: No such file or directory", "no header zlib.h", "zlib1g-dev"),
        ("./a.h:1:10: fatal error: 'openssl/ssl.h' file not found", "no header openssl/ssl.h", "libssl-dev"),
        ("Could not find `protoc`. If `protoc` is installed, try", "no protoc", "protobuf-compiler"),
        ("Unable to find libclang: couldn't find any valid", "no libclang", "libclang-dev"),
        ("is `cmake` not installed?", "no cmake", "cmake"),
        ("is `make` not installed?", "no make", "make"),
        ("Failed to find tool. Is `c++` installed? (see", "no c++", "g++"),
        ("Missing dependency: cmake", "no cmake", "cmake"),
        ("/bin/sh: 1: flex: not found", "no flex", "flex"),
        ("make[2]: bison: No such file or directory", "no bison", "bison"),
        ("Can't locate FindBin.pm in @INC (you may need to", "no perl", "perl"),
        ("clang: error: invalid linker name in argument '-fuse-ld=mold'", "no mold", "mold"),
        ("a.cc:1:10: fatal error: Eigen/Core: No such file or directory", "no header Eigen/Core", None),
        ("  Could NOT find Python3 (missing: Python3_EXECUTABLE)", "no python3", "python3"),
        ("  Could NOT find Git (missing: GIT_EXECUTABLE)", "no git", "git"),
        ("sh: 1: locate: not found", "no locate", None),
        ("  Could NOT find OpenSSL, try to set the path", "no module OpenSSL for pkg-config", "libssl-dev"),
        ("No package 'libudev' found", "no module libudev for pkg-config", "libudev-dev"),
        ("error: Package requirements (zlib >= 1.2) were not met", "no module zlib for pkg-config", "zlib1g-dev"),
        ('failed to find tool "c++": No such file or directory (os error 2)', "no c++", "g++"),
        ('failed to find tool "x86_64-linux-musl-g++": No such file', "no x86_64-linux-musl-g++", "g++"),
        ("Command 'perl' not found. Is perl installed?", "no perl", "perl"),
        ("The pkg-config command could not be found.", "no pkg-config", "pkg-config"),
        (
            "./a.cc:1:10: fatal error: boost/asio.hpp: No such file or directory",
            "no header boost/asio.hpp",
            "libboost1.83-dev",
        ),
        ("protoc binary not found: cannot find binary path", "no protoc", "protobuf-compiler"),
        ("Failed to execute `capnp --version`: No such file or directory", "no capnp", "capnproto"),
        ("failed to execute `clang`", "no clang", "clang"),
        ("error: no Python 3.x interpreter found", "no python3", "python3"),
        ('CMake was unable to find a build program corresponding to "Unix Makefiles".', "no make", "make"),
        ("  The CMAKE_CXX_COMPILER:", "no CXX", "g++"),
        ("  No CMAKE_CXX_COMPILER could be found.", "no CXX", "g++"),
        ("  No CMAKE_ASM_NASM_COMPILER could be found.", "no nasm", "nasm"),
        ("configure: error: No usable m4 in $PATH or /usr/5bin (see config.log", "no m4", "m4"),
        ("configure: error: C++ compiler cannot create executables", "no C++", "g++"),
        ("/usr/bin/ld: cannot find -lstdc++: No such file or directory", "no library stdc++", "g++"),
        ("/usr/bin/ld: cannot find -lnobodyhasthis: No such file", "no library nobodyhasthis", None),
        (
            "/usr/bin/ld: /usr/lib/x86_64-linux-gnu/libpcap.a(pcap.o): undefined reference to symbol "
            "'__isoc23_fscanf@@GLIBC_2.38'",
            "no library pcap",
            "libpcap0.8-dev",
        ),
    ],
)
def test_what_is_missing_leads_to_its_package(output: str, what: str, package: str | None) -> None:
    found = find_missing([FAILED, *output.splitlines()])

    assert found is not None
    assert found.what.startswith(what)
    assert found.packages == ((package,) if package else ())


@pytest.mark.parametrize(
    ("output", "what", "package"),
    [
        ("error: could not find native static library `z`, perhaps an -L flag is", "no library z", "zlib1g-dev"),
        ("error: linker `clang` not found", "no clang", "clang"),
    ],
)
def test_what_rustc_itself_does_not_find(output: str, what: str, package: str) -> None:
    lines = ["   Compiling shop v0.1.0", output, "", 'error: could not compile `shop` (bin "shop")']

    assert find_missing(lines) == Missing(what=what, crate="shop", packages=(package,), is_of_c="library" in what)


@pytest.mark.parametrize(
    "output",
    [
        "",
        f"{FAILED}\n  failed to execute `git describe`: exit status: 128",
        f"{FAILED}\n  Could NOT find Threads (missing: Threads_FOUND)",
        f"{FAILED}\n  -- Could NOT find Doxygen (missing: DOXYGEN_EXECUTABLE)",
        f"{FAILED}\n  cc1: fatal error: src/own.c: No such file or directory",
        "error[E0425]: cannot find value `x` in this scope",
        "error: cannot find macro `foo` in this scope",
    ],
)
def test_an_error_of_the_program_s_own_lacks_nothing(output: str) -> None:
    assert find_missing(output.splitlines()) is None


def test_only_what_the_failed_crate_said_counts() -> None:
    output = [
        "warning: a-sys@1.0.0: Package zlib was not found in the pkg-config search path.",
        FAILED,
        "  Package libudev was not found in the pkg-config search path.",
        "  /usr/bin/ld: cannot find -lnobodyhasthis",
    ]

    assert find_missing(output) == Missing(
        what="no module libudev for pkg-config", crate="foo-sys", packages=("libudev-dev",), is_of_c=True
    )


def test_cargo_says_last_whose_linking_it_was() -> None:
    output = [
        "error: linking with `cc` failed: exit status: 1",
        "  = note: /usr/bin/ld: cannot find -lpcap: No such file or directory",
        'error: could not compile `shop` (bin "shop") due to 1 previous error',
    ]

    assert find_missing(output) == Missing(
        what="no library pcap", crate="shop", packages=("libpcap0.8-dev",), is_of_c=True
    )


def test_a_mistake_in_the_program_is_not_for_want_of_what_a_script_did_without() -> None:
    output = [
        "warning: lzma-sys@0.1.20: Package liblzma was not found in the pkg-config search path.",
        "error[E0308]: mismatched types",
        'error: could not compile `shop` (bin "shop") due to 1 previous error',
    ]

    assert find_missing(output) is None


@pytest.mark.parametrize(
    "asking",
    [
        "Could not run `PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 pkg-config --libs --cflags libudev 'libudev >= 199'`",
        'Could not run `PKG_CONFIG_ALLOW_SYSTEM_LIBS="1" "pkg-config" "--libs" "--cflags" "libudev"`',
    ],
)
def test_without_pkg_config_what_it_would_be_asked_for_is_named_too(asking: str) -> None:
    output = [FAILED, f"  {asking}", "  The pkg-config command could not be found."]

    assert find_missing(output) == Missing(
        what="no pkg-config", crate="foo-sys", packages=("pkg-config", "libudev-dev")
    )
