from __future__ import annotations

import json
from pathlib import Path

import pytest

from rustdocker_tasks.engine.buildx import BuildRequest, BuildTarget, bake_file, find_plugin
from rustdocker_tasks.image import CacheStore, ImageReference


def put(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    plugin = folder / "docker-buildx"
    plugin.touch(mode=0o755)
    return plugin


def test_the_plugin_is_the_one_that_docker_takes(tmp_path: Path) -> None:
    config = tmp_path / "config"
    own = put(config / "cli-plugins")
    assert find_plugin({"DOCKER_CONFIG": str(config)}) == own

    named = put(tmp_path / "more")
    (config / "config.json").write_text(json.dumps({"cliPluginsExtraDirs": [str(named.parent)]}))
    assert find_plugin({"DOCKER_CONFIG": str(config)}) == named


def test_a_plugin_that_cannot_be_started_is_none(tmp_path: Path) -> None:
    named = put(tmp_path / "more")
    (tmp_path / "config.json").write_text(json.dumps({"cliPluginsExtraDirs": [str(named.parent)]}))
    named.chmod(0o644)

    assert find_plugin({"DOCKER_CONFIG": str(tmp_path)}) != named


def request(*targets: BuildTarget, context: str = "/shop", ssh_agent: bool = False) -> BuildRequest:
    return BuildRequest(
        context=Path(context),
        targets=targets,
        secret_files={},
        secret_values={},
        ssh_agent=ssh_agent,
        builder=None,
        created=0,
    )


def target(stage: str | None, tag: str, *, cache_to: CacheStore | None = None) -> BuildTarget:
    return BuildTarget(
        dockerfile=Path("/shop/Dockerfile"),
        stage=stage,
        tags=(ImageReference(tag),),
        cache_from=(CacheStore("/layers"),),
        cache_to=cache_to,
    )


def test_a_bake_file_has_what_each_image_is_made_of() -> None:
    asked = request(target("a", "api:1", cache_to=CacheStore("/layers")), target(None, "web:1"), ssh_agent=True)
    made = json.loads(bake_file(asked, {"token": Path("/tmp/token")}))["target"]

    assert made["image-1"] == {
        "context": "/shop",
        "dockerfile": "/shop/Dockerfile",
        "target": "a",
        "args": {"SOURCE_DATE_EPOCH": "0"},
        "tags": ["api:1"],
        "secret": ["id=token,src=/tmp/token"],
        "ssh": ["default"],
        "cache-from": ["type=local,src=/layers"],
        "cache-to": ["type=local,dest=/layers,mode=max,ignore-error=true"],
        "attest": ["type=provenance,disabled=true"],
    }
    assert made["image-2"]["tags"] == ["web:1"]
    assert made["image-2"]["cache-to"] == []
    assert "target" not in made["image-2"]


@pytest.mark.parametrize("folder", ["/${HOME}", "/%{if true}", '/a "b" \\ c'])
def test_bake_takes_no_text_for_an_expression(folder: str) -> None:
    made = bake_file(request(target("a", "api:1"), context=folder), {})
    told = json.loads(made)["target"]["image-1"]["context"]

    assert told.replace("$${", "${").replace("%%{", "%{") == folder
    assert "${" not in made.replace("$${", "")
    assert "%{" not in made.replace("%%{", "")
