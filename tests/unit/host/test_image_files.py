"""Layers, configuration and archive: fixed to the byte, and readable by what reads such things."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path, PurePosixPath
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rustdocker_tasks.host.layer import Layer, digest, make_layer
from rustdocker_tasks.host.oci_config import oci_config
from rustdocker_tasks.host.oci_layout import make_image
from rustdocker_tasks.host.program import Program
from rustdocker_tasks.image import ImageReference
from rustdocker_tasks.image_config import ContainerPath, Duration, Healthcheck, ImageConfig, Port, Signal, User
from rustdocker_tasks.inputs.root_files import Entry, support_entries

PROGRAM = Program(path=Path("/x"), architecture="arm64", architecture_variant="v8", interpreter=None, needed=())
PATHS = st.lists(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
        lambda part: part not in {".", ".."}
    ),
    min_size=1,
    max_size=4,
).map(lambda parts: PurePosixPath("/", *parts))


def members(layer: Layer) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer.blob))) as archive:
        return {member.name: member for member in archive.getmembers()}


def config(image: ImageConfig, **environment: str) -> dict[str, Any]:
    return oci_config(
        image,
        entrypoint="/usr/local/bin/x",
        environment=environment,
        program=PROGRAM,
        layers=[],
        created="1970-01-01T00:00:00Z",
    )


def file(path: str, content: bytes = b"x") -> Entry:
    return Entry(path=PurePosixPath(path), mode=0o644, content=content)


@given(st.lists(st.tuples(PATHS, st.binary(max_size=50)), max_size=8, unique_by=lambda pair: pair[0]))
def test_a_layer_is_the_same_whatever_the_order_of_its_entries(files: list[tuple[PurePosixPath, bytes]]) -> None:
    entries = [Entry(path=path, mode=0o644, content=content) for path, content in files]

    assert make_layer("x", entries) == make_layer("x", reversed(entries))


@given(PATHS, st.binary(max_size=100))
def test_any_name_and_content_survive(path: PurePosixPath, content: bytes) -> None:
    layer = make_layer("x", [Entry(path=path, mode=0o640, content=content)])

    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer.blob))) as archive:
        member = archive.getmember(str(path)[1:])
        reader = archive.extractfile(member)
        assert reader is not None
        assert reader.read() == content
        assert (member.mode, member.uid, member.gid, member.mtime) == (0o640, 0, 0, 0)


def test_a_layer_holds_the_folders_on_the_way_before_their_files() -> None:
    names = list(members(make_layer("x", [file("/usr/local/bin/app"), file("/etc/passwd")])))

    assert names == ["etc", "etc/passwd", "usr", "usr/local", "usr/local/bin", "usr/local/bin/app"]


def test_digests_are_of_the_blob_and_of_what_it_unpacks_to() -> None:
    layer = make_layer("x", [file("/a", b"12345")])

    assert layer.digest == digest(layer.blob)
    assert layer.diff_id == digest(gzip.decompress(layer.blob))
    assert layer.unpacked_size == 5


def test_every_setting_of_the_image_reaches_its_configuration() -> None:
    # A field that is forgotten in oci_config fails here by name.
    changed: dict[str, object] = {
        "expose": (Port("53/udp"),),
        "env": {"A": "1"},
        "args": ("--verbose",),
        "user": User(7),
        "labels": {"a": "b"},
        "stop_signal": Signal("SIGINT"),
        "workdir": ContainerPath("/srv"),
        "volumes": (ContainerPath("/data"),),
        "healthcheck": Healthcheck(command=("/x",)),
    }
    assert set(changed) == set(ImageConfig.__struct_fields__)

    for field, value in changed.items():
        assert config(ImageConfig(**{field: value})) != config(ImageConfig()), field  # type: ignore[arg-type]


def test_the_configuration_says_how_to_run_the_program() -> None:
    image = ImageConfig(expose=(Port(8080),), env={"A": "b=c", "PATH": "/mine"}, args=("-v", "two words"))

    assert config(image, PATH="/bin", LANG="C") == {
        "created": "1970-01-01T00:00:00Z",
        "architecture": "arm64",
        "variant": "v8",
        "os": "linux",
        "config": {
            "User": "65532:65532",
            "ExposedPorts": {"8080/tcp": {}},
            "Env": ["PATH=/mine", "LANG=C", "A=b=c"],
            "Entrypoint": ["/usr/local/bin/x"],
            "Cmd": ["-v", "two words"],
        },
        "rootfs": {"type": "layers", "diff_ids": []},
        "history": [],
    }


def test_a_health_check_is_written_as_docker_reads_it() -> None:
    check = Healthcheck(
        command=("/x", "--check"),
        interval=Duration("1m30s"),
        timeout=Duration("0.5s"),
        start_period=Duration("5s"),
        retries=2,
    )

    assert config(ImageConfig(healthcheck=check))["config"]["Healthcheck"] == {
        "Test": ["CMD", "/x", "--check"],
        "Interval": 90_000_000_000,
        "Timeout": 500_000_000,
        "StartPeriod": 5_000_000_000,
        "Retries": 2,
    }


def test_the_user_owns_the_volumes_and_not_the_folder_it_starts_in() -> None:
    folders = {"volumes": (ContainerPath("/data"), ContainerPath("/tmp")), "workdir": ContainerPath("/srv/a")}
    entries = list(support_entries(ImageConfig(**folders), certificates=b"", zones={}))  # type: ignore[arg-type]
    owners = {str(entry.path): (entry.uid, entry.gid, entry.mode) for entry in entries}

    assert owners["/data"] == (65532, 65532, 0o755)
    assert owners["/srv/a"] == (0, 0, 0o755)
    assert owners["/tmp"] == (0, 0, 0o1777)
    assert len(owners) == len(entries)


def test_the_user_is_in_passwd_and_group_and_owns_its_home() -> None:
    entries = {
        str(entry.path): entry
        for entry in support_entries(ImageConfig(user=User("1000:2000")), certificates=b"", zones={})
    }

    passwd, group = entries["/etc/passwd"].content or b"", entries["/etc/group"].content or b""
    assert b"nonroot:x:1000:2000:nonroot:/home/nonroot:/sbin/nologin\n" in passwd
    assert b"nonroot:x:2000:\n" in group
    assert (entries["/home/nonroot"].uid, entries["/home/nonroot"].gid) == (1000, 2000)


def test_root_is_not_listed_twice() -> None:
    entries = list(support_entries(ImageConfig(user=User(0)), certificates=b"", zones={}))

    assert [e.content for e in entries if str(e.path) == "/etc/group"] == [b"root:x:0:\n"]


def test_the_archive_holds_each_blob_once_under_its_digest() -> None:
    layer = make_layer("x", [file("/a")])
    tags = [ImageReference("shop:1"), ImageReference("ghcr.io/acme/shop:1")]
    image = make_image(config(ImageConfig()), [layer], tags)

    with tarfile.open(fileobj=io.BytesIO(image.archive)) as archive:
        names = archive.getnames()
        blobs = {}
        for name in names:
            reader = archive.extractfile(name)
            if reader is not None:
                blobs[name] = reader.read()

    assert len(names) == len(set(names))
    for name in (n for n in blobs if n.startswith("blobs/")):
        assert digest(blobs[name]) == "sha256:" + name.rpartition("/")[2]
    index, docker = json.loads(blobs["index.json"]), json.loads(blobs["manifest.json"])
    assert {m["digest"] for m in index["manifests"]} == {image.manifest_digest}
    assert [m["annotations"]["io.containerd.image.name"] for m in index["manifests"]] == [
        "docker.io/library/shop:1",
        "ghcr.io/acme/shop:1",
    ]
    assert docker[0]["RepoTags"] == ["shop:1", "ghcr.io/acme/shop:1"]
    assert {docker[0]["Config"], *docker[0]["Layers"]} < set(blobs)
    assert image.stored_size == sum(len(b) for n, b in blobs.items() if n.startswith("blobs/"))


def test_tags_change_no_digest() -> None:
    images = [make_image(config(ImageConfig()), [], [ImageReference(tag)]) for tag in ("a:1", "b:2")]

    assert images[0].manifest_digest == images[1].manifest_digest
    assert images[0].archive != images[1].archive
