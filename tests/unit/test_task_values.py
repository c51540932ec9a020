"""What a task may be called with from Python."""

from __future__ import annotations

from pathlib import Path

import pytest
from invoke.config import Config
from invoke.context import Context
from invoke.exceptions import Exit

from rustdocker_tasks import RustDockerError, collection
from rustdocker_tasks.errors import BadFlag, NoSuchFlag
from rustdocker_tasks.task_flags import JSON, RUN_FLAGS, VARIANT
from rustdocker_tasks.task_values import flag_values
from tests.conftest import MAIN, MANIFEST, write_files

FLAGS = (VARIANT, JSON, *RUN_FLAGS)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("wait", 5, "5"),
        ("wait", None, "30"),
        ("port", [8080, "81:80"], ["8080", "81:80"]),
        ("port", "8080:80", ["8080:80"]),
        ("port", None, []),
        ("env", {"A": 1, "B": "x y"}, ["A=1", "B=x y"]),
        ("env-file", Path("a.env"), ["a.env"]),
        ("args", ["--a b", "c"], "'--a b' c"),
        ("args", "--a b", "--a b"),
        ("detach", True, True),
        ("detach", None, False),
        ("variant", None, None),
    ],
)
def test_a_value_of_python_is_what_would_be_typed(name: str, value: object, expected: object) -> None:
    assert flag_values("run", FLAGS, (), {name.replace("-", "_"): value})[name] == expected


@pytest.mark.parametrize("values", [{"detach": 1}, {"wait": [5]}, {"port": [None]}, {"variant": True}])
def test_a_value_that_could_not_be_typed_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(BadFlag) as refused:
        flag_values("run", FLAGS, (), values)

    assert refused.value.set_by == f"--{next(iter(values))}"


@pytest.mark.parametrize(
    ("positional", "values", "hint"),
    [
        ((), {"variannt": "slim"}, "did you mean variant=…?"),
        ((), {"expose": [1]}, "`invoke --help run`"),
        (("slim",), {}, ""),
    ],
)
def test_an_argument_that_there_is_not_is_refused(
    positional: tuple[object, ...], values: dict[str, object], hint: str
) -> None:
    with pytest.raises(NoSuchFlag) as refused:
        flag_values("run", FLAGS, positional, values)

    assert refused.value.hint.startswith(hint)


def test_who_calls_a_task_gets_its_result_and_its_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = collection(write_files(tmp_path, {"Cargo.toml": MANIFEST.format(name="shop"), "src/main.rs": MAIN}))
    c = Context(Config(lazy=True))

    told = shop["config"](c, json=True)

    assert capsys.readouterr().out == f"{told}\n"
    with pytest.raises(RustDockerError, match="there is no") as failed:
        shop["config"](c, bin="nope")
    assert isinstance(failed.value, Exit)
    assert (failed.value.code, failed.value.message) == (65, str(failed.value))
