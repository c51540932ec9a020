"""The collection of a workspace, as Invoke sees it."""

from __future__ import annotations

from importlib import reload
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
from invoke.collection import Collection
from invoke.config import Config
from invoke.context import Context
from invoke.parser.parser import Parser

import rustdocker_tasks
from rustdocker_tasks import workspace
from rustdocker_tasks.engine.buildx import find_plugin
from rustdocker_tasks.errors import NotOfOneProgram, ProjectError, UnsupportedSystem
from rustdocker_tasks.inputs.credentials import find_known_hosts
from tests.conftest import MAIN, MANIFEST, write_files


def members(folder: Path, *names: str) -> Path:
    listed = ", ".join(f'"{name}"' for name in names)
    files = {"Cargo.toml": f'[workspace]\nresolver = "2"\nmembers = [{listed}]\n'}
    for name in names:
        files |= {f"{name}/Cargo.toml": MANIFEST.format(name=name), f"{name}/src/main.rs": MAIN}
    return write_files(folder, files)


def test_windows_itself_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")

    with pytest.raises(UnsupportedSystem):
        reload(rustdocker_tasks)


def test_each_program_has_a_collection_of_its_own(tmp_path: Path) -> None:
    made = workspace(members(tmp_path, "api", "web"))

    images = {"build", "push", "check", "plan", "dockerfile", "stop"}
    assert set(made.tasks) == {*images, "test", "clippy", "fmt", "shell", "clean", "doctor"}
    assert {"api.build", "api.run", "api.test", "web.stop"} <= set(made.task_names)


@pytest.mark.parametrize("features", [["serve"], "serve", ("api/serve", "serve")])
def test_a_program_behind_features_that_are_set_is_among_them(tmp_path: Path, features: Any) -> None:
    folder = members(tmp_path, "api", "web")
    behind = '[features]\nserve = []\n[[bin]]\nname = "api"\npath = "src/main.rs"\nrequired-features = ["serve"]\n'
    (folder / "api/Cargo.toml").write_text(MANIFEST.format(name="api") + behind)

    assert set(workspace(folder, features=features).collections) == {"api", "web"}
    assert set(workspace(folder).collections) == {"web"}


def test_what_is_no_matter_of_one_program_is_not_offered_for_one(tmp_path: Path) -> None:
    made = workspace(members(tmp_path, "api"))

    assert not {"api.doctor", "api.fmt", "api.shell", "api.clean"} & set(made.task_names)


def test_programs_called_like_a_task_or_like_each_other_are_there_too(tmp_path: Path) -> None:
    made = workspace(members(tmp_path, "push", "a-b", "a_b"))

    assert {"push", "push-program.build", "a-b.build", "a-b-program.build"} <= set(made.task_names)


def test_what_is_set_for_one_program_is_not_set_for_another(tmp_path: Path) -> None:
    made = workspace(members(tmp_path, "api", "web"))
    bodies = [made.collections[name].tasks["build"].body for name in ("api", "web")]
    bound = [
        next(c.cell_contents for c in body.__closure__ if hasattr(c.cell_contents, "choice")) for body in bodies
    ]

    assert [each.choice({}).binary for each in bound] == ["api", "web"]


def test_files_that_cannot_be_read_end_the_tasks_of_their_workspace_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = members(tmp_path, "api")
    (folder / "api/Cargo.toml").write_text("[package")

    made = workspace(folder)

    assert "api/Cargo.toml, line 1" in capsys.readouterr().err
    with pytest.raises(ProjectError, match="not valid TOML"):
        made["plan"](Context(Config(lazy=True)))


@pytest.mark.parametrize("key", ["bin", "package"])
def test_what_chooses_one_program_is_no_setting_of_a_workspace(tmp_path: Path, key: str) -> None:
    with pytest.raises(NotOfOneProgram) as refused:
        workspace(members(tmp_path, "api", "web"), **cast("Any", {key: "api"}))

    assert refused.value.set_by == f"workspace({key}=…)"


def test_a_program_s_own_tasks_do_not_ask_for_the_program(tmp_path: Path) -> None:
    tasks = workspace(members(tmp_path, "api")).collections["api"].tasks
    flags = {name: {each.name for each in task.get_arguments()} for name, task in tasks.items()}

    assert not {name for name, given in flags.items() if given & {"bin", "package"}}
    assert "profile" in flags["build"]


def test_values_on_one_command_line_are_not_shared_by_tasks_of_one_kind(tmp_path: Path) -> None:
    task_file = ModuleType("tasks")
    task_file.ns = workspace(members(tmp_path, "api", "web"))  # type: ignore[attr-defined]
    made = Collection.from_module(task_file)
    parsed = Parser(contexts=made.to_contexts()).parse_argv(
        [
            "api.build",
            "--tag=a:1",
            "--tag=b:1",
            "--json",
            "web.build",
            "--tag=c:1",
            "build",
            "--changed-since=main",
        ]
    )

    assert [each.name for each in parsed] == ["api.build", "web.build", "build"]
    assert [each.as_kwargs.get("tag") for each in parsed] == [["a:1", "b:1"], ["c:1"], None]
    assert [each.as_kwargs["json"] for each in parsed] == [True, False, False]
    assert parsed[2].as_kwargs["changed_since"] == "main"
    again = Parser(contexts=made.to_contexts()).parse_argv(["web.build"])
    assert again[0].as_kwargs["tag"] == []


def test_a_help_that_one_task_gets_is_that_task_s(tmp_path: Path) -> None:
    made = workspace(members(tmp_path, "api", "web"))
    first, second = (made.collections[name].tasks["plan"] for name in ("api", "web"))
    first.help["variant"] = "Which one."

    helps = [
        {argument.name: argument.help for argument in each.get_arguments()}["variant"] for each in (first, second)
    ]
    assert helps[0] == "Which one."
    assert helps[1] != "Which one."


def test_what_is_added_to_one_task_is_not_added_to_another(tmp_path: Path) -> None:
    made = workspace(members(tmp_path, "api", "web"))
    first, second = (made.collections[name].tasks["build"] for name in ("api", "web"))
    first.pre.append(second)

    assert second.pre == []
    assert workspace(tmp_path).collections["api"].tasks["build"].pre == []


def test_who_has_no_home_has_a_workspace_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.delenv("CARGO_HOME", raising=False)
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    files = {"Cargo.toml": MANIFEST.format(name="shop"), "src/main.rs": "fn main() {}\n"}

    assert "build" in workspace(write_files(tmp_path, files)).collections["shop"].tasks
    assert find_known_hosts() is None
    find_plugin({})
