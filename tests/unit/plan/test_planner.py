from __future__ import annotations

from pathlib import Path

import pytest

from rustdocker_tasks.cargo.model import Binary, Package, Project
from rustdocker_tasks.plan.model import ImagePlan, Toolchain
from rustdocker_tasks.plan.planner import make_plan
from rustdocker_tasks.plan.variants import load_variants
from rustdocker_tasks.settings.resolve import resolve_settings
from rustdocker_tasks.settings.sources import Layer, Source

ROOT = Path("/repo")
GNU, MUSL = "x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"


def plan(
    *,
    name: str = "shop",
    version: str = "1.2.3",
    installed: tuple[str, ...] = (GNU,),
    host: str = GNU,
    default_variant: str = "minimal",
    **settings: object,
) -> ImagePlan:
    binary = Binary(name=name, required_features=("cli",))
    package = Package(
        name="shop",
        version=version,
        manifest=ROOT / "Cargo.toml",
        binaries=(binary,),
        default_run=None,
        path_dependencies=(),
        metadata={},
    )
    project = Project(
        root=ROOT,
        here=ROOT,
        members=(package,),
        default_members=(package,),
        outside=(),
        metadata={},
        locked_packages=frozenset({"shop"}),
    )
    layer = Layer(source=Source.FLAG, where=lambda key: f"--{key}", base=ROOT, values=settings)
    toolchain = Toolchain(host_triple=host, installed_targets=frozenset(installed))
    return make_plan(
        project, package, resolve_settings([layer]), default_variant=default_variant, toolchain=toolchain
    )


def test_a_dynamic_program_is_left_to_cargo_s_own_target() -> None:
    assert plan().compile.target_triple is None
    assert not plan().compile.crt_static


def test_static_takes_musl_where_it_is_installed_and_says_so() -> None:
    made = plan(variant="static", installed=(GNU, MUSL))

    assert (made.compile.target_triple, made.compile.crt_static) == (MUSL, False)
    assert made.linkage_reason == f"static with musl, as the target {MUSL} is installed"


def test_static_falls_back_to_glibc_with_an_explicit_target_and_says_so() -> None:
    made = plan(variant="static")

    assert (made.compile.target_triple, made.compile.crt_static) == (GNU, True)
    assert made.linkage_reason == (
        f"static with glibc (+crt-static for {GNU}), as the target {MUSL} is not installed"
    )


def test_static_on_a_machine_of_musl_is_its_own_target() -> None:
    assert plan(variant="static", host=MUSL, installed=(MUSL,)).compile.target_triple == MUSL


def test_required_features_of_the_binary_are_turned_on() -> None:
    assert plan().compile.features == ("cli",)


@pytest.mark.parametrize(
    ("name", "version", "variant", "tag"),
    [
        ("shop", "1.2.3", "minimal", "shop:1.2.3"),
        ("shop", "1.2.3", "static", "shop:1.2.3-static"),
        ("shop_api", "1.0.0", "minimal", "shop_api:1.0.0"),
        ("My__App-", "1.0.0", "minimal", "my-app:1.0.0"),
        ("ünïcode", "1.0.0", "minimal", "n-code:1.0.0"),
        ("shop", "1.0.0-rc.1+git.5", "minimal", "shop:1.0.0-rc.1_git.5"),
    ],
)
def test_the_tag_is_name_and_version(name: str, version: str, variant: str, tag: str) -> None:
    assert plan(name=name, version=version, variant=variant).tags == (tag,)


def test_the_project_s_default_variant_has_no_suffix() -> None:
    assert plan(variant="static", default_variant="static").tags == ("shop:1.2.3",)
    assert plan(variant="minimal", default_variant="static").tags == ("shop:1.2.3-minimal",)


def test_a_tag_of_the_user_s_own_takes_the_place_of_ours() -> None:
    assert plan(tag=["a:1", "b:2"], variant="static").tags == ("a:1", "b:2")


def test_the_backend_says_why() -> None:
    assert plan().backend_reason == "the one there is: compiles with the local cargo, needs no base image"
    assert plan(backend="host").backend_reason == "set by --backend"


def test_every_variant_says_what_it_is() -> None:
    for name, variant in load_variants().items():
        assert variant.name == name
        assert variant.summary
