from __future__ import annotations

import pytest

from rustdocker_tasks.engine.build_log import BuildLog
from rustdocker_tasks.progress import Step

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
    return log, [shown for line in text.split("\n") for shown in log.feed(line)]


def test_what_cargo_and_our_scripts_say_is_shown_once_and_nothing_else() -> None:
    _, shown = fed(FAILED)

    assert shown == [
        "adding the target x",
        "   Compiling app v0.1.0 (/rustdocker/kept/sources)",
        "error: expected `;`",
        "",
    ]


@pytest.mark.parametrize("cut", ["   Compiling", "    Finished", "      Timing#9 ..."])
def test_a_line_that_another_step_cut_off_is_shown_when_it_is_whole(cut: str) -> None:
    begun = FAILED.partition("#9 0.412")[0]
    _, shown = fed(
        f"{begun}#9 0.5 {cut}\n#9 ...\n\n#9 0.5    Compiling app v1.0.0\n#9 0.6    Word\n#9 0.7 Compiling"
    )

    assert shown == ["   Compiling app v1.0.0", "   Word", "Compiling"]


def test_what_our_scripts_notice_is_kept_apart() -> None:
    log, _ = fed(FAILED)

    assert log.told[""].noticed == "cargo failed"


@pytest.mark.parametrize(
    ("reason", "lost"),
    [
        # Of Engine 28.5.
        (
            'failed to prepare extraction snapshot "extract-90-dXKd sha256:2742": parent snapshot sha256:c8ed '
            "does not exist: not found",
            True,
        ),
        ("docker.io/library/rust:9: not found", False),
    ],
)
def test_a_layer_that_the_engine_lost_is_recognised(reason: str, *, lost: bool) -> None:
    log, _ = fed(f"ERROR: failed to build: failed to solve: {reason}")

    assert log.lost_layer is lost


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


def test_what_docker_says_before_it_builds_is_the_reason_where_there_is_no_other() -> None:
    log, _ = fed("unknown flag: --provenance\n#1 [internal] load build definition\n")
    told, _ = fed("unknown flag: --provenance\nERROR: other\n")

    assert (log.reason, told.reason) == ("unknown flag: --provenance", "other")


COMPILING = """\
#2 [internal] load metadata for docker.io/library/rust:1-slim
#2 DONE 0.1s
#5 [internal] load build context
#5 transferring context: 51.41kB done
#5 DONE 0.2s
#8 [rustdocker-build 2/3] RUN --mount=type=bind,target=/context     ["sh", "/context/target/compile-0af3", "-"]
#8 0.840        Fetch [====>    ] 122 complete; 19 pending \r Downloading 2 crates      \r  Downloaded want v0.3.1
#8 4.774     Building [         ] 0/167: proc-macro2(build.rs)   \r   Compiling quote v1.0.47
#8 5.624     Building [=>       ] 4/167: libc(build.rs), tokio…   \r    Building [=>   ] 5/167: quote \r     \r
"""


def test_a_counter_of_cargo_s_is_a_step_and_no_line() -> None:
    log, shown = fed(COMPILING)

    assert shown == ["  Downloaded want v0.3.1", "   Compiling quote v1.0.47"]
    assert log.step == Step(name="compile", done=5, total=167, detail="quote")


@pytest.mark.parametrize("end", ["", "   "])
def test_a_counter_that_is_handed_on_without_its_end_is_no_line(end: str) -> None:
    log, shown = fed(f"{COMPILING.rstrip()}\n#8 5.7     Building [====>] 9/167: serde{end}")

    assert not [line for line in shown if "Building" in line]
    assert log.step == Step(name="compile", done=9, total=167, detail="serde")


def test_what_cargo_does_before_it_counts_is_told() -> None:
    log, _ = fed(COMPILING.partition("#8 4.774")[0])

    assert log.step == Step(name="compile", detail="Downloading 2 crates")


def test_buildx_s_last_word_is_found_behind_a_step_that_was_cut_off() -> None:
    log, shown = fed(f"{COMPILING.rstrip()}\rERROR: failed to build: failed to receive status: EOF")

    assert log.reason == "failed to receive status: EOF"
    assert "ERROR" not in "".join(shown)


