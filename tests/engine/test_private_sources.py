"""Dependencies that only a secret opens: they arrive, and the secret stays nowhere."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import tarfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest

from tasks.lab.engine import BRIDGE_ADDRESS
from tasks.lab.engine import HOST as CURRENT_ENGINE
from tests.conftest import MANIFEST, TASKS, Outcome, clean_environment, invoke, write_files
from tests.engine.private_sources import CRATE, REPOSITORY, USER, PrivateServer, make_repository, private_server
from tests.engine.proxy import company_proxy
from tests.engine.ssh_server import ssh_server

pytestmark = pytest.mark.engine

MAIN = """fn main() {
    println!("{} {} {}", hidden_crate::text(), hidden_repository::text(), itoa::Buffer::new().format(1));
}
"""
WITH_GIT = "[net]\ngit-fetch-with-cli = true\n"
WITHOUT_GIT = 'fn main() { println!("{}", hidden_crate::text()); }\n'


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PrivateServer]:
    """One that cargo has never seen: what it gave stays in cargo's folder."""
    token, password = f"token-{uuid.uuid4().hex}", f"password-{uuid.uuid4().hex}"
    with private_server(tmp_path / "private", token=token, password=password) as made:
        yield made


def secrets(server: PrivateServer, store: Path, host: str | None = None) -> dict[str, str]:
    """What a user's machine knows: a token in the environment, a password in git's own store."""
    store.write_text(f"http://{USER}:{server.password}@{host or server.address}\n")
    return {
        "CARGO_REGISTRIES_MY_CORP_TOKEN": server.token,
        "CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS": "cargo:token",
        "CARGO_NET_GIT_FETCH_WITH_CLI": "true",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "credential.helper",
        "GIT_CONFIG_VALUE_0": f"store --file={store}",
    }


@pytest.fixture
def project(server: PrivateServer, tmp_path: Path) -> Path:
    repository = f'itoa = "1"\n{REPOSITORY} = {{ git = "http://{server.address}/{REPOSITORY}" }}\n'
    return write_project(server, tmp_path, server.address, MAIN, repository)


def write_project(
    server: PrivateServer, tmp_path: Path, address: str, main: str, more: str = "", **machine: str
) -> Path:
    """Write a project with the registry at an address, which this machine reaches by what is set for it."""
    dependencies = f'[dependencies]\n{CRATE} = {{ version = "1", registry = "my-corp" }}\n{more}'
    name = f"private-{uuid.uuid4().hex[:8]}"
    files = {
        "Cargo.toml": MANIFEST.format(name=name) + dependencies,
        # Its own way to a token is for the user's machine.
        ".cargo/config.toml": f'[registries.my-corp]\nindex = "sparse+http://{address}/index/"\n'
        'credential-provider = ["cargo:token-from-stdout", "company-login"]\n',
        "src/main.rs": main,
        "tasks.py": TASKS,
    }
    folder = write_files(tmp_path / "app", files)
    # Of its own: what is fetched here must be fetched again in the container.
    own = {**secrets(server, tmp_path / "store", address), "CARGO_HOME": str(tmp_path / "cargo-home"), **machine}
    own["CARGO_REGISTRIES_MY_CORP_CREDENTIAL_PROVIDER"] = "cargo:token"
    words = ["cargo", "generate-lockfile", "--quiet"]
    subprocess.run(words, cwd=folder, env={**os.environ, **own}, check=True)
    return folder


@pytest.mark.parametrize(("cache", "offline"), [("mount", "false"), ("layer", "false"), ("layer", "true")])
def test_they_arrive_and_the_secret_is_nowhere(
    server: PrivateServer, project: Path, tmp_path: Path, cache: str, offline: str
) -> None:
    layers = tmp_path / "layers"
    settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE, "RUSTDOCKER_CACHE": cache}
    settings["RUSTDOCKER_OFFLINE"] = offline
    settings |= {"RUSTDOCKER_CACHE_TO": str(layers)} if cache == "layer" else {}
    known = secrets(server, tmp_path / "store")

    done = invoke("build", folder=project, **settings, **known)
    told = invoke("plan", "--json", folder=project, **settings, **known)
    image = done.result

    assert run(image) == b"registry git 1\n"
    seen = traces(image, project, tmp_path / "image.tar", done, told)
    stored = [blob for path in layers.rglob("*") if path.is_file() for blob in unpacked(path.read_bytes())]
    assert bool(stored) == (cache == "layer")
    assert [content for content in (stored or seen) if REPOSITORY.encode() in content]
    for secret in (server.token, server.password):
        assert not [content for content in (*seen, *stored) if secret.encode() in content]


