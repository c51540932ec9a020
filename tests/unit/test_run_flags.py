from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustdocker_tasks import run
from rustdocker_tasks.cargo.binaries import BinaryRequest
from rustdocker_tasks.errors import BadFlag
from rustdocker_tasks.image_config import Port
from rustdocker_tasks.run_flags import (
    container_environment,
    memory_limit,
    program_arguments,
    published_ports,
    volumes,
)
from tests.conftest import MAIN, MANIFEST, write_files


@pytest.mark.parametrize(
    ("flag", "container", "address", "host"),
    [
        ("8080:80", "80/tcp", "0.0.0.0", 8080),
        ("54321:80", "80/tcp", "0.0.0.0", 54321),
        ("80", "80/tcp", "0.0.0.0", None),
        ("127.0.0.1:8080:80", "80/tcp", "127.0.0.1", 8080),
        ("127.0.0.1::80", "80/tcp", "127.0.0.1", None),
        ("[::1]:8080:80", "80/tcp", "::1", 8080),
        ("5353:53/udp", "53/udp", "0.0.0.0", 5353),
    ],
)
def test_port_flag_is_docker_s(flag: str, container: str, address: str, host: int | None) -> None:
    (port,) = published_ports([flag], exposed=(), exposed_set_by="")

    assert (port.container_port, port.host_address, port.host_port) == (container, address, host)
    assert port.set_by == f"--port {flag}"


@pytest.mark.parametrize(
    "flag", ["", "http", "80:http", "0:80", "80:0", "70000:80", "127.0.0.1:80", "a:1:2", "1:2:3:4"]
)
def test_bad_port_flag_is_refused(flag: str) -> None:
    with pytest.raises(BadFlag):
        published_ports([flag], exposed=(), exposed_set_by="")


def test_exposed_ports_are_published_for_this_machine_alone_unless_a_flag_names_them() -> None:
    ports = published_ports(["9000:80"], exposed=[Port(80), Port(443)], exposed_set_by="Cargo.toml")

    assert [(p.host_address, p.host_port, p.container_port, p.set_by) for p in ports] == [
        ("0.0.0.0", 9000, "80/tcp", "--port 9000:80"),
        (None, 443, "443/tcp", "Cargo.toml"),
    ]


def test_env_flags_outrank_files_and_take_values_from_the_environment() -> None:
    found = container_environment(
        ["A=flag", "FROM_SHELL", "UNSET"],
        {".env": "# comment\n\nA=file\nB=x=y\n  C=indented\n"},
        environment={"FROM_SHELL": "1"},
    )

    assert found == {"A": "flag", "B": "x=y", "C": "indented", "FROM_SHELL": "1"}


@given(st.text(min_size=8, alphabet="abcdef"))
def test_an_entry_without_a_name_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(BadFlag) as caught:
        container_environment([f"={secret}"], {}, environment={})

    assert secret not in str(caught.value)


@pytest.mark.parametrize("line", ["export NAME=secret", "a b=secret", "=secret"])
def test_a_line_that_docker_refuses_is_named_and_not_shown(line: str) -> None:
    with pytest.raises(BadFlag) as caught:
        container_environment([], {"x.env": f"# first\nOK=1\n{line}\n"}, environment={})

    assert "--env-file x.env, line 3" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_volume_sources_of_this_machine_become_absolute() -> None:
    assert volumes(["./data:/data", "../x:/x:ro", "named:/n", "/abs:/a"], folder=Path("/src/app")) == (
        "/src/app/data:/data",
        "/src/x:/x:ro",
        "named:/n",
        "/abs:/a",
    )


@pytest.mark.parametrize("flag", ["", "/data", "x:", ":/x", "x:relative"])
def test_bad_volume_is_refused(flag: str) -> None:
    with pytest.raises(BadFlag):
        volumes([flag], folder=Path("/"))


@pytest.mark.parametrize(
    ("flag", "remainder", "arguments"),
    [
        (None, "", None),
        ("", "", ()),
        ("--a 'b c'", "", ("--a", "b c")),
        (None, "-v x", ("-v", "x")),
        ("a", "b", ("a", "b")),
    ],
)
def test_arguments_are_split_as_a_shell_would(flag: str | None, remainder: str, arguments: object) -> None:
    assert program_arguments(flag, remainder) == arguments


def test_quotes_that_do_not_match_are_refused() -> None:
    with pytest.raises(BadFlag, match="its quotes do not match"):
        program_arguments("'a", "")


@pytest.mark.parametrize(
    ("flag", "expected"),
    [("6m", 6 * 2**20), ("512M", 2**29), ("512Mi", 2**29), ("1g", 2**30), ("8000000", 8_000_000), ("64MB", 2**26)],
)
def test_memory(flag: str, expected: int) -> None:
    assert memory_limit(flag) == expected


@pytest.mark.parametrize("flag", ["", "M", "5M", "-1G", "1.5G", "1T", "9" * 30, "1 G"])
def test_what_is_no_memory(flag: str) -> None:
    with pytest.raises(BadFlag, match=r"--memory"):
        memory_limit(flag)


def test_containers_are_those_of_what_is_chosen(tmp_path: Path) -> None:
    members = {f"{name}/Cargo.toml": MANIFEST.format(name=name) for name in ("shop", "mail")}
    members |= {f"{name}/src/main.rs": MAIN for name in ("shop", "mail")}
    root = write_files(tmp_path, {"Cargo.toml": '[workspace]\nmembers = ["shop", "mail"]\n', **members})

    def labels(start: Path, package: str | None = None, binary: str | None = None) -> dict[str, str]:
        return run._chosen(start, BinaryRequest(package=package, binary=binary))[1]

    of_root = {"rustdocker.root": str(root)}
    assert labels(root) == of_root
    assert labels(root / "shop/src") == labels(root, package="shop") == {**of_root, "rustdocker.package": "shop"}
    assert labels(root, binary="mail") == {**of_root, "rustdocker.name": "mail"}
