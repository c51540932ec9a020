"""What the crates of a program need of Debian, by the table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from rustdocker_tasks.cargo.graph import Graph, ResolvedCrate
from rustdocker_tasks.cargo.model import PackageId
from rustdocker_tasks.debian import DebianPackage
from rustdocker_tasks.pipeline import plan_image
from rustdocker_tasks.plan.model import MachineFacts, NoGitState
from rustdocker_tasks.plan.system_packages import (
    find_unlinkable,
    known_crates,
    load_records,
    match_records,
    needs_at_run_time,
    packages_of,
)
from rustdocker_tasks.plan.tools import load_tools, who_asks_for
from rustdocker_tasks.settings.sources import Layer, Source
from tasks.matrix import TABLE
from tasks.matrix.cases import CASES, REFUSED, VARIANTS
from tests.conftest import REPOSITORY
from tests.unit.test_container_failure import CONTAINER

FFMPEG = ("libavcodec-dev", "libavformat-dev", "libavutil-dev", "libswresample-dev", "libswscale-dev")
FOUND = "registry+https://github.com/rust-lang/crates.io-index"


def crate(
    name: str,
    *features: str,
    known: bool = True,
    for_host: bool = False,
    used_by: str = "app",
    is_certain: bool = True,
) -> ResolvedCrate:
    return ResolvedCrate(
        id=PackageId(name, "1.2.3", FOUND),
        features=frozenset(features) if known else None,
        for_host=for_host,
        used_by=frozenset({used_by}),
        is_certain=is_certain,
    )


def graph(*crates: ResolvedCrate) -> Graph:
    return Graph(crates=crates, is_exact=True, least=crates)


def packages(*crates: ResolvedCrate) -> set[str]:
    return {each.package for each in packages_of(match_records(graph(*crates)))}


@pytest.mark.parametrize(
    ("crates", "expected"),
    [
        ((), set()),
        ((crate("serde"),), set()),
        ((crate("openssl-sys"),), {"pkg-config", "libssl-dev"}),
        ((crate("openssl-sys", "vendored"), crate("openssl-src")), {"perl", "make"}),
        ((crate("openssl-sys", known=False),), {"pkg-config", "libssl-dev"}),
        ((crate("pq-sys", "pkg-config"),), {"libpq-dev"}),
        ((crate("pq-sys", "bundled", "bundled_without_openssl"),), set()),
        ((crate("libsqlite3-sys"),), {"pkg-config", "libsqlite3-dev"}),
        ((crate("libsqlite3-sys", "bundled"),), set()),
        ((crate("libsqlite3-sys", "sqlcipher"),), {"pkg-config", "libsqlcipher-dev"}),
        ((crate("pcap"),), {"libpcap-dev"}),
        ((crate("clang-sys", for_host=True),), {"libclang-dev"}),
        ((crate("prost-build", for_host=True),), {"protobuf-compiler", "libprotobuf-dev"}),
        ((crate("prost-build", for_host=True), crate("protox", for_host=True)), set()),
        ((crate("cmake", for_host=True, used_by="aws-lc-sys"),), set()),
        ((crate("aws-lc-sys", "all-bindings"), crate("cmake", for_host=True, used_by="aws-lc-sys")), set()),
        ((crate("aws-lc-sys", "bindgen"),), {"cmake", "make", "g++"}),
        ((crate("v8"),), {"curl", "ca-certificates"}),
        ((crate("cmake", for_host=True, used_by="rdkafka-sys"),), {"cmake", "make", "g++"}),
        ((crate("prost-build", for_host=True, used_by="pprof"),), set()),
        ((crate("rdkafka-sys", "libz"),), {"make", "g++", "zlib1g-dev"}),
        ((crate("rdkafka-sys", "libz", "libz-static"),), {"make", "g++"}),
        ((crate("zstd-sys"),), set()),
        ((crate("zstd-sys", "pkg-config"),), {"pkg-config", "libzstd-dev"}),
        ((crate("utoipa-swagger-ui", "url"),), {"curl", "ca-certificates"}),
        ((crate("utoipa-swagger-ui", "vendored"),), set()),
        ((crate("esaxx-rs"),), set()),
        ((crate("esaxx-rs", "cpp"),), {"g++"}),
        ((crate("mlua-sys", "lua54"),), {"pkg-config", "liblua5.4-dev"}),
        ((crate("mlua-sys", "lua54", "vendored"),), set()),
        ((crate("gmp-mpfr-sys", "mpfr"),), {"m4", "make"}),
        ((crate("gmp-mpfr-sys", "use-system-libs"),), {"libgmp-dev", "libmpfr-dev", "libmpc-dev"}),
        ((crate("pyo3-ffi", "abi3"),), {"python3", "libpython3-dev"}),
        ((crate("pyo3-ffi", "extension-module"),), {"python3"}),
        ((crate("pyo3-ffi", "extension-module", "abi3"),), set()),
        ((crate("openblas-src", "system"),), {"pkg-config", "libopenblas-dev"}),
        ((crate("openblas-src", "static"),), {"make"}),
        ((crate("hdf5-metno-sys", "static"),), set()),
        ((crate("z3-sys", "bundled", "vendored"), crate("z3-src")), {"python3", "g++"}),
        ((crate("harfbuzz-sys"),), {"pkg-config", "libharfbuzz-dev"}),
        ((crate("harfbuzz-sys", "bundled"),), {"g++"}),
        ((crate("libdav1d-sys"),), {"meson", "ninja-build", "nasm"}),
        ((crate("wayland-sys", "client"),), {"pkg-config", "libwayland-dev"}),
        ((crate("wayland-sys", "client", "dlopen"),), set()),
        ((crate("yeslogic-fontconfig-sys", "dlopen"),), set()),
        ((crate("fuser"),), set()),
        ((crate("ac-ffmpeg", "filters"),), {"pkg-config", *FFMPEG, "libavfilter-dev"}),
        (
            (crate("skia-bindings", "binary-cache", "embed-freetype"),),
            {"pkg-config", "g++", "curl", "ca-certificates", "libfontconfig-dev"},
        ),
    ],
)
def test_the_packages_of_a_graph(crates: tuple[ResolvedCrate, ...], expected: set[str]) -> None:
    assert packages(*crates) == expected


def test_a_package_is_asked_for_once_by_all_that_need_it() -> None:
    made = packages_of(match_records(graph(crate("openssl-sys"), crate("libsqlite3-sys"))))

    assert [(each.package, each.program, each.because) for each in made] == [
        ("pkg-config", "pkg-config", "openssl-sys 1.2.3, libsqlite3-sys 1.2.3"),
        ("libssl-dev", None, "openssl-sys 1.2.3"),
        ("libsqlite3-dev", None, "libsqlite3-sys 1.2.3"),
    ]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("openssl-sys", "libssl.so.3"),
        ("pcap", "libpcap.so.0.8"),
        ("mysqlclient-sys", "libmariadb.so.3"),
        ("glib-sys", "libglib-2.0.so.0"),
        ("link-cplusplus", "libstdc++.so.6"),
        ("pyo3-ffi", "libpython3.13.so.1.0"),
        ("magick_rust", "libMagickWand-7.Q16.so.10"),
        ("glib-sys", "libgobject-2.0.so.0"),
        ("netlib-src", "libgfortran.so.5"),
    ],
)
def test_a_library_is_asked_for_by_the_crate_that_links_it(name: str, file: str) -> None:
    made = packages_of(match_records(graph(crate("libudev-sys"), crate(name))))

    assert who_asks_for(file, made) == f"{name} 1.2.3"
    assert who_asks_for("libzstd.so.1", made) is None


@pytest.mark.parametrize(
    ("asked", "told"), [((), (("mysqlclient-sys 1.2.3", "libmariadb3"),)), ((DebianPackage("libmariadb3"),), ())]
)
def test_what_a_library_opens_by_name_is_told(
    asked: tuple[DebianPackage, ...], told: tuple[tuple[str, str], ...]
) -> None:
    given = replace(CONTAINER, runtime_packages=asked)
    matches = match_records(graph(crate("mysqlclient-sys"), crate("alsa-sys", for_host=True)))

    assert needs_at_run_time(matches, given) == told


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (crate("fuser"), ["fuse3"]),
        (crate("fuser", "libfuse", "libfuse3"), ["fuse3"]),
        (crate("gdal-sys"), ["gdal-data", "proj-data"]),
        (crate("gpgme-sys"), ["gpgconf", "gpg", "gpg-agent"]),
        (crate("magic-sys"), ["libmagic-mgc"]),
        (crate("magick_rust"), ["libmagickcore-7.q16-10", "imagemagick-7-common"]),
        (crate("pam-sys"), ["libpam-modules", "libpam-runtime"]),
        (crate("pyo3-ffi", "extension-module"), []),
        (crate("pyo3-ffi"), ["libpython3-stdlib"]),
        (crate("sasl2-sys"), ["libsasl2-modules", "libsasl2-modules-gssapi-mit"]),
        (crate("tesseract-sys"), ["tesseract-ocr-eng"]),
        (crate("tss-esapi-sys"), ["libtss2-tcti-device0t64"]),
        (crate("tss-esapi-sys", "bundled"), []),
        (crate("yeslogic-fontconfig-sys"), ["fontconfig-config"]),
        (crate("yeslogic-fontconfig-sys", "dlopen"), ["libfontconfig1", "fontconfig-config"]),
    ],
)
def test_what_the_libraries_of_a_crate_open_by_name(found: ResolvedCrate, told: list[str]) -> None:
    needs = needs_at_run_time(match_records(graph(found)), CONTAINER)

    assert needs == tuple((f"{found.id.name} 1.2.3", package) for package in told)


@pytest.mark.parametrize(
    ("crates", "name"),
    [
        ((crate("openssl-sys"),), "openssl-sys 1.2.3"),
        ((crate("openssl-sys", "vendored"),), None),
        ((crate("openssl-sys", for_host=True),), None),
        ((crate("librocksdb-sys"),), "librocksdb-sys 1.2.3"),
        ((crate("tikv-jemalloc-sys"),), None),
        ((crate("prost-build", for_host=True),), None),
        ((crate("prost-build"), crate("cmake")), None),
    ],
)
def test_what_no_program_of_musl_can_link(crates: tuple[ResolvedCrate, ...], name: str | None) -> None:
    given = graph(*crates)

    found = find_unlinkable(match_records(given), given, is_of_musl=True)

    assert (found and found.name) == name


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (crate("openssl-sys", known=False), None),
        (crate("pcap-sys", known=False, is_certain=False), None),
        (crate("pcap-sys", known=False), "pcap-sys 1.2.3"),
    ],
    ids=["has a say by its features", "may not be needed", "is needed whatever the others have"],
)
def test_what_is_not_known_for_certain_is_for_the_linker_to_find_out(
    found: ResolvedCrate, name: str | None
) -> None:
    given = Graph(crates=(found,), is_exact=False, least=())

    unlinkable = find_unlinkable(match_records(given), given, is_of_musl=True)

    assert (unlinkable and unlinkable.name) == name


@pytest.mark.parametrize(
    ("name", "is_refused"),
    [
        ("libsqlite3-sys", False),
        ("openssl-sys", True),
        ("alsa-sys", True),
        ("rust-lzma", False),
        ("freetype-sys", True),
        ("tesseract-sys", True),
        ("gstreamer-sys", True),
    ],
)
def test_a_static_program_of_glibc_needs_libraries_that_debian_has_for_that(
    name: str, *, is_refused: bool
) -> None:
    given = graph(crate(name))
    found = find_unlinkable(match_records(given), given, is_of_musl=False)

    assert (found is not None) == is_refused


def test_what_a_build_script_links_refuses_no_program() -> None:
    for_script, perhaps = crate("openssl-sys", for_host=True), crate("openssl-sys")
    given = Graph(crates=(for_script, perhaps), is_exact=False, least=(for_script,))

    assert find_unlinkable(match_records(given), given, is_of_musl=True) is None


def test_what_is_to_be_taken_instead_is_not_refused_too() -> None:
    for record in load_records():
        if record.instead is not None:
            features = re.findall(r"feature `([\w-]+)` of the crate ([\w-]+)", record.instead)
            for feature in (feature for feature, name in features if name == record.crate):
                given = graph(crate(record.crate, feature))
                assert find_unlinkable(match_records(given), given, is_of_musl=True) is None, record


def test_another_list_of_packages_has_another_mount() -> None:
    facts = MachineFacts(buildx_problem=None, is_ci=False, git=NoGitState("not asked"))

    def mount(*packages: str) -> str:
        layer = Layer(source=Source.FLAG, where=str, base=Path("/"), values={"build-packages": list(packages)})
        container = plan_image(REPOSITORY / "examples" / "hello", [layer], facts=facts).plan.container
        assert container is not None
        assert container.mount_id.startswith(container.cache_id)
        return container.mount_id

    assert mount("zlib1g-dev", "pkg-config") == mount("pkg-config", "zlib1g-dev")
    assert len({mount(), mount("zlib1g-dev"), mount("zlib1g-dev", "pkg-config")}) == 3


def test_every_record_asks_for_something_that_has_a_name() -> None:
    assert {tool for record in load_records() for tool in record.tools} <= load_tools().keys()
    assert all(record.tools or record.packages or record.at_run_time for record in load_records())
    assert all(
        DebianPackage(name) for record in load_records() for name in (*record.packages, *record.at_run_time)
    )
    assert "openssl-sys" in known_crates()


@pytest.mark.parametrize(
    "name", ["libssl-dev", "g++", "libstdc++6", "zlib1g-dev=1:1.3.dfsg-3", "gcc:amd64", "go/sid"]
)
def test_names_of_packages(name: str) -> None:
    assert DebianPackage(name) == name


@pytest.mark.parametrize(
    "name", ["", "a", "-y", "libssl-dev-", "libssl-dev+", "Upper", "a b", "a;b", "a,b", "a=", "$(x)"]
)
def test_what_is_no_name_of_a_package(name: str) -> None:
    with pytest.raises(ValueError, match="package of Debian"):
        DebianPackage(name)


def test_what_is_said_to_be_proven_is_a_case_of_the_matrix() -> None:
    proven = {record.proven for record in load_records() if record.proven is not None}

    assert len(proven) >= 16
    assert proven <= CASES.keys()


def test_the_matrix_has_every_case_and_refuses_what_it_is_to() -> None:
    rows = [
        line.strip("| ").split(" | ") for line in TABLE.read_text(encoding="utf-8").splitlines() if "`" in line
    ]
    outcomes = {row[0]: dict(zip(VARIANTS, row[2:], strict=False)) for row in rows if row[0] in CASES}

    assert outcomes.keys() == CASES.keys()
    for variant in VARIANTS:
        refused = {name for name, row in outcomes.items() if row[variant].startswith("refused: ")}
        assert refused == REFUSED.get(variant, set()), variant
        assert not [name for name, row in outcomes.items() if row[variant] == "FAILED"]