def test_a_password_that_git_puts_into_addresses_opens_them_too(
    server: PrivateServer, project: Path, tmp_path: Path
) -> None:
    rewriting = {
        **secrets(server, tmp_path / "store"),
        "GIT_CONFIG_KEY_0": f"url.http://{USER}:{server.password}@{server.address}/.insteadOf",
        "GIT_CONFIG_VALUE_0": f"http://{server.address}/",
    }

    done = invoke("build", folder=project, RUSTDOCKER_BACKEND="buildx", DOCKER_HOST=CURRENT_ENGINE, **rewriting)

    assert run(done.result) == b"registry git 1\n"
    seen = traces(done.result, project, tmp_path / "image.tar", done)
    assert not [content for content in seen if server.password.encode() in content]


def test_git_fetches_where_the_project_says_that_cargo_is_not_to(
    server: PrivateServer, project: Path, tmp_path: Path
) -> None:
    with (project / ".cargo/config.toml").open("a") as config:
        config.write(WITH_GIT)
    settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE}

    done = invoke("build", folder=project, **settings, **secrets(server, tmp_path / "store"))

    assert run(done.result) == b"registry git 1\n"
    assert "installing git" in done.stderr


def test_a_registry_that_a_variable_of_cargo_s_names(server: PrivateServer, project: Path, tmp_path: Path) -> None:
    (project / ".cargo/config.toml").unlink()
    index = f'{{ CARGO_REGISTRIES_MY_CORP_INDEX = "sparse+http://{server.address}/index/" }}'
    settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE, "RUSTDOCKER_BUILD_ENV": index}

    done = invoke("build", folder=project, **settings, **secrets(server, tmp_path / "store"))

    assert run(done.result) == b"registry git 1\n"


def traces(image: str, project: Path, archive: Path, *outcomes: Outcome) -> list[bytes]:
    """Return all that is left of a build: what was said, the image with its history, and our files."""
    environment = clean_environment(DOCKER_HOST=CURRENT_ENGINE)
    subprocess.run(["docker", "save", "--output", archive, image], env=environment, check=True)
    history = subprocess.check_output(["docker", "history", "--no-trunc", image], env=environment)
    said = [text.encode() for each in outcomes for text in (each.stdout, each.stderr)]
    ours = [path.read_bytes() for path in (project / "target").rglob("*") if path.is_file()]
    return [*said, history, *contents(archive), *ours]


def run(image: str) -> bytes:
    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as client:
        printed: bytes = client.containers.run(image, remove=True)
        return printed


@pytest.mark.parametrize("cache", ["mount", "layer"])
def test_a_proxy_hands_them_on_and_its_password_is_nowhere(
    server: PrivateServer, tmp_path: Path, cache: str
) -> None:
    # What a registry gave stays on the mount of cargo's folder, by the registry's name.
    password, host = f"proxy-{uuid.uuid4().hex}", f"{uuid.uuid4().hex}.company.test"
    layers = tmp_path / "layers"
    settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE, "RUSTDOCKER_CACHE": cache}
    settings |= {"RUSTDOCKER_CACHE_TO": str(layers)} if cache == "layer" else {}
    with company_proxy(password, {host: server.address}) as proxy:
        known = {**secrets(server, tmp_path / "store", host), "http_proxy": proxy.address}
        project = write_project(server, tmp_path, host, WITHOUT_GIT, http_proxy=proxy.address)
        asked_here = len(proxy.asked)

        without = invoke("build", folder=project, **settings, **{**known, "http_proxy": ""})
        done = invoke("build", folder=project, **settings, **known)
        told = invoke("plan", "--json", folder=project, **settings, **known)

    assert without.code == 66
    assert run(done.result) == b"registry\n"
    assert f"http://{host}/dl/{CRATE}/1.0.0/download" in proxy.asked[asked_here:]
    seen = traces(done.result, project, tmp_path / "image.tar", without, done, told)
    seen += [blob for path in layers.rglob("*") if path.is_file() for blob in unpacked(path.read_bytes())]
    assert not [content for content in seen if password.encode() in content]


def contents(archive: Path) -> Iterator[bytes]:
    with tarfile.open(archive) as files:
        for member in files:
            if (file := files.extractfile(member)) is not None:
                yield from unpacked(file.read())


def unpacked(content: bytes) -> list[bytes]:
    return [content, gzip.decompress(content)] if content.startswith(b"\x1f\x8b") else [content]


