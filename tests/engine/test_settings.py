"""What the settings say of the program and of the image, in what both backends build."""

from __future__ import annotations

import json
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
