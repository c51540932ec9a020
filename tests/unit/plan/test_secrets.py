from __future__ import annotations

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
from rustdocker_tasks.plan.secrets import GitCredential, RegistryToken, needs_ssh, secrets_of
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

    assert secrets_of(made) == (
        RegistryToken("my-corp"),
        GitCredential("http://10.0.0.1:8080", ("http://10.0.0.1:8080/d",)),
        GitCredential("https://git.acme.com", ("https://git.acme.com/a/b.git", "https://git.acme.com/c")),
    )
    assert needs_ssh(made)


def test_most_projects_need_none() -> None:
    plain = replace(project(package("shop")), lock=locked("registry+https://github.com/rust-lang/crates.io-index"))

    assert secrets_of(plain) == secrets_of(replace(plain, lock=None)) == ()
    assert not needs_ssh(plain)
    assert not needs_ssh(replace(plain, lock=None))


def test_a_registry_s_variable_is_cargo_s() -> None:
    assert RegistryToken("my-corp_2").variable == "CARGO_REGISTRIES_MY_CORP_2_TOKEN"


def test_an_index_in_a_repository_is_reached_as_a_repository_is() -> None:
    def with_index(index: str) -> Project:
        return replace(project(package("shop")), own_config=CargoConfig(registries={"corp": index}), lock=None)

    assert secrets_of(with_index("https://git.acme.com/index.git")) == (
        RegistryToken("corp"),
        GitCredential("https://git.acme.com", ("https://git.acme.com/index.git",)),
    )
    assert needs_ssh(with_index("ssh://git@git.acme.com/index.git"))
    assert secrets_of(with_index("sparse+https://acme.com/index/")) == (RegistryToken("corp"),)


def test_without_a_lock_file_the_manifests_tell_of_repositories() -> None:
    git = ("https://git.acme.com/a.git", "ssh://git@git.acme.com/b.git")
    asked = tuple(
        Dependency(
            name=name, package=name, kind=DependencyKind.NORMAL, condition=None, requirement=None, git=address
        )
        for name, address in zip("ab", git, strict=True)
    )
    made = replace(project(replace(package("shop"), dependencies=asked)), lock=None)

    assert secrets_of(made) == (GitCredential("https://git.acme.com", ("https://git.acme.com/a.git",)),)
    assert needs_ssh(made)