def test_a_step_s_words_are_told_to_nobody() -> None:
    error = (
        'ERROR: failed to build: failed to solve: process "env A=s3cr3t sh /context/x/compile-1" did not complete'
    )
    log, _ = fed(f"{error} successfully: exit code: 1")

    assert log.reason == "a step did not complete successfully: exit code: 1"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        # Of buildx 0.29 with Engine 28.5 and with Engine 20.10.
        ("#2 [internal] load metadata for docker.io/library/rust:1-slim", "get base image"),
        ("#4 [rustdocker-build 1/4] FROM docker.io/library/rust:1-slim", "get base image"),
        ("#5 [internal] load build context", "send sources"),
        ('#7 [rustdocker-build 2/4] RUN --mount=type=secret,id=x     ["sh", "/prepare", "no-c"]', "prepare"),
        (
            '#7 [b 3/4] RUN --mount=type=cache,id=x     ["env", "A=b", "sh", "/context/x/compile-1", "-"]',
            "compile",
        ),
        ('#7 [rustdocker-build 4/4] RUN --mount=type=secret,id=x     ["sh", "/files", "/x"]', "assemble"),
        ("#8 [stage-2 2/2] COPY --from=rustdocker-build /rustdocker/out/ /", "assemble"),
        ("#9 exporting to image", "load"),
        ("#9 exporting to docker image format", "load"),
    ],
)
def test_a_step_has_a_name_for_people(line: str, name: str) -> None:
    log, shown = fed(line)

    assert shown == []
    assert log.step == Step(name=name)


def test_a_step_s_seconds_are_kept_unless_the_cache_answered() -> None:
    log, _ = fed(f"{COMPILING}#8 DONE 63.3s\n#9 exporting to image\n#9 DONE 0.5s\n#4 [x 1/4] FROM y\n#4 CACHED")

    assert log.seconds == {"get base image": 0.1, "send sources": 0.2, "compile": 63.3, "load": 0.5}


def test_layers_that_could_not_be_taken_or_left_are_told() -> None:
    _, shown = fed(
        "#4 importing cache manifest from ghcr.io/a/b:c\n"
        "#4 ERROR: failed to do request: connection refused\n"
        "#14 exporting cache to registry\n"
        "#14 preparing build cache for export 0.1s done\n"
        "#14 ERROR: error writing layer blob: denied\n"
        "WARNING: local cache import at /cache not found due to err: could not lock /cache/index.json.lock"
    )

    assert shown == [
        "no layers were taken from ghcr.io/a/b:c: failed to do request: connection refused",
        "no layers were left for other machines: error writing layer blob: denied",
        "there are no layers in /cache yet",
    ]


def test_what_a_build_did_is_kept() -> None:
    log, shown = fed(
        f"{COMPILING}"
        "#8 9.1    Compiling app v0.1.0 (/rustdocker/kept/sources)\n"
        "#8 9.2       Timing report saved to /rustdocker/kept/target/cargo-timings/x.html\n"
        "#8 9.3 rustdocker: took 3.25 quote\n"
        '#9 [rustdocker-files 2/2] RUN ["sh", "/files"]\n#9 CACHED\n'
        "#5 transferring context: 1.27MB 0.1s done"
    )

    assert log.compiled == ["quote v1.0.47", "app v0.1.0"]
    assert log.took == {"quote": 3.25}
    assert log.cached == ["assemble"]
    assert log.sent == 1_270_000
    assert log.told_of([""]) is None
    assert "Timing" not in "".join(shown)


def test_stubs_are_shown_to_nobody_and_what_has_their_name_is() -> None:
    log = BuildLog(stubs=frozenset({"app"}))
    text = (
        '#7 [build 2/3] RUN ["sh", "/dependencies", "x"]\n'
        "#7 1.0    Compiling quote v1.0.47\n"
        "#7 2.0    Compiling app v0.1.0 (/rustdocker/kept/sources)\n"
        '#8 [build 3/3] RUN ["sh", "/context/compile-0", "x"]\n'
        "#8 3.0    Compiling app v0.1.0 (/rustdocker/kept/sources)"
    )

    shown = [each for line in text.splitlines() for each in log.feed(line)]

    assert log.compiled == ["quote v1.0.47", "app v0.1.0"]
    assert shown == ["   Compiling quote v1.0.47", "   Compiling app v0.1.0 (/rustdocker/kept/sources)"]


def test_what_targets_of_one_bake_notice_is_told_apart() -> None:
    log, _ = fed(
        '#7 [image-1 rustdocker-build 2/2] RUN ["sh", "/context/x/compile-0"]\n'
        '#8 [image-3 rustdocker-build 2/2] RUN ["sh", "/context/x/compile-0"]\n'
        "#7 0.1 rustdocker: cargo build failed: 101\n"
        "#8 0.1 rustdocker: older library: GLIBC_9 of libc.so.6\n"
        "#7 0.2 rustdocker: not made: api\n"
        "#8 0.2 rustdocker: not made: web\n"
        "#9 [image-4 rustdocker-files 1/1] RUN x\n"
        "#9 0.2 nothing of ours\n"
    )

    first, second = log.told_of(["image-1", "image-2"]), log.told_of(["image-3"])
    assert first is not None
    assert second is not None
    assert first.not_made == {"api": "cargo build failed: 101"}
    assert second.not_made == {"web": "older library: GLIBC_9 of libc.so.6"}
    assert log.told_of(["image-4"]) is None
