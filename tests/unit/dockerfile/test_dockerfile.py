"""Plans as Dockerfiles: the text for every variant of every example, and what follows from single settings."""

from __future__ import annotations

import re
import shlex
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from rustdocker_tasks.context.folder import FOR_DEVELOPERS, SCRIPTS
from rustdocker_tasks.dockerfile.compose import compose, config_instructions, late_secret
from rustdocker_tasks.dockerfile.environment import possible_late, render_late
from rustdocker_tasks.dockerfile.instructions import (
    Cmd,
    Env,
    Expose,
    From,
    HealthcheckCommand,
    Instruction,
    Label,
    Mount,
    Run,
    RunAs,
    StopSignal,
    Volume,
    Workdir,
)
from rustdocker_tasks.dockerfile.render import FIRST_LINE, render
from rustdocker_tasks.image_config import ContainerPath, Duration, Healthcheck, ImageConfig, Port, Signal, User
from rustdocker_tasks.pipeline import plan_image
from rustdocker_tasks.plan.groups import group_of
from rustdocker_tasks.plan.model import ContainerBuild, ContextNames, ImagePlan, MachineFacts, NoGitState
from rustdocker_tasks.settings.sources import Layer, Source
from rustdocker_tasks.variants import load_variants
from tests.conftest import REPOSITORY

GOLDEN = REPOSITORY / "tests" / "golden"
NAMES = ContextNames(
    folder="target/rustdocker/context",
    sources="sources-0",
    package_folders="package-folders-0",
    files=("files-0.tar",),
    fetch=None,
    skeleton=None,
    scripts={name: f"{name}-0" for name in (*SCRIPTS, *FOR_DEVELOPERS)},
)


def planned(example: str, **settings: Any) -> tuple[ImagePlan, ContainerBuild]:
    layer = Layer(source=Source.FLAG, where=lambda path: f"--{path[-1]}", base=Path("/"), values=settings)
    facts = MachineFacts(buildx_problem=None, is_ci=False, git=NoGitState("not asked"))
    plan = plan_image(REPOSITORY / "examples" / example, [layer], facts=facts).plan
    container = plan.container
    assert container is not None
    # It holds a hash of where this checkout lies.
    return plan, replace(container, cache_id="rustdocker-0")


def text(example: str, **settings: Any) -> str:
    return render(compose(group_of(*planned(example, **settings)), NAMES))


