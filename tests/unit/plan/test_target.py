from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rustdocker_tasks.cargo.model import CargoConfig, TargetConfig
from rustdocker_tasks.cargo.platforms import TargetTriple
from rustdocker_tasks.errors import BadValue, SeveralTargets
from rustdocker_tasks.plan.cargo_call import common_rustflags, with_crt_static
from rustdocker_tasks.plan.model import Toolchain
from rustdocker_tasks.plan.target import ChosenTarget, needs_toolchain, target_in_container, target_on_host
from rustdocker_tasks.settings.options import Libc
from rustdocker_tasks.settings.resolve import ResolvedSettings, resolve_settings
from rustdocker_tasks.settings.sources import Layer, Source
from rustdocker_tasks.variants import load_variants

GNU, MUSL, ARM_MUSL = "x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"
CONFIG = Path("/shop/.cargo/config.toml")
INSTALLED = Toolchain(host_triple=GNU, installed_targets=frozenset({GNU, MUSL}))

Choose = Callable[..., ChosenTarget]


def config(*targets: str) -> CargoConfig:
    return CargoConfig(files=(CONFIG,), targets=targets)


def in_container(variant: str, *configured: str, **settings: str) -> ChosenTarget:
    return target_in_container(load_variants()[variant], resolved(settings), config(*configured))


def on_host(variant: str, *configured: str, **settings: str) -> ChosenTarget:
    return target_on_host(load_variants()[variant], resolved(settings), config(*configured), INSTALLED)


def resolved(values: dict[str, str]) -> ResolvedSettings:
    return resolve_settings(
        [Layer(source=Source.FLAG, where=lambda path: f"--{path[-1]}", base=Path("/"), values=values)]
    )


def test_unasked_cargo_chooses() -> None:
    assert in_container("slim").triple is None
    assert on_host("minimal").triple is None


@pytest.mark.parametrize("choose", [in_container, on_host])
def test_the_setting_outranks_cargo_s_configuration(choose: Choose) -> None:
    chosen = choose("minimal", GNU, target=MUSL)

    assert chosen.triple == MUSL
    assert f"for {MUSL} (set by --target)" in chosen.reason


@pytest.mark.parametrize("choose", [in_container, on_host])
def test_cargo_s_configuration_is_read(choose: Choose) -> None:
    chosen = choose("minimal", "wasm32-unknown-unknown", MUSL)

    assert chosen.triple == MUSL
    assert f"(set by build.target in {CONFIG})" in chosen.reason


def test_a_configured_target_that_is_not_linux_gives_way_to_the_machine_s_own() -> None:
    in_image, here = in_container("slim", "wasm32-unknown-unknown"), on_host("minimal", "wasm32-unknown-unknown")

    assert (in_image.triple, in_image.own_libc) == (None, Libc.GNU)
    assert (here.triple, here.own_libc) == (GNU, None)
    why = f"wasm32-unknown-unknown, set by build.target in {CONFIG}, runs in no container"
    assert in_image.reason.endswith(f"; for the builder's own target, as {why}")
    assert here.reason.endswith(f"; for {GNU}, as {why}")


@pytest.mark.parametrize("named", ["host-tuple", "x86_64-acme-linux.json"])
@pytest.mark.parametrize("choose", [in_container, on_host])
def test_what_only_cargo_can_read_is_left_to_it(choose: Choose, named: str) -> None:
    chosen = choose("minimal", named)

    assert (chosen.triple, chosen.own_libc) == (None, None)
    assert "runs in no container" not in chosen.reason


@pytest.mark.parametrize(
    ("variant", "configured", "wanted"),
    [
        ("minimal", (), False),
        ("minimal", (GNU,), False),
        ("minimal", ("wasm32-unknown-unknown",), True),
        ("minimal", ("wasm32-unknown-unknown", GNU), False),
        ("static", (), True),
    ],
)
def test_rustc_is_asked_where_its_own_target_matters(
    variant: str, configured: tuple[str, ...], *, wanted: bool
) -> None:
    assert needs_toolchain(load_variants()[variant], config(*configured)) is wanted


@pytest.mark.parametrize("choose", [in_container, on_host])
def test_several_configured_targets_are_one_too_many(choose: Choose) -> None:
    with pytest.raises(SeveralTargets, match=f"{GNU}, {MUSL}"):
        choose("minimal", GNU, MUSL)

    assert choose("minimal", GNU, MUSL, target=MUSL).triple == MUSL


