"""Text of anybody's arrives in the image as it is, or is refused: never as another instruction."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import pytest
import tomli_w
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tests.conftest import MANIFEST, TASKS, crate, invoke, write_files
from tests.engine.conftest import exported

pytestmark = pytest.mark.engine

# What a Dockerfile, a shell, JSON, TOML, bake and terminals give a meaning, and what people do not see.
PIECES = [
    *(
        "\n",
        "\r",
        "\t",
        " ",
        "\\",
        '"',
        "'",
        "`",
        "$",
        "${",
        "%{",
        "}",
        "#",
        "<<EOF",
        "\nUSER root\n",
        "\nRUN id\n",
    ),
    *("-", "--", "=", ",", ";", "&", "|", "*", "?", "[", "]", "~", "../", "\u202e", "\u2028", "\ufeff", "\x1b[2J"),
    *("é", "日本", "\U0001f980", "\x7f", "\x01", "a", "HOME"),
]
TEXT = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join)
# A name is no path; its bytes are what a disk limits.
NAMES = TEXT.map(lambda text: text.replace("/", "_").replace("..", "_")).filter(
    lambda name: name.strip(".") and not any(c in name for c in "\n\r\\") and len(name.encode()) <= 200
)
LINES = TEXT.filter(lambda text: "\n" not in text and "\r" not in text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("hostile") / "app", crate("hostile"))


def build(folder: Path, table: dict[str, Any]) -> Any:
    manifest = MANIFEST.format(name="hostile") + tomli_w.dumps({"package": {"metadata": {"rustdocker": table}}})
    (folder / "Cargo.toml").write_text(manifest.replace("[package]\n\n", ""), encoding="utf-8", newline="\n")
    return invoke("build", folder=folder, RUSTDOCKER_BACKEND="buildx", DOCKER_HOST=CURRENT_ENGINE)


@settings(
    max_examples=12,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    env=st.lists(LINES, max_size=4),
    labels=st.lists(LINES, max_size=4),
    args=st.lists(TEXT, max_size=4),
    names=st.lists(NAMES, min_size=1, max_size=4, unique=True),
    variant=st.sampled_from(["slim", "minimal"]),
)
@example(
    env=["\\"],
    labels=["$HOME"],
    args=["\nUSER root\n"],
    names=["$(id)", "-rf", "a b", "\u202egnp.exe"],
    variant="slim",
)
def test_text_arrives_as_it_is(
    folder: Path, env: list[str], labels: list[str], args: list[str], names: list[str], variant: str
) -> None:
    static = folder / "static"
    static.mkdir(exist_ok=True)
    for left in static.iterdir():
        left.unlink()
    for name in names:
        (static / name).write_text(name)
    table = {
        "env": {f"V{number}": value for number, value in enumerate(env)},
        "labels": {f"l{number}{value.replace('=', '')}": value for number, value in enumerate(labels)},
        "args": args,
        "workdir": f"/srv/{names[0]}/of",
        "volumes": [f"/srv/v{number}{name}" for number, name in enumerate(names)],
        "assets": [
            {"source": "static", "destination": "/static"},
            *({"source": "src/main.rs", "destination": f"/static/-{name}/{name}"} for name in names),
        ],
        "healthcheck": {"command": ["/usr/local/bin/hostile", *args]},
        "variant": variant,
    }
    image = build(folder, table).result

    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as client:
        config = client.images.get(image).attrs["Config"]
        with exported(client, image) as files:
            there = {
                each.name.removeprefix("static/")
                for each in files
                if each.name.startswith("static/") and each.isfile()
            }
    assert set(config["Env"]) >= {f"V{number}={value}" for number, value in enumerate(env)}
    assert {name: config["Labels"].get(name) for name in table["labels"]} == table["labels"]
    assert (config["Cmd"] or []) == args
    assert config["User"] == "65532:65532"
    assert config["WorkingDir"] == table["workdir"]
    assert set(config["Volumes"]) == set(table["volumes"])
    assert config["Healthcheck"]["Test"] == ["CMD", "/usr/local/bin/hostile", *args]
    wanted = {*names, *(f"-{name}/{name}" for name in names)}
    assert {os.fsencode(name) for name in there} == {os.fsencode(name) for name in wanted}


@pytest.mark.parametrize("name", ["a\nUSER root", "a\r"])
def test_a_file_whose_name_no_list_can_hold_is_refused_before_anything_is_built(tmp_path: Path, name: str) -> None:
    folder = write_files(tmp_path, {**crate(), f"static/{name}": "x"})
    refused = invoke("build", folder=folder, RUSTDOCKER_BACKEND="buildx", DOCKER_HOST=CURRENT_ENGINE)

    assert refused.code == 65
    assert "a list of files cannot hold this name" in refused.stderr
    assert "get base image" not in refused.stderr


@pytest.mark.parametrize("name", ["-x", "ü", "_", "A-b_c"])
def test_a_binary_s_name_arrives_as_it_is(tmp_path: Path, name: str) -> None:
    manifest = MANIFEST.format(name="app") + f'[[bin]]\nname = "{name}"\npath = "src/main.rs"\n'
    folder = write_files(tmp_path, {**crate(**{"Cargo.toml": manifest}), "tasks.py": TASKS})
    image = invoke("build", folder=folder, RUSTDOCKER_BACKEND="buildx", DOCKER_HOST=CURRENT_ENGINE).result

    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as client:
        assert client.images.get(image).attrs["Config"]["Entrypoint"] == [f"/usr/local/bin/{name}"]
        assert client.containers.run(image, remove=True) == b"first\n"


@pytest.mark.parametrize("name", ["a b", "a.b", 'a"b', "$x", "a\\b", "\u202ea", "a\nb"])
def test_a_name_that_rustc_refuses_is_refused_before_anything_is_built(tmp_path: Path, name: str) -> None:
    package = {"name": "app", "version": "0.1.0", "edition": "2021"}
    manifest = tomli_w.dumps({"package": package, "bin": [{"name": name, "path": "src/main.rs"}]})
    folder = write_files(tmp_path, crate(**{"Cargo.toml": manifest}))
    refused = invoke("build", folder=folder, RUSTDOCKER_BACKEND="buildx", DOCKER_HOST=CURRENT_ENGINE)

    assert refused.code == 65
    assert "set by: " + str(folder / "Cargo.toml") in refused.stderr
    assert not (folder / "target").exists()
