"""What our reader refuses, and how; what it accepts is compared with cargo in tests/cargo."""

from __future__ import annotations

import pytest

from rustdocker_tasks.cargo.project import load_project
from rustdocker_tasks.errors import BrokenManifest, BrokenToml, NoCargoToml
from tests.conftest import Write, crate


def test_no_cargo_toml_here_or_above(write: Write) -> None:
    with pytest.raises(NoCargoToml):
        load_project(write({"src/main.rs": ""}))


def test_broken_toml_is_located(write: Write) -> None:
    folder = write({"Cargo.toml": '[package]\nname = "shop"\nversion = \n'})

    with pytest.raises(BrokenToml) as caught:
        load_project(folder)

    assert caught.value.found == f"{folder / 'Cargo.toml'}, line 3, column 11"


def test_toml_1_1_is_read_as_cargo_reads_it(write: Write) -> None:
    manifest = '[package]\nname = "shop"\n[package.metadata.x]\ny = {\n  a = 1,\n}\n'
    folder = write({"Cargo.toml": manifest, "src/main.rs": ""})

    assert load_project(folder).members[0].metadata == {"x": {"y": {"a": 1}}}


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        ('[package]\nversion = "1.0.0"\n', "[package] has no name"),
        ("package = 1\n", "`package` is a number, and not a table"),
        ("[package]\nname = 1\n", "`package.name` is a number, and not a string"),
        ('[package]\nname = "a"\n[bin]\nname = "b"\n', "`bin` is a table, and not a list"),
        ('[package]\nname = "a"\n[[bin]]\npath = "b.rs"\n', "a [[bin]] has no name"),
        (
            '[package]\nname = "a"\nversion.workspace = true\n',
            "`version` is to come from the workspace, which does not set it",
        ),
        ('[workspace]\nmembers = "a"\n', "`workspace.members` is a string, and not a list"),
    ],
)
def test_a_manifest_that_cargo_refuses_is_refused(write: Write, manifest: str, problem: str) -> None:
    folder = write({"Cargo.toml": manifest})

    with pytest.raises(BrokenManifest) as caught:
        load_project(folder)

    assert caught.value.found == f"{problem} ({folder / 'Cargo.toml'})"


def test_a_package_that_its_workspace_does_not_list(write: Write) -> None:
    folder = write({"Cargo.toml": "[workspace]\n", **{f"shop/{k}": v for k, v in crate("shop").items()}})

    with pytest.raises(BrokenManifest, match="cargo would refuse"):
        load_project(folder / "shop")


def test_a_member_that_is_not_there(write: Write) -> None:
    with pytest.raises(BrokenManifest) as caught:
        load_project(write({"Cargo.toml": '[workspace]\nmembers = ["gone"]\n'}))

    assert caught.value.found.startswith("there is no such file")
