from __future__ import annotations

import pytest

from rustdocker_tasks.engine.progress import BuildLog

FAILED = """\
#0 building with "default" instance using docker driver
#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 2.11kB done
#1 DONE 0.0s
#9 [build 2/3] RUN --mount=type=bind,target=/context ["sh", "x"]
#9 0.412 rustdocker says: adding the target x
#9 0.512    Compiling app v0.1.0 (/rustdocker/kept/sources)
#9 0.800 error: expected `;`
#9 0.801
#9 0.900 rustdocker: cargo failed
#9 ERROR: process "sh x" did not complete successfully: exit code: 66
------
 > [build 2/3] RUN --mount=type=bind,target=/context ["sh", "x"]:
0.800 error: expected `;`
------
ERROR: failed to build: failed to solve: process "sh x" did not complete successfully: exit code: 66
"""


def fed(text: str) -> tuple[BuildLog, list[str]]:
    log = BuildLog()
    return log, [shown for line in text.splitlines() if (shown := log.feed(line)) is not None]


def test_what_cargo_and_our_scripts_say_is_shown_once_and_nothing_else() -> None:
    _, shown = fed(FAILED)

    assert shown == [
        "adding the target x",
        "   Compiling app v0.1.0 (/rustdocker/kept/sources)",
        "error: expected `;`",
        "",
    ]


def test_what_our_scripts_notice_is_kept_apart() -> None:
    log, _ = fed(FAILED)

    assert log.marks == ["cargo failed"]


def test_sources_that_came_in_an_old_state_are_named() -> None:
    log, shown = fed("#9 0.1 rustdocker: not as listed: src/a b.rs\n#9 0.1 rustdocker: not as listed: x")

    assert log.not_as_listed == ["src/a b.rs", "x"]
    assert shown == []


@pytest.mark.parametrize(
    "line",
    [
        # Of buildx 0.29 with Engine 28.5 and with Engine 20.10.
        "ERROR: failed to build: failed to solve: docker.io/library/rust:9: not found",
        "ERROR: failed to build: failed to solve: rpc error: code = Unknown desc = failed to solve with frontend "
        "dockerfile.v0: failed to create LLB definition: docker.io/library/rust:9: not found",
    ],
)
def test_the_reason_of_a_failure_stands_alone(line: str) -> None:
    log, _ = fed(line)

    assert log.reason == "docker.io/library/rust:9: not found"
