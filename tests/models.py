"""Cargo projects as plain data, for tests that read no files."""

from __future__ import annotations

from pathlib import Path

from rustdocker_tasks.cargo.model import (
    About,
    CargoConfig,
    Lock,
    LockedPackage,
    Package,
    PackageId,
    Project,
    Target,
    TargetKind,
)

ROOT = Path("/repo")


def binary(name: str, *, required_features: tuple[str, ...] = ()) -> Target:
    return Target(
        name=name,
        kind=TargetKind.BINARY,
        path=ROOT / "src" / "bin" / f"{name}.rs",
        crate_types=("bin",),
        edition="2021",
        required_features=required_features,
    )


def package(
    name: str,
    *binaries: Target,
    version: str = "0.1.0",
    default_run: str | None = None,
    features: dict[str, tuple[str, ...]] | None = None,
    about: About | None = None,
    manifest: Path | None = None,
) -> Package:
    return Package(
        name=name,
        version=version,
        manifest=manifest or ROOT / name / "Cargo.toml",
        edition="2021",
        rust_version=None,
        targets=binaries,
        features=features or {},
        dependencies=(),
        default_run=default_run,
        links=None,
        about=about or About(),
        metadata=None,
        text="",
    )


def locked_package(name: str, *dependencies: PackageId, version: str = "0.1.0") -> LockedPackage:
    return LockedPackage(id=PackageId(name, version, None), checksum=None, dependencies=dependencies)


def project(*members: Package, default: Package | None = None, locked: frozenset[str] = frozenset()) -> Project:
    return Project(
        root=ROOT,
        members=members,
        default_members=(default,) if default else members,
        profiles=frozenset({"release", "dev"}),
        patches=(),
        metadata=None,
        text="",
        lock=Lock(
            format=4,
            packages=(
                *(locked_package(member.name, version=member.version) for member in members),
                *(locked_package(name) for name in locked - {member.name for member in members}),
            ),
        ),
        resolver="2",
        config=CargoConfig(),
        repository=ROOT,
        own_config=CargoConfig(),
        unseen_config=(),
        unread_files=(),
        has_sqlx_data=False,
        toolchain=None,
    )
