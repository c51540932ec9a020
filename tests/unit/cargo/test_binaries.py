from __future__ import annotations

import pytest
from msgspec.structs import replace

from rustdocker_tasks.cargo.binaries import (
    BinaryRequest,
    choose_binary,
    choose_package,
    require_programs,
    shipped_programs,
)
from rustdocker_tasks.cargo.model import Package, Project
from rustdocker_tasks.errors import (
    AmbiguousBinary,
    BinariesBehindFeatures,
    NoBinary,
    NoSuchBinary,
    NoSuchPackage,
    SeveralBinaries,
)
from tests import models
from tests.models import ROOT, binary, project


def package(name: str, *binaries: str, default_run: str | None = None) -> Package:
    return models.package(name, *map(binary, binaries), default_run=default_run)


def choose(project: Project, *, package: str | None = None, binary: str | None = None) -> str:
    return choose_binary(project, BinaryRequest(package=package, binary=binary))[1].name


def test_the_only_binary_is_chosen() -> None:
    assert choose(project(package("lib"), package("shop", "server"))) == "server"


def test_default_run_decides() -> None:
    assert choose(project(package("shop", "shop", "worker", default_run="worker"))) == "worker"


def test_the_binary_named_like_its_package_is_chosen() -> None:
    assert choose(project(package("shop", "admin", "shop"))) == "shop"


def test_in_a_workspace_the_binary_named_like_the_folder_is_chosen() -> None:
    assert choose(project(package("a", "x"), package("b", "repo"))) == "repo"


def test_a_named_binary_is_found_in_any_member() -> None:
    assert choose(project(package("a", "x"), package("b", "y")), binary="y") == "y"


def test_of_a_name_that_several_packages_have_the_default_member_s_is_taken_or_none() -> None:
    both = (package("a", "server"), package("b", "server"))

    with pytest.raises(AmbiguousBinary) as caught:
        choose_binary(project(*both), BinaryRequest(binary="server", binary_set_by="--bin"))
    assert caught.value.hint == "run again with --package a --bin server"
    assert caught.value.set_by == "--bin"

    standing_in_b = project(*both, default=both[1])
    assert choose_binary(standing_in_b, BinaryRequest(binary="server"))[0].name == "b"


def test_the_package_one_stands_in_is_asked_first() -> None:
    members = (package("a", "x"), package("b", "y"))

    assert choose(project(*members, default=members[1])) == "y"


@pytest.mark.parametrize("name", ["xtask", "fuzz", "examples/demo", "benches/load"])
def test_what_helps_development_is_no_candidate(name: str) -> None:
    helper = models.package(name.rpartition("/")[2], binary("x"), manifest=ROOT / name / "Cargo.toml")

    assert choose(project(package("shop", "server"), helper)) == "server"
    assert choose(project(package("shop", "server"), helper), binary="x") == "x"
    assert choose(project(helper)) == "x"
    assert choose_package(project(package("shop", "server"), helper), BinaryRequest()).name == "shop"


def test_several_binaries_are_listed() -> None:
    with pytest.raises(SeveralBinaries) as caught:
        choose(project(package("shop", "server", "worker")))

    assert caught.value.found == "`server` (package shop), `worker` (package shop)"


def test_no_binary_names_the_manifest() -> None:
    with pytest.raises(NoBinary) as caught:
        choose(project(package("lib")))

    assert "/repo/lib/Cargo.toml" in caught.value.found


def test_a_slip_in_the_binary_s_name_is_recognised() -> None:
    with pytest.raises(NoSuchBinary) as caught:
        choose(project(package("shop", "server", "worker")), binary="srever")

    assert caught.value.hint == "run again with --bin server"


def test_a_slip_in_the_package_s_name_is_recognised() -> None:
    with pytest.raises(NoSuchPackage) as caught:
        choose(project(package("shop", "server")), package="shp")

    assert caught.value.hint == "run again with --package shop"


def test_the_package_is_known_before_its_binary_is() -> None:
    members = (package("lib"), package("shop", "server", "worker"))

    assert choose_package(project(*members), BinaryRequest()).name == "shop"


BEHIND = models.package(
    "shop",
    binary("server", required_features=("serve",)),
    binary("worker", required_features=("serve", "queue")),
    features={"default": (), "serve": (), "queue": (), "full": ("serve", "queue")},
)


