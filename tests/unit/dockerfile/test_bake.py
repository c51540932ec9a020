"""The file for bake that people keep."""

from __future__ import annotations

from msgspec.structs import replace

from rustdocker_tasks.dockerfile.bake import BakeTarget, render_bake_file
from rustdocker_tasks.image import ImageReference

API = BakeTarget(
    name="api",
    context=".",
    dockerfile="docker/group-1.Dockerfile",
    stage="rustdocker-image-1",
    tags=(ImageReference("acme/api:1"),),
    created=0,
)


def test_a_target_says_what_builds_its_image() -> None:
    assert render_bake_file([API]).split("\n\n")[1:] == [
        'group "default" {\n  targets = ["api"]\n}',
        'target "api" {\n  context = "."\n  dockerfile = "docker/group-1.Dockerfile"\n'
        '  target = "rustdocker-image-1"\n  tags = ["acme/api:1"]\n  attest = ["type=provenance,disabled=true"]\n'
        '  args = { SOURCE_DATE_EPOCH = "0" }\n}\n',
    ]


def test_names_that_bake_cannot_have_are_told_apart() -> None:
    text = render_bake_file([replace(API, name=name) for name in ("a.b", "a+b", "a-b")])

    assert 'targets = ["a-b", "a-b-", "a-b--"]' in text
    assert text.count('target "') == 3


def test_what_stands_for_an_expression_is_escaped() -> None:
    text = render_bake_file([replace(API, context='x${HOME}"%{if}')])

    assert 'context = "x$${HOME}\\"%%{if}"' in text
