"""What the settings say of the program and of the image, in what both backends build."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing

import docker
import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.images import RUNTIME
from tests.conftest import MANIFEST, Write, crate, invoke
from tests.engine.conftest import MACHINE_ENGINE

pytestmark = pytest.mark.engine

BACKENDS = pytest.mark.parametrize(("backend", "host"), [("host", MACHINE_ENGINE), ("buildx", CURRENT_ENGINE)])
SHOWN = """fn main() {
    println!("{} {} {}", cfg!(feature = "a"), cfg!(feature = "b"), cfg!(debug_assertions));
}
"""
REST = """description = '''Says "what" $it
  is made of.'''
license = "MIT"

[features]
default = ["a"]
a = []
b = []

[profile.checked]
inherits = "release"
debug-assertions = true
"""


@BACKENDS
def test_features_and_profile_reach_the_program(write: Write, backend: str, host: str) -> None:
    files = crate("featured", **{"src/main.rs": SHOWN})
    folder = write({**files, "Cargo.toml": MANIFEST.format(name="featured") + REST})
    environment = {"RUSTDOCKER_BACKEND": backend, "DOCKER_HOST": host}

    def printed(*words: str, **settings: str) -> str:
        return invoke("run", *words, folder=folder, **environment, **settings).result

    assert printed() == "true false false"
    assert printed("--features=b", "--profile=checked") == "true true true"
    assert printed("--features=b", RUSTDOCKER_DEFAULT_FEATURES="false") == "false true false"
    # What was compiled before is told apart from what is wanted now.
    assert printed() == "true false false"


@BACKENDS
def test_labels_and_stop_signal_reach_the_image(write: Write, backend: str, host: str) -> None:
    manifest = MANIFEST.format(name="labelled") + REST
    folder = write({**crate("labelled"), "Cargo.toml": manifest})
    settings = {"RUSTDOCKER_LABELS": "{ team = 'a \"b\" $c' }", "RUSTDOCKER_STOP_SIGNAL": "SIGINT"}

    image = invoke("build", folder=folder, RUSTDOCKER_BACKEND=backend, DOCKER_HOST=host, **settings).result

    with closing(docker.DockerClient(base_url=host)) as client:
        config = client.images.get(image).attrs["Config"]
        inherited = client.images.get(RUNTIME).attrs["Config"]["Labels"] if backend == "buildx" else {}
    assert config["Labels"] == {
        **inherited,
        "org.opencontainers.image.title": "labelled",
        "org.opencontainers.image.version": "0.1.0",
        "org.opencontainers.image.description": 'Says "what" $it is made of.',
        "org.opencontainers.image.licenses": "MIT",
        "team": 'a "b" $c',
    }
    assert config["StopSignal"] == "SIGINT"


CONFIGURED = """
[package.metadata.rustdocker]
name = "named"
tag = [":{version}-{variant}", "other:{major}"]
workdir = "/srv/a $b"
volumes = ["/var/lib/shop"]
healthcheck = { command = ["/usr/local/bin/configured", "--check"], interval = "1m30s", retries = 2 }
assets = [
    { source = "pages", destination = "/srv/a $b" },
    { source = "pages/a.txt", destination = "/x", mode = "4750" },
]
build-env = { SHOWN = 'a "b" $c' }

[package.metadata.rustdocker.static]
volumes = ["/only/static"]

[package.metadata.rustdocker.minimal]
expose = [81]

