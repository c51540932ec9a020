"""What cargo's commands for developers are called with, over a real workspace's files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rustdocker_tasks import errors
from rustdocker_tasks.commands import PlannedCommand, plan_command, run_command
from rustdocker_tasks.context.sources import list_sources
from rustdocker_tasks.dockerfile.compose_command import compose_command
from rustdocker_tasks.dockerfile.render import render
from rustdocker_tasks.host.cargo_command import developer_command
from rustdocker_tasks.plan.commands import (
    CLEAN,
    CLIPPY,
    FMT,
    SHELL,
    TEST,
    CargoCommand,
    CommandPlan,
    CommandWords,
    cargo_words,
    command_line,
)
from rustdocker_tasks.settings.sources import Layer, Source
from rustdocker_tasks.terminal import Terminal as Silent
from tests.conftest import write_files
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


def test_what_the_package_in_the_root_sets_counts_for_the_workspace(root: Path) -> None:
    (root / "src").mkdir()
    (root / "src/main.rs").write_text("fn main() {}")
    package = '[package]\nname = "main"\nversion = "0.1.0"\n[package.metadata.rustdocker]\noffline = true\n'
    (root / "Cargo.toml").write_text(
        f'{package}build-packages = ["libx-dev"]\n{(root / "Cargo.toml").read_text()}'
    )
    lock = root / "Cargo.lock"
    lock.write_text(f'{lock.read_text()}[[package]]\nname = "main"\nversion = "0.1.0"\n')
    with (root / "crates/web/Cargo.toml").open("a") as file:
        file.write('[package.metadata.rustdocker]\nbuild-packages = ["liby-dev"]\n')

    whole, web = planned(root), planned(root, package="web")

    assert whole.container is not None
    assert web.container is not None
    assert whole.call.environment == {"CARGO_NET_OFFLINE": "true"}
    assert {each.package for each in whole.container.packages} == {"libx-dev", "liby-dev"}
    assert (web.call.environment, [each.package for each in web.container.packages]) == ({}, ["liby-dev"])


def test_a_flag_that_is_given_again_is_there_once(root: Path) -> None:
    words = CommandWords(words=("--all-targets", "--workspace", "--locked", "--", "--locked"))

    assert called(root, CLIPPY, words=words) == ["--manifest-path=M", *words.words]


def test_the_target_reaches_cargo_on_the_host(root: Path) -> None:
    triple = "x86_64-unknown-linux-musl"
    test, fmt = (planned(root, command, backend="host", target=triple) for command in (TEST, FMT))

    assert developer_command(test)[:3] == ["cargo", "test", f"--target={triple}"]
    assert f"--target={triple}" not in developer_command(fmt)


def test_a_lock_file_that_is_out_of_date_stops_no_cleaning(root: Path) -> None:
    (root / "Cargo.lock").write_text("version = 4\n")

    assert planned(root, CLEAN).container is not None
    assert planned(root, SHELL).container is not None
    with pytest.raises(errors.OutdatedLock):
        planned(root, TEST)


def test_what_only_developers_read_is_there_whatever_is_ignored(root: Path) -> None:
    (root / ".dockerignore").write_text("tests\n**/tests\n*.toml\n!**/Cargo.toml\n.*\n")
    kept = ["crates/web/tests/it.rs", "rustfmt.toml", "crates/api/.clippy.toml"]
    for name in (*kept, "crates/web/tests/.env", "notes.toml"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("x")

    container = planned(root).container
    assert container is not None
    sources = set(list_sources(container.context).files)

    assert {*kept} <= sources
    assert not {"crates/web/tests/.env", "notes.toml"} & sources


def test_style_is_looked_for_up_to_the_repository(tmp_path: Path) -> None:
    folder = tmp_path / "repository/services/shop"
    files = {"Cargo.toml": '[package]\nname = "shop"\nversion = "0.1.0"\n', "src/main.rs": "fn main() {}\n"}
    write_files(folder, files)
    (tmp_path / "repository/.git").mkdir()
    for place in (tmp_path, tmp_path / "repository"):
        (place / "rustfmt.toml").write_text("max_width = 60\n")

    container = planned(folder, FMT).container

    assert container is not None
    assert container.context.root == tmp_path / "repository"
    assert set(list_sources(container.context).files) == {
        "rustfmt.toml",
        "services/shop/Cargo.toml",
        "services/shop/src/main.rs",
    }


def test_what_clippy_mends_in_a_container_would_be_lost(root: Path) -> None:
    plan = planned(root, CLIPPY, words=CommandWords(words=("--fix",)))

    with pytest.raises(errors.BadFlag, match="is lost"):
        run_command(PlannedCommand(plan=plan, git=FACTS.git), progress=Silent())


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
    assert '"sh", "/prepare", "-", "-", "-", "-", "clippy"]' in dockerfile(planned(root, CLIPPY))
    assert '"sh", "/prepare", "-", "-", "-", "-", "rustfmt"]' in dockerfile(planned(root, FMT))


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
