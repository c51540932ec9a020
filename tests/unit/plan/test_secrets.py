from __future__ import annotations

import pytest
from msgspec.structs import replace

from rustdocker_tasks.cargo.model import (
    CargoConfig,
    Dependency,
    DependencyKind,
    Lock,
    LockedPackage,
    PackageId,
    Project,
)
from rustdocker_tasks.plan.secrets import (
    GitCredential,
    RegistryToken,
    keys_in_addresses,
    needs_git,
    needs_ssh,
    secrets_of,
)
from tests.models import package, project


def locked(*sources: str | None) -> Lock:
    packages = (
        LockedPackage(id=PackageId(f"crate{number}", "1.0.0", source), checksum=None, dependencies=())
        for number, source in enumerate(sources)
    )
    return Lock(format=4, packages=tuple(packages))


def test_registries_and_git_servers_are_named_once_and_without_a_password() -> None:
    made = replace(
        project(package("shop")),
        own_config=CargoConfig(registries={"my-corp": "sparse+https://x/", "a b": "sparse+https://y/"}),
        lock=locked(
            None,
            "registry+https://github.com/rust-lang/crates.io-index",
            "git+https://me:secret@git.acme.com/a/b.git?branch=main#0123",
            "git+https://git.acme.com/c#4567",
            "git+http://10.0.0.1:8080/d#89ab",
            "git+ssh://git@git.acme.com/e#cdef",
        ),
    )

    assert secrets_of(made, {}) == (
        RegistryToken("my-corp"),
        GitCredential("http://10.0.0.1:8080", ("http://10.0.0.1:8080/d",)),
        GitCredential("https://git.acme.com", ("https://git.acme.com/a/b.git", "https://git.acme.com/c")),
    )
    assert needs_ssh(made, {})


def test_most_projects_need_none() -> None:
    plain = replace(project(package("shop")), lock=locked("registry+https://github.com/rust-lang/crates.io-index"))

    assert secrets_of(plain, {}) == secrets_of(replace(plain, lock=None), {}) == ()
    assert not needs_ssh(plain, {})
    assert not needs_ssh(replace(plain, lock=None), {})


def test_a_registry_s_variable_is_cargo_s() -> None:
    assert RegistryToken("my-corp_2").variable == "CARGO_REGISTRIES_MY_CORP_2_TOKEN"


def test_an_index_in_a_repository_is_reached_as_a_repository_is() -> None:
    def with_index(index: str) -> Project:
        return replace(project(package("shop")), own_config=CargoConfig(registries={"corp": index}), lock=None)

    assert secrets_of(with_index("https://git.acme.com/index.git"), {}) == (
        RegistryToken("corp"),
        GitCredential("https://git.acme.com", ("https://git.acme.com/index.git",)),
    )
    assert needs_ssh(with_index("ssh://git@git.acme.com/index.git"), {})
    assert secrets_of(with_index("sparse+https://acme.com/index/"), {}) == (RegistryToken("corp"),)


def test_without_a_lock_file_the_manifests_tell_of_repositories() -> None:
    git = ("https://git.acme.com/a.git", "ssh://git@git.acme.com/b.git")
    asked = tuple(
        Dependency(
            name=name, package=name, kind=DependencyKind.NORMAL, condition=None, requirement=None, git=address
        )
        for name, address in zip("ab", git, strict=True)
    )
    made = replace(project(replace(package("shop"), dependencies=asked)), lock=None)

    assert secrets_of(made, {}) == (GitCredential("https://git.acme.com", ("https://git.acme.com/a.git",)),)
    assert needs_ssh(made, {})


def test_a_registry_may_be_named_by_a_variable_of_cargo_s() -> None:
    made = replace(
        project(package("shop")), own_config=CargoConfig(registries={"corp": "sparse+https://a/"}), lock=None
    )
    environment = {
        "CARGO_REGISTRIES_CORP_INDEX": "sparse+https://b/",
        "CARGO_REGISTRIES_MY_CORP_INDEX": "https://git.acme.com/index.git",
    }

    assert secrets_of(made, environment) == (
        RegistryToken("corp"),
        RegistryToken("my-corp"),
        GitCredential("https://git.acme.com", ("https://git.acme.com/index.git",)),
    )


@pytest.mark.parametrize(
    ("uses_git", "environment", "source", "is_needed"),
    [
        (True, {}, "git+https://a/b#1", True),
        (True, {}, "git+ssh://a/b#1", True),
        (True, {}, "registry+https://github.com/rust-lang/crates.io-index", False),
        (False, {}, "git+https://a/b#1", False),
        (False, {"CARGO_NET_GIT_FETCH_WITH_CLI": "true"}, "git+https://a/b#1", True),
        (True, {"CARGO_NET_GIT_FETCH_WITH_CLI": "false"}, "git+https://a/b#1", False),
    ],
)
def test_git_itself_is_needed_where_it_is_to_fetch(
    uses_git: bool,  # noqa: FBT001 - pytest passes it by name
    environment: dict[str, str],
    source: str,
    is_needed: bool,  # noqa: FBT001
) -> None:
    made = replace(project(package("shop")), own_config=CargoConfig(uses_git=uses_git), lock=locked(source))

    assert needs_git(made, environment) == is_needed


def test_what_opens_a_repository_may_stand_in_its_address() -> None:
    token = "x" * 40
    asked = tuple(
        Dependency(
            name=name, package=name, kind=DependencyKind.NORMAL, condition=None, requirement=None, git=address
        )
        for name, address in {
            "a": f"https://x-access-token:{token}@github.com/acme/a",
            "b": f"https://{token}@github.com/acme/b",
            "c": "https://acme@dev.azure.com/acme/shop/_git/c",
            "f": "https://acme-of-a-long-name-indeed@dev.azure.com/acme-of-a-long-name-indeed/shop/_git/f",
            "d": "ssh://git@github.com/acme/d",
            "e": "https://github.com/acme/e",
        }.items()
    )
    made = replace(
        project(replace(package("shop"), dependencies=asked)),
        lock=locked(None, f"git+https://x:{token}@github.com/acme/a#0123", "git+https://github.com/acme/e#0123"),
    )

    assert keys_in_addresses(made) == (
        "the address of `a` in /repo/shop/Cargo.toml",
        "the address of `b` in /repo/shop/Cargo.toml",
        "the address of `crate1` in /repo/Cargo.lock",
    )
