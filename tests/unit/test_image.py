from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustdocker_tasks.image import ImageReference, Port, User


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
