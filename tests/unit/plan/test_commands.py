"""What cargo's commands for developers are called with, over a real workspace's files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rustdocker_tasks import errors
from rustdocker_tasks.commands import plan_command
from rustdocker_tasks.dockerfile.compose_command import compose_command
from rustdocker_tasks.dockerfile.render import render
from rustdocker_tasks.plan.commands import (
    CLIPPY,
    FMT,
    TEST,
    CargoCommand,
    CommandPlan,
    CommandWords,
    cargo_words,
    command_line,
)
from rustdocker_tasks.settings.sources import Layer, Source
from tests.unit.dockerfile.test_dockerfile import NAMES
from tests.unit.plan.test_groups import FACTS, root

__all__ = ["root"]  # a fixture

WORKSPACE_TABLE = "[workspace.metadata.rustdocker]\n"
ALL = ["--manifest-path=M", "--workspace"]


def planned(
    root: Path,
    command: CargoCommand = TEST,
    *,
    source: Source = Source.FLAG,
    words: CommandWords | None = None,
    **settings: Any,
) -> CommandPlan:
    layer = Layer(source=source, where=lambda path: f"--{path[-1]}", base=root, values=settings)
    return plan_command(root, [layer], command, words or CommandWords(), facts=FACTS).plan


def called(root: Path, command: CargoCommand = TEST, **settings: Any) -> list[str]:
    return cargo_words(planned(root, command, **settings), "M")


@pytest.mark.parametrize(
    ("command", "settings", "expected"),
    [
        (TEST, {}, [*ALL, "--locked"]),
        (TEST, {"locked": False}, ALL),
        (CLIPPY, {}, [*ALL, "--all-targets", "--locked"]),
        (TEST, {"package": "web"}, ["--manifest-path=M", "--locked"]),
        (TEST, {"profile": "release"}, [*ALL, "--profile=release", "--locked"]),
        (TEST, {"package": "web", "features": ["fast"]}, ["--manifest-path=M", "--features=fast", "--locked"]),
        (
            FMT,
            {},
            ["--manifest-path=M", "--package=api", "--package=mail", "--package=web", "--", "--color=never"],
        ),
        (FMT, {"package": "web"}, ["--manifest-path=M", "--package=web", "--", "--color=never"]),
    ],
)
def test_the_words_of_a_command(
    root: Path, command: CargoCommand, settings: dict[str, Any], expected: list[str]
) -> None:
    assert called(root, command, **settings) == expected


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        (CommandWords(words=("name",)), ["--locked", "name"]),
        (CommandWords(last=("--nocapture",)), ["--locked", "--", "--nocapture"]),
        (CommandWords(words=("a", "--", "-q"), last=("--exact",)), ["--locked", "a", "--", "-q", "--exact"]),
    ],
)
def test_what_follows_two_dashes_is_for_what_cargo_runs(
    root: Path, added: CommandWords, expected: list[str]
) -> None:
    assert called(root, words=added) == [*ALL, *expected]


def test_the_package_whose_program_is_shipped_is_not_the_only_one_that_is_tested(root: Path) -> None:
    with (root / "Cargo.toml").open("a") as file:
        file.write(f'{WORKSPACE_TABLE}package = "web"\nprofile = "release"\n')

    assert called(root) == [*ALL, "--locked"]
    assert planned(root, package="api", source=Source.INVOKE).packages == ("api",)


def test_what_a_package_sets_counts_where_it_alone_is_tested(root: Path) -> None:
    with (root / "crates/web/Cargo.toml").open("a") as file:
        file.write('[package.metadata.rustdocker]\nbuild-env = { WEB = "1" }\n')

    assert planned(root, package="web").call.environment == {"WEB": "1"}
    assert planned(root, package="api").call.environment == {}
    assert planned(root).call.environment == {}


def test_an_unknown_package_is_refused(root: Path) -> None:
    with pytest.raises(errors.NoSuchPackage, match="wbe"):
        planned(root, package="wbe")


def test_no_base_image_is_needed_to_test_where_there_is_no_buildx(root: Path) -> None:
    facts = type(FACTS)(buildx_problem="none here", is_ci=False, git=FACTS.git)
    layer = Layer(source=Source.FLAG, where=lambda _: "", base=root, values={"variant": "slim"})

    assert plan_command(root, [layer], TEST, CommandWords(), facts=facts).plan.container is None


def test_the_first_line_says_what_is_run_and_where(root: Path) -> None:
    line = command_line(planned(root))

    assert line.startswith("cargo test for the workspace in rust:1-slim-trixie (buildx: ")
    assert "cargo test for web on the host" in command_line(planned(root, package="web", backend="host"))


def dockerfile(plan: CommandPlan, run: str = "r") -> str:
    assert plan.container is not None
    return render(compose_command(plan, plan.container, NAMES, run=run))


def test_a_command_has_mounts_that_no_image_has_and_is_run_each_time(root: Path) -> None:
    plan = planned(root)
    assert plan.container is not None

    assert plan.container.mount_id.endswith("-dev")
    assert f"id={plan.container.mount_id}," in dockerfile(plan)
    assert dockerfile(plan, "a") != dockerfile(plan, "b")


def test_what_lints_and_formats_is_added_to_the_image_where_it_is_missing(root: Path) -> None:
    assert '"sh", "/prepare", "-", "-", "-", "clippy"]' in dockerfile(planned(root, CLIPPY))
    assert '"sh", "/prepare", "-", "-", "-", "rustfmt"]' in dockerfile(planned(root, FMT))


def test_what_tests_alone_depend_on_is_installed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")  # there is no cargo to ask
    with (root / "crates/web/Cargo.toml").open("a") as file:
        file.write('[dev-dependencies]\nopenssl-sys = "0.9"\n')
    lock = root / "Cargo.lock"
    lock.write_text(
        lock.read_text().replace(
            'name = "web"\nversion = "0.1.0"\n',
            'name = "web"\nversion = "0.1.0"\ndependencies = ["openssl-sys"]\n',
        )
        + '[[package]]\nname = "openssl-sys"\nversion = "0.9.1"\n'
        'source = "registry+https://github.com/rust-lang/crates.io-index"\n'
    )

    def packages(plan: CommandPlan) -> list[str]:
        assert plan.container is not None
        return [each.package for each in plan.container.packages]

    assert "libssl-dev" in packages(planned(root))
    assert "libssl-dev" in packages(planned(root, package="web"))
    assert packages(planned(root, package="api")) == []
    assert packages(planned(root, FMT)) == []
