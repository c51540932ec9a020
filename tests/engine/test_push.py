"""Pushing to a real registry: what is printed is what is there, and what goes wrong says what to do."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest

from tasks.lab.engine import BRIDGE_ADDRESS
from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.registry import PASSWORD, TRUSTED, UNKNOWN, USER
from tests.conftest import Outcome, Write, crate, invoke
from tests.engine.conftest import ENGINES, write_credentials
from tests.engine.relay import breaking_relay

pytestmark = pytest.mark.engine


@pytest.fixture
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A docker configuration with the credentials of both registries, and the user's plugins."""
    folder = tmp_path_factory.mktemp("config")
    write_credentials(folder, PASSWORD)
    return folder


def push(folder: Path, config: Path, *words: str, host: str = CURRENT_ENGINE, **environment: str) -> Outcome:
    settings = {
        "RUSTDOCKER_REPOSITORY": f"{TRUSTED.address}/acme/{{name}}",
        "DOCKER_HOST": host,
        "DOCKER_CONFIG": str(config),
    }
    outcome = invoke("push", *words, folder=folder, **{**settings, **environment})
    assert PASSWORD not in outcome.stdout + outcome.stderr
    return outcome


def digest_in_registry(name: str, folder: Path) -> str:
    """What an independent reader finds under the tag."""
    auth = folder / "config.json"
    words = [
        "skopeo",
        "inspect",
        f"--authfile={auth}",
        f"--cert-dir={certificates(folder)}",
        "--format={{.Digest}}",
    ]
    done = subprocess.run([*words, f"docker://{name}"], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def certificates(folder: Path) -> Path:
    place = folder / "certs"
    place.mkdir(exist_ok=True)
    shutil.copy(TRUSTED.ca, place / "ca.crt")
    return place


@ENGINES
@pytest.mark.parametrize("backend", ["host", "buildx"])
def test_what_is_printed_is_what_is_there_and_what_runs(
    write: Write, config: Path, host: str, backend: str
) -> None:
    name = f"pushed-{backend}"
    outcome = push(write(crate(name)), config, host=host, RUSTDOCKER_BACKEND=backend)

    repository, at, digest = outcome.result.partition("@")
    assert (repository, at) == (f"{TRUSTED.address}/acme/{name}", "@")
    assert digest == digest_in_registry(f"{repository}:0.1.0", config)
    client = docker.DockerClient(base_url=host)
    client.images.remove(f"{repository}:0.1.0", force=True)
    auth = {"username": USER, "password": PASSWORD}
    client.images.pull(repository, tag=digest, auth_config=auth)
    assert client.containers.run(outcome.result, remove=True) == b"first\n"
    client.images.remove(outcome.result, force=True)
    client.close()


def test_all_tags_are_pushed_and_one_digest_is_printed(write: Write, config: Path) -> None:
    tags = [f"{TRUSTED.address}/acme/tagged:{tag}" for tag in ("1", "latest")]

    outcome = push(write(crate("tagged")), config, RUSTDOCKER_TAG=json.dumps(tags))

    assert len(outcome.result.splitlines()) == 1
    assert {digest_in_registry(tag, config) for tag in tags} == {outcome.result.partition("@")[2]}


def is_in_registry(name: str, folder: Path) -> bool:
    try:
        return bool(digest_in_registry(name, folder))
    except subprocess.CalledProcessError:
        return False


def test_what_does_not_listen_is_pushed_only_on_demand(write: Write, config: Path) -> None:
    name = f"deaf-{uuid.uuid4().hex[:8]}"
    folder, tag = write(crate(name)), f"{TRUSTED.address}/acme/{name}:0.1.0"

    refused = push(folder, config, RUSTDOCKER_EXPOSE="8080")
    was_there = is_in_registry(tag, config)
    unset = push(folder, config, RUSTDOCKER_EXPOSE="8080", RUSTDOCKER_CHECK="false")
    flagged = push(folder, config, "--unchecked", RUSTDOCKER_EXPOSE="8080")

    assert (refused.code, refused.stdout, was_there) == (67, "", False)
    assert "it ended with exit code 0 before it listened" in refused.stderr
    assert "`--unchecked` or `check = false` pushes it as it is" in refused.stderr
    assert unset.result == flagged.result
    assert is_in_registry(tag, config)


def test_a_tool_that_wants_to_be_told_more_is_pushed(write: Write, config: Path) -> None:
    folder = write(crate("usage", **{"src/main.rs": "fn main() { std::process::exit(2) }\n"}))

    assert push(folder, config).result.startswith(f"{TRUSTED.address}/acme/usage@sha256:")


def test_a_program_that_dies_is_not_pushed(write: Write, config: Path) -> None:
    folder = write(crate("dies", **{"src/main.rs": "fn main() { std::process::abort() }\n"}))

    outcome = push(folder, config)

    assert (outcome.code, outcome.stdout) == (67, "")
    assert re.search(r"it ended with exit code 1[2-9]\d$", outcome.stderr, re.MULTILINE)


@ENGINES
def test_a_wrong_password(write: Write, config: Path, host: str) -> None:
    write_credentials(config, "wrong-password")

    outcome = push(write(crate("refused")), config, host=host)

    tag = f"{TRUSTED.address}/acme/refused:0.1.0"
    assert outcome.code == 68
    assert outcome.stdout == ""
    what, found, set_by, hint = outcome.stderr.splitlines()[-4:]
    assert what == f"the registry refused {tag}"
    assert any(words in found.lower() for words in ("unauthorized", "no basic auth credentials"))
    assert set_by == "  set by: the registry, by the credentials in docker's configuration"
    assert hint == f"  hint: log in with an account that may push there: `docker login {TRUSTED.address}`"
    assert "wrong-password" not in outcome.stderr


@ENGINES
def test_an_unknown_host(write: Write, config: Path, host: str) -> None:
    outcome = push(write(crate("lost")), config, host=host, RUSTDOCKER_REPOSITORY="nowhere.invalid/acme/{name}")

    assert outcome.code == 68
    what, found, set_by, hint = outcome.stderr.splitlines()[-4:]
    assert what == "the registry of nowhere.invalid/acme/lost:0.1.0 cannot be reached"
    assert "no such host" in found
    assert set_by == "  set by: the environment variable RUSTDOCKER_REPOSITORY"
    assert hint == "  hint: check the name and the network, then push again: what arrived stays there"


@ENGINES
def test_an_unknown_certificate_authority(write: Write, config: Path, host: str) -> None:
    outcome = push(
        write(crate("untrusted")), config, host=host, RUSTDOCKER_REPOSITORY=f"{UNKNOWN.address}/acme/{{name}}"
    )

    assert outcome.code == 68
    what, found, set_by, hint = outcome.stderr.splitlines()[-4:]
    tag = f"{UNKNOWN.address}/acme/untrusted:0.1.0"
    assert what == f"the engine does not trust the certificate of the registry of {tag}"
    assert "x509" in found
    assert set_by == "  set by: the registry's certificate authority"
    place = f"/etc/docker/certs.d/{UNKNOWN.address}/ca.crt"
    assert hint == f"  hint: put the CA's certificate into {place} on the engine's machine"


def test_a_program_for_passwords_that_is_not_there_is_told_before_anything_is_built(
    write: Write, config: Path
) -> None:
    (config / "config.json").write_text('{"credsStore": "nowhere"}')

    outcome = push(write(crate("unlocked")), config)

    assert outcome.code == 68
    assert "docker-credential-nowhere not installed or not available in PATH" in outcome.stderr
    assert f"docker login {TRUSTED.address}" in outcome.stderr
    assert "Warning" not in outcome.stderr
    assert "Compiling" not in outcome.stderr


def test_a_name_without_a_repository_is_refused_before_anything_is_built(write: Write) -> None:
    folder = write(crate())

    outcome = invoke("push", folder=folder)

    assert outcome == Outcome(
        64,
        "",
        "the image's name app:0.1.0 says no registry to push to\n"
        "  found: app:0.1.0\n"
        "  set by: the default\n"
        '  hint: set repository = "ghcr.io/you/{name}" in [package.metadata.rustdocker] '
        "(docker.io/you is Docker Hub), or name it whole: --tag ghcr.io/you/app:0.1.0\n",
    )
    assert not (folder / "target").exists()


@contextmanager
def registry_that_goes_away(*, after: int) -> Iterator[str]:
    """The lab's registry behind an address that breaks off every connection after so many bytes sent to it."""
    server = socket.create_server((BRIDGE_ADDRESS, 0))
    address = f"{BRIDGE_ADDRESS}:{server.getsockname()[1]}"
    known = Path("/etc/docker/certs.d") / address
    known.mkdir(parents=True)
    shutil.copy(TRUSTED.ca, known / "ca.crt")
    try:
        with breaking_relay(server, lambda: socket.create_connection((BRIDGE_ADDRESS, TRUSTED.port)), after=after):
            yield address
    finally:
        shutil.rmtree(known)


def test_a_registry_that_goes_away_in_mid_push(write: Write, config: Path) -> None:
    # What a registry has already is not sent again.
    name = f"interrupted-{uuid.uuid4().hex[:8]}"
    folder = write(crate(name))
    with registry_that_goes_away(after=100_000) as address:
        write_credentials(config, PASSWORD, address)
        outcome = push(folder, config, RUSTDOCKER_REPOSITORY=f"{address}/acme/{{name}}")

    assert outcome.code == 68
    assert outcome.stdout == ""
    assert outcome.stderr.splitlines()[-4] in {
        f"{address}/acme/{name}:0.1.0 could not be pushed",
        f"the registry of {address}/acme/{name}:0.1.0 cannot be reached",
    }
    write_credentials(config, PASSWORD)
    assert push(folder, config).result.startswith(f"{TRUSTED.address}/acme/{name}@sha256:")
