from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from rustdocker_tasks.diagnosis import (
    Eviction,
    Grade,
    MachineReport,
    diagnose,
    findings_json,
    findings_text,
    parse_buildkit,
    parse_eviction,
)
from rustdocker_tasks.doctor import find_settings
from rustdocker_tasks.engine.request import EngineFacts
from rustdocker_tasks.settings.options import Backend
from rustdocker_tasks.settings.sources import environment_layer
from tests.conftest import MANIFEST, Write, crate

ENGINE = EngineFacts(version="29.6.1", api_version="1.54", store="containerd", free=10**11)
MACHINE = MachineReport(
    backend=Backend.AUTO,
    plugin="/x/docker-buildx",
    engine=ENGINE,
    engine_problem="",
    eviction=None,
    cargo="cargo 1.95.0",
    git=True,
    unreachable_proxies=(),
    ca_bundle=None,
)
WITHOUT = {"engine": None, "engine_problem": "none answers (x)"}
# As buildx 0.29 prints them of an engine; the first rule is for mounts.
INSPECTED = """Driver:        docker
GC Policy rule#0:
 All:            false
 Filters:        type==source.local,type==exec.cachemount,type==source.git.checkout
 Keep Duration:  48h0m0s
 Max Used Space: 3.346GiB
GC Policy rule#1:
 All:            false
 Keep Duration:  1440h0m0s
 Max Used Space: 188.1GiB
"""


def grades(machine: MachineReport) -> dict[str, Grade]:
    return {each.name: each.grade for each in diagnose(machine) if each.grade is not Grade.FINE}


def test_a_machine_that_lacks_nothing_gets_no_advice() -> None:
    assert grades(MACHINE) == {}
    assert all(not each.hint for each in diagnose(MACHINE))


@pytest.mark.parametrize(
    ("change", "grade"),
    [
        ({"plugin": None}, {"buildx": Grade.ADVICE}),
        (WITHOUT, {"engine": Grade.ADVICE}),
        ({**WITHOUT, "backend": Backend.BUILDX}, {"engine": Grade.FAULT}),
        ({"plugin": None, "backend": Backend.BUILDX}, {"buildx": Grade.FAULT}),
        ({"plugin": None, "needs_containers": True}, {"buildx": Grade.FAULT}),
        ({"builder": "far", "has_builder": False, "backend": Backend.BUILDX}, {"builder": Grade.FAULT}),
        ({"builder": "far"}, {}),
        ({**WITHOUT, "cargo": None}, {"engine": Grade.FAULT, "cargo": Grade.FAULT}),
        ({"cargo": None}, {"cargo": Grade.ADVICE}),
        ({"cargo": None, "backend": Backend.HOST}, {"cargo": Grade.FAULT}),
        ({"engine": replace(ENGINE, api_version="1.40"), "backend": Backend.BUILDX}, {"engine": Grade.FAULT}),
        ({"engine": replace(ENGINE, free=4 * 10**9)}, {"disk": Grade.ADVICE}),
        ({"engine": replace(ENGINE, free=10**8)}, {"disk": Grade.FAULT}),
        ({"git": False}, {"git": Grade.ADVICE}),
        ({"unreachable_proxies": ("https_proxy",)}, {"proxies": Grade.ADVICE}),
        ({"eviction": Eviction(after="48h0m0s", above=10**9)}, {"cache mounts": Grade.ADVICE}),
        (
            {
                "eviction": Eviction(after="48h0m0s", above=10**9),
                "engine": replace(ENGINE, version="28.5.2+dfsg4"),
            },
            {},
        ),
        (
            {
                "eviction": Eviction(after="48h0m0s", above=10**9),
                "engine": replace(ENGINE, version="28.5.2+dfsg4"),
                "buildkit": "0.31.0",
            },
            {"cache mounts": Grade.ADVICE},
        ),
    ],
)
def test_what_is_lacking_is_a_fault_only_where_nothing_can_be_built_without(
    change: dict[str, object], grade: dict[str, Grade]
) -> None:
    machine = replace(MACHINE, **change)

    assert grades(machine) == grade
    assert all(each.hint for each in diagnose(machine) if each.name in grade)


def test_the_rule_that_removes_mounts_is_found_among_the_builder_s() -> None:
    assert parse_eviction(INSPECTED) == Eviction(after="48h0m0s", above=int(3.346 * 2**30))
    assert parse_eviction(INSPECTED.replace("type==exec.cachemount,", "")) is None
    assert parse_eviction("") is None


def test_a_builder_s_version_is_what_it_says_unless_it_says_none() -> None:
    assert parse_buildkit("Status: running\nBuildKit version: v0.31.0\n") == "0.31.0"
    assert parse_buildkit("BuildKit version: v0.0.0+unknown\n") is None
    assert parse_buildkit(INSPECTED) is None


def test_findings_are_lines_with_what_to_do_below() -> None:
    machine = replace(MACHINE, git=False)

    assert findings_text(diagnose(machine)).splitlines()[-4:-2] == [
        "note  git           not there",
        "                    install git, for the label with the commit",
    ]
    assert json.loads(findings_json(diagnose(machine)))[-3] == {
        "name": "git",
        "verdict": "note",
        "found": "not there",
        "hint": "install git, for the label with the commit",
    }


def test_the_settings_that_count_are_the_project_s_where_there_is_one(write: Write) -> None:
    table = '[package.metadata.rustdocker]\nbackend = "host"\n'
    folder = write(crate(**{"Cargo.toml": MANIFEST.format(name="app") + table, "beside/x": ""}))

    assert find_settings(folder, []).settings.backend is Backend.HOST


def test_without_a_project_there_are_the_variables(tmp_path: Path) -> None:
    variables = environment_layer({"RUSTDOCKER_BACKEND": "buildx"}, base=tmp_path)

    assert find_settings(tmp_path, [variables]).settings.backend is Backend.BUILDX