def test_without_the_secret_cargo_says_what_it_lacks(project: Path) -> None:
    done = invoke("build", folder=project, RUSTDOCKER_BACKEND="buildx", DOCKER_HOST=CURRENT_ENGINE)

    assert done.code == 66
    assert "failed to get `hidden-" in done.stderr
    assert "`cargo build` failed" in done.stderr
    assert json.loads(invoke("plan", "--json", folder=project).result)["manifest"]


@pytest.mark.parametrize("cache", ["mount", "layer"])
def test_a_registry_that_breaks_off_in_a_download_and_the_next_build(
    server: PrivateServer, project: Path, tmp_path: Path, cache: str
) -> None:
    settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE, "RUSTDOCKER_CACHE": cache}
    settings |= secrets(server, tmp_path / "store")
    server.breaking.set()
    broken = invoke("build", folder=project, RUSTDOCKER_BUILD_ENV='{ CARGO_NET_RETRY = "0" }', **settings)
    server.breaking.clear()

    done = invoke("build", folder=project, **settings)

    assert broken.code == 66
    seen = traces(done.result, project, tmp_path / "image.tar", broken, done)
    for secret in (server.token, server.password):
        assert not [content for content in seen if secret.encode() in content]
    assert f"failed to download from `http://{server.address}/dl/" in broken.stderr
    assert run(done.result) == b"registry git 1\n"


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An ssh agent with a key of its own, as a user's machine has it."""
    key, socket = tmp_path / "key", tmp_path / "agent"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not socket.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        environment = {"SSH_AUTH_SOCK": str(socket)}
        subprocess.run(["ssh-add", "-q", key], env={**os.environ, **environment}, check=True)
        yield environment
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize(
    ("cache", "config"), [("mount", ""), ("layer", WITH_GIT)], ids=["cargo's git", "git itself, layers"]
)
def test_a_repository_over_ssh_is_opened_by_the_agent(
    agent: dict[str, str], tmp_path: Path, cache: str, config: str
) -> None:
    layers = tmp_path / "layers"
    make_repository(tmp_path / "served")
    name = f"over-ssh-{uuid.uuid4().hex[:8]}"
    with ssh_server(tmp_path / "served", tmp_path / "key.pub") as (port, known_host):
        address = f"ssh://git@{BRIDGE_ADDRESS}:{port}/{REPOSITORY}"
        dependency = f'[dependencies]\n{REPOSITORY} = {{ git = "{address}" }}\n'
        files = {
            "app/Cargo.toml": MANIFEST.format(name=name) + dependency,
            "app/src/main.rs": 'fn main() { println!("{}", hidden_repository::text()); }\n',
            "app/tasks.py": TASKS,
            "home/.ssh/known_hosts": known_host,
        }
        folder = write_files(tmp_path, files) / "app"
        # cargo's own folder and docker's plugins stay those of this machine.
        machine = {
            "HOME": str(tmp_path / "home"),
            "CARGO_HOME": os.environ.get("CARGO_HOME") or str(Path.home() / ".cargo"),
            "RUSTUP_HOME": os.environ.get("RUSTUP_HOME") or str(Path.home() / ".rustup"),
            "DOCKER_CONFIG": os.environ.get("DOCKER_CONFIG") or str(Path.home() / ".docker"),
        }
        words = ["cargo", "generate-lockfile", "--quiet"]
        subprocess.run(words, cwd=folder, env={**os.environ, **machine, **agent}, check=True)
        # The machine's own ssh would not look for known hosts in this home.
        write_files(folder, {".cargo/config.toml": config})
        settings = {
            "RUSTDOCKER_BACKEND": "buildx",
            "DOCKER_HOST": CURRENT_ENGINE,
            "RUSTDOCKER_CACHE": cache,
            **machine,
        }
        settings |= {"RUSTDOCKER_CACHE_TO": str(layers)} if cache == "layer" else {}

        refused = invoke("build", folder=folder, **settings, SSH_AUTH_SOCK="")
        done = invoke("build", folder=folder, **settings, **agent)
        told = invoke("plan", "--json", folder=folder, **settings, **agent)
        seen = traces(done.result, folder, tmp_path / "image.tar", refused, done, told)

    stored = [blob for path in layers.rglob("*") if path.is_file() for blob in unpacked(path.read_bytes())]
    assert bool(stored) == (cache == "layer")
    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as client:
        assert client.containers.run(done.result, remove=True) == b"git\n"
    for line in (tmp_path / "key").read_bytes().splitlines()[1:-1]:
        assert not [content for content in (*seen, *stored) if line in content]
    assert refused.code == 66