def test_a_binary_behind_features_is_chosen_by_its_name_or_by_them() -> None:
    assert choose(project(BEHIND), binary="worker") == "worker"
    assert choose_binary(project(BEHIND), BinaryRequest(features=("serve",)))[1].name == "server"
    with pytest.raises(SeveralBinaries):
        choose_binary(project(BEHIND), BinaryRequest(features=("full",)))


def test_features_that_are_asked_for_bring_programs() -> None:
    found = shipped_programs(project(BEHIND), BinaryRequest(features=("full",)))

    assert [each.binary for each in found] == ["server", "worker"]
    assert shipped_programs(project(BEHIND)) == ()


def test_what_cargo_would_pass_over_is_no_candidate() -> None:
    both = models.package("shop", binary("tool", required_features=("x",)), binary("server"))

    assert choose(project(both)) == "server"


def test_that_features_hide_every_binary_is_explained() -> None:
    with pytest.raises(BinariesBehindFeatures) as caught:
        choose(project(BEHIND))

    assert caught.value.found == "`server` (package shop) needs serve, `worker` (package shop) needs serve, queue"
    assert "--bin server" in caught.value.hint
    assert "--features serve" in caught.value.hint


def test_a_default_run_behind_features_is_no_reason_to_take_another() -> None:
    hidden = models.package("shop", binary("a", required_features=("x",)), binary("b"), default_run="a")

    with pytest.raises(BinariesBehindFeatures):
        choose(project(hidden))


def test_one_package_s_binary_named_like_the_folder_is_chosen() -> None:
    assert choose(project(package("shop", "admin", "repo"))) == "repo"


def shipped(*packages: Package) -> list[tuple[str, str, str]]:
    return [(each.name, each.package, each.binary) for each in shipped_programs(project(*packages))]


def test_a_package_s_only_or_default_binary_is_shipped_under_the_package_s_name() -> None:
    packages = (package("lib"), package("shop", "server"), package("mail", "mail", "admin", default_run="mail"))

    assert shipped(*packages) == [("shop", "shop", "server"), ("mail", "mail", "mail")]


def test_of_several_binaries_each_is_shipped_under_its_own_name() -> None:
    assert shipped(package("shop", "server", "worker"), package("mail", "mail")) == [
        ("server", "shop", "server"),
        ("worker", "shop", "worker"),
        ("mail", "mail", "mail"),
    ]


def test_binaries_of_one_name_are_told_apart_by_their_packages() -> None:
    assert [name for name, _, _ in shipped(package("a", "run", "x"), package("b", "run", "y"))] == [
        *("a-run", "x"),
        *("b-run", "y"),
    ]


def test_a_helper_and_a_binary_behind_features_that_are_off_are_not_shipped() -> None:
    hidden = models.package(
        "shop", binary("shop"), binary("db", required_features=("postgres",)), features={"postgres": ()}
    )

    assert shipped(hidden, package("xtask", "xtask")) == [("shop", "shop", "shop")]


def test_what_a_package_says_of_itself_chooses_what_is_shipped() -> None:
    def saying(**table: object) -> Package:
        hidden = binary("db", required_features=("postgres",))
        made = models.package("shop", binary("shop"), hidden, features={"postgres": ()})
        return replace(made, metadata={"rustdocker": table})

    assert shipped(saying()) == [("shop", "shop", "shop")]
    assert shipped(saying(features=["postgres"])) == [("shop", "shop", "shop"), ("db", "shop", "db")]
    assert shipped(saying(features=["postgres, tls"])) == shipped(saying(features=["postgres"]))
    assert shipped(saying(bin="db")) == [("shop", "shop", "db")]
    both = [("shop", "shop", "shop"), ("db", "shop", "db")]
    assert shipped(saying(bin={"db": {"features": ["postgres"]}})) == both
    assert shipped(saying(bin={"db": {"features": []}}, features=["postgres"])) == [("shop", "shop", "shop")]


def test_what_the_workspace_says_of_features_chooses_what_is_shipped_too() -> None:
    made = models.package("shop", binary("db", required_features=("postgres",)), features={"postgres": ()})
    plain = project(made)

    with pytest.raises(BinariesBehindFeatures):
        require_programs(plain)
    said = replace(plain, metadata={"rustdocker": {"features": ["postgres"]}})
    assert [program.binary for program in require_programs(said)] == ["db"]


def test_members_that_are_no_default_ones_are_shipped_too() -> None:
    first, second = package("a", "a"), package("b", "b")

    assert [each.name for each in shipped_programs(project(first, second, default=first))] == ["a", "b"]
