from __future__ import annotations

import pytest
from msgspec.structs import replace

from rustdocker_tasks.cargo.changes import holds_any, relocked_packages, touched_packages
from rustdocker_tasks.cargo.lock import parse_lock
from rustdocker_tasks.cargo.model import Dependency, DependencyKind, Package
from tests.models import ROOT, binary, package, project

NORMAL, BUILD, TESTS = DependencyKind.NORMAL, DependencyKind.BUILD, DependencyKind.DEVELOPMENT


def depending(name: str, **on: DependencyKind) -> Package:
    needs = tuple(dependency(other, kind) for other, kind in on.items())
    return replace(package(name, binary(name)), dependencies=needs)


def dependency(name: str, kind: DependencyKind) -> Dependency:
    return Dependency(
        name=name,
        package=name,
        kind=kind,
        condition=None,
        requirement=None,
        path=ROOT / name,
        git=None,
        git_reference=None,
        registry=None,
        features=(),
        default_features=True,
        optional=False,
    )


MEMBERS = (
    depending("api", core=NORMAL),
    depending("mail", codegen=BUILD),
    depending("web", helpers=TESTS),
    depending("core", base=NORMAL),
    *map(depending, ("base", "codegen", "helpers")),
)


@pytest.mark.parametrize(
    ("changed", "touched"),
    [
        ([], set()),
        (["api/src/main.rs"], {"api"}),
        (["base/src/lib.rs"], {"base", "core", "api"}),
        (["codegen/data.txt"], {"codegen", "mail"}),
        (["helpers/src/lib.rs"], {"helpers"}),
        (["web/a.html", "mail/Cargo.toml"], {"web", "mail"}),
        (["Cargo.lock"], {member.name for member in MEMBERS}),
        ([".cargo/config.toml"], {member.name for member in MEMBERS}),
        (["../docs/guide.md"], set()),
        (["../rust-toolchain.toml"], {member.name for member in MEMBERS}),
        (["../.cargo/config"], {member.name for member in MEMBERS}),
        (["../other/.cargo/config.toml"], set()),
        (["../other/rust-toolchain"], set()),
    ],
)
def test_a_file_touches_its_package_and_what_is_built_with_it(changed: list[str], touched: set[str]) -> None:
    paths = [ROOT.parent / name[3:] if name.startswith("../") else ROOT / name for name in changed]

    assert touched_packages(project(*MEMBERS), (), paths) == touched


def test_a_package_outside_of_the_workspace_touches_what_depends_on_it() -> None:
    shared = package("shared", manifest=ROOT.parent / "shared" / "Cargo.toml")
    api = replace(MEMBERS[0], dependencies=(replace(dependency("shared", NORMAL), path=shared.folder),))

    assert touched_packages(project(api, *MEMBERS[1:]), [shared], [shared.folder / "src/lib.rs"]) == {"api"}


def test_files_beside_a_package_in_the_workspace_s_own_folder_are_its_own() -> None:
    root = package("root", binary("root"), manifest=ROOT / "Cargo.toml")

    inheriting = [replace(member, inherited_files=(root.manifest, ROOT / "src/main.rs")) for member in MEMBERS]

    assert touched_packages(project(root, *inheriting), (), [ROOT / "src/main.rs"]) == {"root"}
    assert touched_packages(project(root, *MEMBERS), (), [ROOT / "web/src/main.rs"]) == {"web"}
    everything = {"root", *(member.name for member in MEMBERS)}
    for name in (".cargo/config.toml", "Cargo.toml", "assets/a.html"):
        assert touched_packages(project(root, *MEMBERS), (), [ROOT / name]) == everything
    patched = replace(project(*MEMBERS), patches=(ROOT.parent / "fork",))
    assert touched_packages(patched, (), [ROOT.parent / "fork/src/lib.rs"]) == everything - {"root"}


def test_what_a_package_outside_inherits_from_touches_it() -> None:
    inherited = ROOT.parent / "libs" / "Cargo.toml"
    outer = replace(
        depending("shared"),
        manifest=ROOT.parent / "libs/shared/Cargo.toml",
        inherited_files=(inherited,),
    )
    api = replace(depending("api"), dependencies=(replace(dependency("shared", NORMAL), path=outer.folder),))

    assert touched_packages(project(api, depending("web")), [outer], [inherited]) == {"api"}
    # As git names a submodule that the package lies in.
    assert touched_packages(project(api, depending("web")), [outer], [ROOT.parent / "libs"]) == {"api"}


@pytest.mark.parametrize(
    ("pattern", "changed", "holds"),
    [
        ("static", "static/app.css", True),
        ("api/../static/*.css", "static/app.css", True),
        ("static/**/x?.js", "static/a/xy.js", True),
        ("static/app.css", "static", True),
        ("static", "statics/app.css", False),
    ],
)
def test_an_asset_is_changed_by_what_lies_where_it_may_come_from(
    pattern: str, changed: str, *, holds: bool
) -> None:
    assert holds_any(ROOT / pattern, [ROOT / changed]) is holds


SOURCE = 'source = "registry+https://github.com/rust-lang/crates.io-index"'
LOCKED = f"""version = 4
[[package]]
name = "a"
version = "0.1.0"
dependencies = ["one", "two"]
[[package]]
name = "one"
version = "1.0.0"
{SOURCE}
dependencies = ["sock 0.5.0"]
[[package]]
name = "two"
version = "1.0.0"
{SOURCE}
dependencies = ["sock 0.5.0", "sock 0.6.0"]
[[package]]
name = "sock"
version = "0.5.0"
{SOURCE}
[[package]]
name = "sock"
version = "0.6.0"
{SOURCE}
"""


@pytest.mark.parametrize(
    ("old", "new", "relocked"),
    [
        # Both versions are there before and after.
        ('dependencies = ["sock 0.5.0"]', 'dependencies = ["sock 0.6.0"]', {"a"}),
        ('name = "a"\nversion = "0.1.0"', 'name = "a"\nversion = "0.2.0"', set()),
        ("", "", set()),
    ],
)
def test_what_a_lock_file_gives_a_member_otherwise(old: str, new: str, relocked: set[str]) -> None:
    before, after = (parse_lock(ROOT / "Cargo.lock", text) for text in (LOCKED, LOCKED.replace(old, new)))

    assert relocked_packages(before, after, ["a"]) == relocked
