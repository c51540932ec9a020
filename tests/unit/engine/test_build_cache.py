from __future__ import annotations

import pytest

from rustdocker_tasks.engine.build_cache import Builder, parse_builder

OWN = """Name:          default
Driver:        docker
Last Activity: 2026-11-29 11:23:33 +0000 UTC

Nodes:
Name:             default
Endpoint:         default
"""
REMOTE = """Name:          ci
Driver:        remote

Nodes:
Name:     ci0
Driver:   other
"""


@pytest.mark.parametrize(
    ("text", "builder"),
    [
        (OWN, Builder(name="default", driver="docker")),
        (REMOTE, Builder(name="ci", driver="remote")),
        ("", None),
        ('ERROR: no builder "zzz" found\n', None),
    ],
)
def test_a_builder_is_read_from_what_buildx_says(text: str, builder: Builder | None) -> None:
    assert parse_builder(text) == builder


def test_the_engine_s_own_builder_is_the_one_of_docker_s_driver() -> None:
    assert Builder(name="default", driver="docker").is_engine_s_own
    assert not Builder(name="ci", driver="docker-container").is_engine_s_own
