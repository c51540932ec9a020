"""What an image holds, and why: over layers as an engine saves them."""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from rustdocker_tasks.contents import ReadImage, inspect_json, inspect_text, layer_names, reason_for, sizes_text
from rustdocker_tasks.engine.saved_image import SavedLayer, read_layers
from rustdocker_tasks.image_config import Asset, Destination
from rustdocker_tasks.plan.model import ImagePlan
from rustdocker_tasks.plan.tools import BuildPackage
from tests.unit.dockerfile.test_dockerfile import planned

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CERTIFICATES, PROGRAM = "etc/ssl/certs/ca-certificates.crt", "usr/local/bin/hello"
SSL = "usr/lib/x86_64-linux-gnu/libssl.so.3"
RECORD = "var/lib/dpkg/status.d/libssl3t64"


def layer(files: dict[str, int], records: dict[str, str] | None = None) -> SavedLayer:
    return SavedLayer(stored=sum(files.values()) // 2, files=files, records=records or {})


def image(plan: ImagePlan) -> ReadImage:
    records = {RECORD: "Package: libssl3t64\nVersion: 3.5.1-1\n", f"{RECORD}.md5sums": f"0  {SSL}\n"}
    own = layer({PROGRAM: 400, SSL: 100, RECORD: 2, f"{RECORD}.md5sums": 2}, records)
    files = layer({CERTIFICATES: 50, "etc/passwd": 4, "usr/share/zoneinfo/UTC": 6})
    base = layer({"usr/bin/bash": 1000, "etc/passwd": 8})
    return ReadImage(plan=plan, image="sha256:1", layers=(base, files, own))


@pytest.fixture
def slim() -> ReadImage:
    plan, container = planned("hello")
    package = BuildPackage(package="libssl-dev", because="openssl-sys 0.9.109")
    return image(replace(plan, container=replace(container, packages=(package,))))


def test_layers_are_called_by_what_they_hold(slim: ReadImage) -> None:
    assert layer_names(slim) == [
        "base image debian:trixie-slim",
        "certificates, time zones, users, assets",
        "the program",
    ]


def test_a_base_may_have_what_we_put_there_too(slim: ReadImage) -> None:
    base, files, own = slim.layers
    of_company = layer({**base.files, CERTIFICATES: 30, "usr/share/zoneinfo/UTC": 6})
    with_both = replace(slim, layers=(of_company, files, own))
    # Where /etc/ssl/certs is a link, our certificates lie where it leads to.
    linked = layer({"etc/pki/tls/certs/ca-certificates.crt": 50, "usr/share/zoneinfo/UTC": 6})

    assert layer_names(with_both) == layer_names(replace(slim, layers=(base, linked, own))) == layer_names(slim)
    assert reason_for(with_both, "usr/bin/bash") == "base image debian:trixie-slim"
    assert "/usr/bin/bash" not in inspect_text(with_both)


def test_on_the_host_libraries_lie_beside_the_rest(slim: ReadImage) -> None:
    image = replace(slim, plan=replace(slim.plan, container=None))

    assert layer_names(image)[1] == "libraries, certificates, time zones, users, assets"


def test_what_a_higher_layer_has_again_is_counted_once(slim: ReadImage) -> None:
    assert (slim.unpacked, slim.twice, slim.program) == (1572, 8, 400)
    assert slim.files["etc/passwd"] == 4


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (PROGRAM, "the program, release of hello 0.1.0"),
        (CERTIFICATES, "certificates of certifi"),
        ("usr/share/zoneinfo/UTC", "time zones of tzdata"),
        ("etc/passwd", "the users there are"),
        ("usr/bin/bash", "base image debian:trixie-slim"),
        (SSL, "of libssl3t64 3.5.1-1 (asked for by openssl-sys 0.9.109)"),
        (f"{RECORD}.md5sums", "what scanners read of libssl3t64"),
    ],
)
def test_each_file_has_a_reason(slim: ReadImage, path: str, reason: str) -> None:
    assert reason_for(slim, path) == reason


def test_what_the_build_left_is_no_library() -> None:
    plan, _ = planned("hello", variant="simple")
    own = layer({PROGRAM: 400, "app/target/release/deps/hello-0123": 100})
    simple = ReadImage(plan=plan, image="sha256:1", layers=(layer({"usr/bin/bash": 1, CERTIFICATES: 5}), own))

    assert reason_for(simple, "usr/bin/bash") == "base image rust:1-slim-trixie"
    assert reason_for(simple, "app/target/release/deps/hello-0123").startswith("left by the build")


def test_what_is_told_of_an_image_leaves_out_the_base_s_files(slim: ReadImage) -> None:
    text, told = inspect_text(slim), json.loads(inspect_json(slim))

    assert "/usr/bin/bash" not in text
    assert [each["path"] for each in told["heaviest"]][:2] == [f"/{PROGRAM}", f"/{SSL}"]
    assert "user            65532:65532" in text.splitlines()


def test_the_table_of_sizes_has_a_bar_for_each_and_then_what_weighs_most(slim: ReadImage) -> None:
    plan, _ = planned("hello", variant="minimal")
    lines = sizes_text([slim, replace(image(plan), layers=image(plan).layers[1:])]).splitlines()

    assert lines[1].endswith("100% " + "█" * 30)
    assert lines[2].split()[:1] == ["minimal"]
    assert lines[3:5] == ["", "slim"]
    assert any(line.endswith("/usr/bin/bash: base image debian:trixie-slim") for line in lines)


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstd.compress])
def test_layers_are_read_plain_and_compressed(compress: Callable[[bytes], bytes]) -> None:
    inner = {PROGRAM: b"x" * 5000, RECORD: b"Package: libssl3t64\n"}

    (read,) = read_layers(saved(compress(tar(inner))))

    assert read.files == {PROGRAM: 5000, RECORD: 20}
    assert read.records == {RECORD: "Package: libssl3t64\n"}
    assert 0 < read.stored < 1000


def tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def saved(layer: bytes) -> io.BytesIO:
    manifest = json.dumps([{"Layers": ["layer.tar"]}]).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in (("manifest.json", manifest), ("layer.tar", layer)):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def test_assets_of_one_folder_are_named_together(slim: ReadImage) -> None:
    assets = tuple(
        Asset(source=Path(name), destination=Destination("/srv/data")) for name in ("one.txt", "two.txt")
    )
    files = layer({CERTIFICATES: 50, "srv/data/two.txt": 1})
    plan = replace(slim.plan, assets=assets, assets_set_by="--x")
    image = replace(slim, plan=plan, layers=(slim.layers[0], files, slim.layers[2]))

    assert reason_for(image, "srv/data/two.txt") == "one.txt or two.txt, set as `assets` by --x"


def test_an_asset_of_a_whole_folder_claims_no_library_in_it(slim: ReadImage) -> None:
    assets = (Asset(source=Path("share"), destination=Destination("/usr")),)
    image = replace(slim, plan=replace(slim.plan, assets=assets, assets_set_by="--x"))

    assert reason_for(image, SSL) == "of libssl3t64 3.5.1-1 (asked for by openssl-sys 0.9.109)"
    assert reason_for(image, "usr/share/zoneinfo/UTC") == "time zones of tzdata"
