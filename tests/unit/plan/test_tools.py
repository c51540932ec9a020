from __future__ import annotations

import pytest

from rustdocker_tasks.cargo.model import CargoConfig, TargetConfig
from rustdocker_tasks.plan.tools import BuildPackage, tools_of, without_duplicates

GNU, ARM, WINDOWS = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-pc-windows-msvc"


def target(*flags: str, linker: str | None = None) -> TargetConfig:
    return TargetConfig(linker=linker, rustflags=flags)


@pytest.mark.parametrize(
    ("config", "packages"),
    [
        (CargoConfig(), []),
        (CargoConfig(rustflags=("-C", "link-arg=-fuse-ld=mold")), ["mold"]),
        (CargoConfig(rustflags=("-Clink-arg=--ld-path=/usr/bin/ld.mold",)), ["mold"]),
        (CargoConfig(by_target={GNU: target("-Clink-arg=-fuse-ld=lld", linker="clang")}), ["lld", "clang"]),
        (CargoConfig(by_target={"cfg(unix)": target("-Clinker=/usr/bin/clang")}), ["clang"]),
        (CargoConfig(by_target={WINDOWS: target(linker="lld")}), []),
        (CargoConfig(by_target={ARM: target(linker="clang")}), []),
        (CargoConfig(by_target={'cfg(target_os = "macos")': target("-Clink-arg=-fuse-ld=lld")}), []),
        (CargoConfig(by_target={GNU: target(linker="tools/clang")}), []),
    ],
)
def test_a_linker_that_cargo_s_configuration_names_is_installed(config: CargoConfig, packages: list[str]) -> None:
    found = tools_of(config, GNU, {"git": None})

    assert [tool.package for tool in found] == packages


def test_what_a_build_asks_for_by_itself() -> None:
    found = tools_of(CargoConfig(), GNU, {"musl": "C code in a program of musl", "git": "`git-folder`"})

    assert [(each.package, each.because) for each in found] == [
        ("git", "`git-folder`"),
        ("musl-tools", "C code in a program of musl"),
    ]


def test_who_asks_for_a_package_is_named_once() -> None:
    one = BuildPackage(package="pkg-config", because="a-sys 1.0.0")
    both = without_duplicates([one, BuildPackage(package="pkg-config", because="b-sys 2.0.0")])

    assert [each.because for each in both] == ["a-sys 1.0.0, b-sys 2.0.0"]
    assert without_duplicates([*both, one, *both]) == both
