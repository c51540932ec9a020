"""What a target triple says of its platform, beside what rustc says."""

from __future__ import annotations

import subprocess

import pytest

from rustdocker_tasks.cargo.platforms import holds, platform_of

pytestmark = pytest.mark.cargo

# Those that container images are made for.
ARCHITECTURES = {
    *("x86_64", "i586", "i686", "aarch64", "armv7", "arm", "armv5te", "riscv64gc", "powerpc64le", "powerpc64"),
    *("powerpc", "s390x", "loongarch64"),
}
LINUX = "x86_64-unknown-linux-gnu"
MUSL = "aarch64-unknown-linux-musl"


def rustc(*words: str) -> list[str]:
    return subprocess.run(["rustc", *words], capture_output=True, text=True, check=True).stdout.splitlines()


def triples() -> list[str]:
    systems = ("-linux-gnu", "-linux-musl", "-apple-darwin", "-windows-msvc", "-windows-gnu")
    everything = rustc("--print=target-list")
    return [each for each in everything if each.endswith(systems) and each.split("-")[0] in ARCHITECTURES]


def test_every_triple_of_linux_macos_and_windows() -> None:
    for triple in triples():
        told = dict(line.split("=", 1) for line in rustc("--print=cfg", f"--target={triple}") if "=" in line)
        values = platform_of(triple).values

        assert {name: told.get(name, '""').strip('"') for name in values} == values, triple


@pytest.mark.parametrize(
    ("condition", "triple", "answer"),
    [
        (None, LINUX, True),
        (LINUX, LINUX, True),
        (LINUX, MUSL, False),
        ("cfg(unix)", LINUX, True),
        ("cfg(windows)", LINUX, False),
        ("cfg(not(windows))", LINUX, True),
        ('cfg(target_os = "linux")', LINUX, True),
        ('cfg(all(unix, target_env = "musl"))', MUSL, True),
        ('cfg(all(unix, target_env = "musl"))', LINUX, False),
        ('cfg(any(windows, target_arch = "aarch64"))', MUSL, True),
        ("cfg(any())", LINUX, False),
        ("cfg(all())", LINUX, True),
        ('cfg( all ( unix , not( target_arch = "wasm32" ) , ) )', LINUX, True),
        ("cfg(tokio_unstable)", LINUX, None),
        ("cfg(not(tokio_unstable))", LINUX, None),
        ("cfg(all(windows, tokio_unstable))", LINUX, False),
        ("cfg(any(unix, tokio_unstable))", LINUX, True),
        ('cfg(target_feature = "avx2")', LINUX, None),
        ('cfg(target_has_atomic = "64")', LINUX, True),
        ('cfg(target_has_atomic = "128")', LINUX, False),
        ("cfg(true)", LINUX, True),
        ("cfg(", LINUX, None),
    ],
)
def test_a_condition_is_true_false_or_not_for_the_triple_to_tell(
    condition: str | None,
    triple: str,
    answer: bool | None,  # noqa: FBT001
) -> None:
    assert holds(condition, platform_of(triple)) is answer