def test_static_makes_musl_of_a_configured_glibc() -> None:
    assert in_container("static", "aarch64-unknown-linux-gnu").triple == ARM_MUSL
    assert on_host("static", GNU).triple == MUSL


def test_static_for_another_machine_asks_for_its_own_libc_on_the_host() -> None:
    chosen = on_host("static", "aarch64-unknown-linux-gnu")

    assert (chosen.triple, chosen.crt_static) == ("aarch64-unknown-linux-gnu", True)


def test_static_takes_glibc_where_it_is_asked_for_by_name_and_can() -> None:
    chosen = on_host("static", target=GNU)

    assert (chosen.triple, chosen.crt_static) == (GNU, True)
    with pytest.raises(BadValue, match='is of musl, unless `libc = "gnu"` is set'):
        in_container("static", target=GNU)


@pytest.mark.parametrize("settings", [{}, {"target": GNU}])
def test_libc_makes_a_static_program_of_glibc(settings: dict[str, str]) -> None:
    contained, local = (choose("static", libc="gnu", **settings) for choose in (in_container, on_host))

    assert (contained.triple, contained.crt_static) == (settings.get("target"), True)
    assert (local.triple, local.crt_static) == (GNU, True)
    assert "by DNS alone" in contained.reason
    assert not in_container("slim", libc="gnu").crt_static


@pytest.mark.parametrize("choose", [in_container, on_host])
def test_libc_and_the_target_must_agree(choose: Choose) -> None:
    with pytest.raises(BadValue, match=f"the target {MUSL} is of musl"):
        choose("static", libc="gnu", target=MUSL)


def test_musl_asked_for_by_name_must_be_installed() -> None:
    without = Toolchain(host_triple=GNU, installed_targets=frozenset({GNU}))

    assert on_host("static", libc="musl").triple == MUSL
    with pytest.raises(BadValue, match=f"rustup target add {MUSL}"):
        target_on_host(load_variants()["static"], resolved({"libc": "musl"}), config(), without)


@pytest.mark.parametrize(
    ("host", "musl"),
    [
        ("armv7-unknown-linux-gnueabihf", "armv7-unknown-linux-musleabihf"),
        ("x86_64-alpine-linux-musl", "x86_64-alpine-linux-musl"),
    ],
)
def test_the_musl_of_a_machine_is_that_of_its_own_abi(host: str, musl: str) -> None:
    toolchain = Toolchain(host_triple=host, installed_targets=frozenset({host, musl}))

    chosen = target_on_host(load_variants()["static"], resolved({}), config(), toolchain)

    assert (chosen.triple, chosen.crt_static) == (musl, False)


@pytest.mark.parametrize(
    ("triple", "problem"),
    [
        ("x86_64-apple-darwin", "an image holds a program for Linux"),
        ("wasm32-wasip1", "an image holds a program for Linux"),
        ("musl", "a target triple is"),
        ("--help", "a target triple is"),
        ("x86_64-unknown-linux-gnu;rm", "a target triple is"),
    ],
)
def test_what_is_no_target_of_linux_is_refused(triple: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        TargetTriple(triple)


PLAIN, OWN = ("--cfg", "foo"), ("--cfg", "bar")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("x86_64-pc-windows-msvc", PLAIN),
        ("cfg(windows)", PLAIN),
        (GNU, ()),
        ('cfg(target_os = "linux")', ()),
    ],
)
def test_flags_for_all_targets_count_where_this_one_has_none(table: str, expected: tuple[str, ...]) -> None:
    given = CargoConfig(rustflags=PLAIN, by_target={table: TargetConfig(linker=None, rustflags=OWN)})

    assert common_rustflags(given, GNU) == expected


def test_variables_of_flags_link_glibc_statically_too() -> None:
    environment = {"RUSTFLAGS": "--cfg a", "CARGO_ENCODED_RUSTFLAGS": "--cfg\x1fb", "OTHER": "x"}

    assert with_crt_static(environment, is_wanted=True) == {
        "RUSTFLAGS": "--cfg a -Ctarget-feature=+crt-static",
        "CARGO_ENCODED_RUSTFLAGS": "--cfg\x1fb\x1f-Ctarget-feature=+crt-static",
        "OTHER": "x",
    }
    assert with_crt_static(environment, is_wanted=False) == environment