@pytest.mark.parametrize("example", ["hello", "web"])
@pytest.mark.parametrize("variant", load_variants())
def test_the_dockerfile_of_an_example(example: str, variant: str, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / example / f"{variant}.Dockerfile"
    made = text(example, variant=variant)
    if request.config.getoption("--accept"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made)

    assert made == path.read_text()


@pytest.mark.parametrize("variant", load_variants())
def test_no_line_can_name_a_frontend(variant: str) -> None:
    lines = text("hello", variant=variant).splitlines()

    assert lines[0] == FIRST_LINE
    assert lines[1] == ""
    assert not any("syntax" in line for line in lines)


@pytest.mark.parametrize("variant", load_variants())
def test_the_final_stage_of_another_image_runs_nothing(variant: str) -> None:
    plan, container = planned("hello", variant=variant)
    instructions = compose(group_of(plan, container), NAMES)
    last_from = max(n for n, instruction in enumerate(instructions) if isinstance(instruction, From))
    kinds = {type(instruction).__name__ for instruction in instructions[last_from:]}

    assert ("Run" in kinds) == (variant == "simple")


CHECK = Healthcheck(command=("/x", "a b"), interval=Duration("5s"), start_period=Duration("1m"), retries=2)
CHANGES: list[tuple[ImageConfig, Instruction]] = [
    (ImageConfig(expose=(Port(8080),)), Expose(Port(8080))),
    (ImageConfig(user=User("1000:1000")), RunAs(User("1000:1000"))),
    (ImageConfig(args=("--a", "b c")), Cmd(("--a", "b c"))),
    (ImageConfig(labels={"a.b": "c"}), Label({"a.b": "c"})),
    (ImageConfig(stop_signal=Signal("SIGINT")), StopSignal(Signal("SIGINT"))),
    (ImageConfig(workdir=ContainerPath("/srv")), Workdir("/srv")),
    (ImageConfig(volumes=(ContainerPath("/a"),)), Volume((ContainerPath("/a"),))),
    (ImageConfig(healthcheck=CHECK), HealthcheckCommand(CHECK)),
]


@pytest.mark.parametrize(("config", "instruction"), CHANGES)
def test_a_setting_of_the_image_reaches_the_dockerfile(config: ImageConfig, instruction: Instruction) -> None:
    assert instruction in tuple(config_instructions(config, entrypoint="/x", environment={}))
    assert instruction not in tuple(config_instructions(ImageConfig(), entrypoint="/x", environment={}))


def test_the_user_s_environment_outranks_ours() -> None:
    config = ImageConfig(env={"SSL_CERT_FILE": "/mine", "A": "1"})

    (environment,) = (
        i for i in config_instructions(config, entrypoint="/x", environment={"PATH": "/bin"}) if isinstance(i, Env)
    )

    assert environment.variables == {"PATH": "/bin", "SSL_CERT_FILE": "/mine", "A": "1"}


def test_folders_and_checks_are_written_as_docker_reads_them() -> None:
    instructions = (Workdir("/a $b\\"), Volume(('/a "b"', "/$c", "/d e", "/f ")), HealthcheckCommand(CHECK))

    assert render(instructions).splitlines()[2:] == [
        'WORKDIR "/a \\$b\\\\"',
        r'VOLUME ["\"/a \\\"b\\\"\"", "\"/\\$c\"", "/d e", "\"/f \""]',
        'HEALTHCHECK --interval=5s --start-period=1m --retries=2 CMD ["/x", "a b"]',
    ]


def test_cargo_s_environment_is_set_for_the_steps_that_run_it_and_not_for_the_image() -> None:
    made = text("hello", variant="static", **{"build-env": {"A": 'b "c" $d\n'}})

    found = re.findall(r'\["env", "A=b \\"c\\" \$d\\n", "RUSTDOCKER_BUILD_ENV=A:[0-9a-f]{16}", "sh", ', made)
    assert len(found) == 1
    assert made.count("$d") == 1


def test_each_step_gets_of_cargo_s_environment_what_concerns_it() -> None:
    variables = {
        "GIT_SHA": "1",
        "RUSTUP_DIST_SERVER": "x",
        "CARGO_HTTP_TIMEOUT": "9",
        "https_proxy": "p",
        "CC": "c",
    }
    plan, container = planned("hello", variant="static", cache="layer", **{"build-env": variables})
    names = replace(NAMES, fetch="fetch-0", skeleton="skeleton-0", late_variables=("GIT_SHA",))

    found = {}
    for step in compose(group_of(plan, container), names):
        if isinstance(step, Run):
            words = takewhile(lambda word: word != "sh", step.words)
            kept = {word.partition("=")[0] for word in words if "=" in word}
            found[step.words[step.words.index("sh") + 1].rpartition("/")[2]] = kept

    of_programs = {"RUSTUP_DIST_SERVER", "https_proxy"}
    assert found == {
        "files": set(),
        "prepare": of_programs,
        "fetch": {*of_programs, "CARGO_HTTP_TIMEOUT"},
        "dependencies": variables.keys() - {"GIT_SHA"},
        "compile-0": {*variables, "RUSTDOCKER_BUILD_ENV"},
    }


@pytest.mark.parametrize("name", ["CC", "TARGET_CFLAGS", "CC_x86_64_unknown_linux_gnu", "LIBZ_SYS_STATIC"])
def test_what_configures_compilers_stays_in_the_key(name: str) -> None:
    plan, _ = planned("hello", **{"build-env": {"GIT_SHA": "1", name: "x", "SUCCESS": "y"}})

    assert possible_late(plan.compile) == ("GIT_SHA", "SUCCESS")


def test_groups_of_programs_of_one_name_have_secrets_of_their_own() -> None:
    plan, container = planned("hello")
    other = replace(plan, compile=replace(plan.compile, package="another"))

    assert late_secret(group_of(plan, container)) != late_secret(group_of(other, container))


def test_variables_that_are_no_part_of_a_key_reach_the_dependencies_as_they_are() -> None:
    value = "a 'b' $c \\ \n\"d\""
    plan, _ = planned("hello", **{"build-env": {"GIT_SHA": value, "CC": "c"}})

    written = render_late(plan.compile, ("GIT_SHA",))

    assert shlex.split(written)[:2] == ["export", f"GIT_SHA={value}"]
    assert shlex.split(written)[3].startswith("RUSTDOCKER_BUILD_ENV=CC:")
    assert " GIT_SHA:" in shlex.split(written)[3]
    assert "CC=" not in written


@pytest.mark.parametrize("cache", ["mount", "layer"])
def test_offline_the_steps_that_compile_have_no_network_and_no_secret(cache: str) -> None:
    plan, container = planned("web", offline=True, cache=cache)
    steps = [
        step
        for step in compose(group_of(plan, container), replace(NAMES, fetch="fetch-0", skeleton="skeleton-0"))
        if isinstance(step, Run) and "/files" not in step.words
    ]
    fetching, *compiling = steps

    assert "/fetch" in fetching.words
    assert not fetching.is_isolated
    assert "secret" in {mount.type for mount in fetching.mounts}
    assert len(compiling) == 2
    assert all(step.is_isolated and "CARGO_NET_OFFLINE=true" in step.words for step in compiling)
    assert "secret" not in {mount.type for step in compiling for mount in step.mounts}


def test_an_engine_that_isolates_no_step_is_not_asked_to() -> None:
    plan, container = planned("web", offline=True)

    written = render(compose(group_of(plan, replace(container, isolates=False)), replace(NAMES, fetch="fetch-0")))

    assert "--network" not in written
    assert "CARGO_NET_OFFLINE=true" in written


@pytest.mark.parametrize(
    ("source", "mount"),
    [
        ("app/x", "--mount=type=bind,source=app/x"),
        ("my app/x", "--mount='type=bind,source=my app/x'"),
        ("my,app/x", "--mount='type=bind,\"source=my,app/x\"'"),
    ],
)
def test_a_mount_names_a_folder_of_any_name(source: str, mount: str) -> None:
    written = render((Run(words=("x",), mounts=(Mount(type="bind", options={"source": source}),)),))

    assert f"    {mount} \\\n" in written


def test_a_line_break_in_a_value_is_refused_and_never_written() -> None:
    with pytest.raises(ValueError, match="line break"):
        render((Env({"A": "x\nUSER root"}),))
