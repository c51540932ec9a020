from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustdocker_tasks.image import BaseImage, ImageName, ImageReference, Registry, RepositoryTemplate, TagTemplate
from rustdocker_tasks.image_config import ContainerPath, Duration, Port, User


@pytest.mark.parametrize(
    ("value", "port"), [(8080, "8080/tcp"), ("8080", "8080/tcp"), ("53/udp", "53/udp"), ("080", "80/tcp")]
)
def test_port_is_written_as_in_the_oci_spec(value: str | int, port: str) -> None:
    assert Port(value) == port


@pytest.mark.parametrize("value", ["", "0", "65536", "-1", "80/", "80/ftp", "80 ", "8o", "٣", "1" * 30])
def test_bad_port_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="port"):
        Port(value)


@given(st.integers(1, 65_535), st.sampled_from(["tcp", "udp", "sctp"]))
def test_port_survives_its_own_text(number: int, protocol: str) -> None:
    port = Port(f"{number}/{protocol}")

    assert (port.number, port.protocol) == (number, protocol)
    assert Port(str(port)) == port


@pytest.mark.parametrize(
    ("text", "reference", "full"),
    [
        ("shop", "shop:latest", "docker.io/library/shop:latest"),
        ("acme/shop:1.2", "acme/shop:1.2", "docker.io/acme/shop:1.2"),
        ("ghcr.io/acme/shop:1", "ghcr.io/acme/shop:1", "ghcr.io/acme/shop:1"),
        ("localhost:5000/shop", "localhost:5000/shop:latest", "localhost:5000/shop:latest"),
        ("a__b-c.d:X_1", "a__b-c.d:X_1", "docker.io/library/a__b-c.d:X_1"),
    ],
)
def test_reference_has_docker_s_defaults(text: str, reference: str, full: str) -> None:
    assert ImageReference(text) == reference
    assert ImageReference(text).full == full


@pytest.mark.parametrize(
    "text",
    ["", "Shop", "shop:", ":1", "shop:a b", "-shop", "shop/", "a//b", "shop:" + "x" * 129, "a" * 256, "a@b"],
)
def test_bad_reference_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="lower-case image name"):
        ImageReference(text)


@pytest.mark.parametrize(
    ("value", "user"), [(1000, "1000:1000"), ("1000", "1000:1000"), ("1:2", "1:2"), (0, "0:0")]
)
def test_user_has_a_group(value: str | int, user: str) -> None:
    assert User(value) == user


@pytest.mark.parametrize("value", ["", "nobody", "1:", ":1", "1:2:3", "-1", "4294967295"])
def test_bad_user_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="user"):
        User(value)


@pytest.mark.parametrize(
    "text", ["shop", "shop:{version}", ":{git-sha}", "ghcr.io/acme/{name}:v{major}", "{name}"]
)
def test_tag_template_is_a_name_or_a_tag(text: str) -> None:
    assert TagTemplate(text) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("shop:{sha}", "there is no field {sha}; the fields are name, package, version"),
        ("shop:{version", "a brace stands alone"),
        ("shop:}", "a brace stands alone"),
        ("Shop:{version}", "a tag is a lower-case image name"),
        (":", "a tag is a lower-case image name"),
        ("", "a tag is a lower-case image name"),
        ("{}", "there is no field {}"),
    ],
)
def test_bad_template_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        TagTemplate(text)


def test_repository_has_no_tag() -> None:
    assert RepositoryTemplate("h:5000/{name}") == "h:5000/{name}"
    for text in ("ghcr.io/acme/shop:1", "ghcr.io/acme/shop:{version}"):
        with pytest.raises(ValueError, match="without a tag"):
            RepositoryTemplate(text)


@pytest.mark.parametrize("text", ["", "Shop", "shop:1", "a//b", "/a", "h:5000/a"])
def test_bad_name_is_refused(text: str) -> None:
    assert ImageName("acme/shop") == "acme/shop"
    with pytest.raises(ValueError, match="an image's name"):
        ImageName(text)


@pytest.mark.parametrize(
    ("image", "mirrored"),
    [
        ("rust:1", "m.io/hub/library/rust:1"),
        ("acme/rust", "m.io/hub/acme/rust"),
        ("docker.io/library/rust:1", "m.io/hub/library/rust:1"),
        ("rust@sha256:" + "0" * 64, "m.io/hub/library/rust@sha256:" + "0" * 64),
        ("ghcr.io/acme/rust:1", "ghcr.io/acme/rust:1"),
        ("localhost/rust:1", "localhost/rust:1"),
    ],
)
def test_a_mirror_stands_in_for_docker_s_own_registry_alone(image: str, mirrored: str) -> None:
    assert BaseImage(image).mirrored(Registry("m.io/hub")) == mirrored
    assert BaseImage(image).mirrored(None) == image


@pytest.mark.parametrize(("text", "path"), [("/srv/", "/srv"), ("//srv//a/./b", "/srv/a/b"), ("/a b$c", "/a b$c")])
def test_path_in_the_image_is_absolute(text: str, path: str) -> None:
    assert ContainerPath(text) == path


@pytest.mark.parametrize("text", ["", "/", "srv", "./srv", "/srv/../etc", "/lib/x", "/bin", "/proc/1", "/dev"])
def test_bad_path_in_the_image_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="/"):
        ContainerPath(text)


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("1m30s", 90), ("1h", 3600), ("0.5s", 0.5)])
def test_duration_is_docker_s(text: str, seconds: float) -> None:
    assert Duration(text).nanoseconds == seconds * 10**9


@pytest.mark.parametrize("text", ["", "30", "s", "1.5m", "-1s", "1s1m", "1 s"])
def test_bad_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="30s"):
        Duration(text)