[package.metadata.rustdocker.bin.configured]
user = 1000
"""
WHERE = """use std::os::unix::fs::MetadataExt;
fn main() {
    let data = std::fs::metadata("/var/lib/shop").unwrap();
    let here = std::env::current_dir().unwrap();
    let owner = std::fs::metadata(".").unwrap().uid();
    let page = std::fs::read_to_string("a.txt").unwrap();
    let mode = std::fs::metadata("/x").unwrap().mode() & 0o7777;
    let (here, uid, rights, shown) = (here.display(), data.uid(), data.mode() & 0o777, env!("SHOWN"));
    println!("{page} {mode:o} {here} {uid} {owner} {rights:o} {shown}");
}
"""


@BACKENDS
def test_what_runs_the_program_is_as_it_is_set(write: Write, backend: str, host: str) -> None:
    manifest = MANIFEST.format(name="configured") + CONFIGURED
    files = crate("configured", **{"src/main.rs": WHERE, "pages/a.txt": "a page"})
    folder = write({**files, "Cargo.toml": manifest})
    settings = {"RUSTDOCKER_BACKEND": backend, "DOCKER_HOST": host, "RUSTDOCKER_VARIANT": "minimal"}

    image = invoke("build", folder=folder, **settings).result

    with closing(docker.DockerClient(base_url=host)) as client:
        found = client.images.get(image)
        config = found.attrs["Config"]
        printed = client.containers.run(image, remove=True).decode()
        read_only = client.containers.run(image, read_only=True, remove=True).decode()
    assert {"named:0.1.0-minimal", "other:0"} <= set(found.tags)
    assert printed == read_only == 'a page 4750 /srv/a $b 1000 0 755 a "b" $c\n'
    assert config["User"] == "1000:1000"
    assert config["WorkingDir"] == "/srv/a $b"
    assert config["Volumes"] == {"/var/lib/shop": {}}
    assert config["Healthcheck"] == {
        "Test": ["CMD", "/usr/local/bin/configured", "--check"],
        "Interval": 90_000_000_000,
        "Retries": 2,
    }
    assert config["ExposedPorts"] == {"81/tcp": {}}


def test_the_image_names_the_commit_that_it_was_built_from(write: Write) -> None:
    folder = write({**crate("committed"), ".gitignore": "target\nCargo.lock\n"})
    settings = {"RUSTDOCKER_BACKEND": "host", "RUSTDOCKER_TAG": "committed:{git-sha}"}
    nothing = invoke("build", folder=folder, **settings)
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    for words in (("init", "--quiet"), ("add", "."), (*identity, "commit", "--quiet", "--message=one")):
        subprocess.run(["git", *words], cwd=folder, check=True)
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=folder, text=True).strip()

    image = invoke("build", folder=folder, **settings).result

    assert nothing.code == 64
    assert "there is no {git-sha}: git says: fatal: not a git repository" in nothing.stderr
    with closing(docker.DockerClient(base_url=MACHINE_ENGINE)) as client:
        found = client.images.get(image)
    assert f"committed:{commit[:12]}" in found.tags
    assert found.labels["org.opencontainers.image.revision"] == commit


def test_config_says_what_is_set_and_by_whom(write: Write) -> None:
    manifest = (
        MANIFEST.format(name="told") + "[package.metadata.rustdocker]\nexpose = [8080]\nenv.TOKEN = 'secret'\n"
    )
    folder = write({**crate("told"), "Cargo.toml": manifest})

    told = json.loads(invoke("config", "--json", "--profile=dev", folder=folder, RUSTDOCKER_LOCKED="false").result)
    shown = invoke("config", folder=folder).result

    place = f"{folder / 'Cargo.toml'}, line"
    assert told["expose"] == {"value": ["8080/tcp"], "set_by": f"{place} 6 [package.metadata.rustdocker]"}
    assert told["profile"] == {"value": "dev", "set_by": "--profile"}
    assert told["locked"] == {"value": False, "set_by": "the environment variable RUSTDOCKER_LOCKED"}
    assert told["user"]["set_by"] == "the default"
    assert f'expose            ["8080/tcp"]   {place} 6 [package.metadata.rustdocker]' in shown.splitlines()
    assert "secret" not in shown + json.dumps(told)


def test_config_writes_a_schema_without_a_project(write: Write) -> None:
    folder = write({"tasks.py": crate()["tasks.py"]})

    schema = json.loads(invoke("config", "--schema", folder=folder).result)

    assert schema["$defs"]["Settings"]["properties"]["expose"]["examples"] == [[8080]]
