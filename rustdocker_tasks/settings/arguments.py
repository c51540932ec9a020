"""The settings as arguments from Python, for type checkers: written by `invoke docs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class SettingArguments(TypedDict, total=False):
    """What `collection` and `workspace` take besides; None is what is not said."""

    expose: Sequence[int | str] | None
    env: Mapping[str, str] | None
    args: Sequence[str] | None
    labels: Mapping[str, str] | None
    stop_signal: int | str | None
    workdir: str | None
    volumes: Sequence[str] | None
    healthcheck: Mapping[str, object] | None
    user: int | str | None
    package: str | None
    bin: str | None
    extra_bins: Sequence[str] | None
    features: Sequence[str] | None
    default_features: bool | None
    profile: str | None
    target: str | None
    libc: str | None
    toolchain: str | None
    build_env: Mapping[str, str] | None
    build_packages: Sequence[str] | None
    runtime_packages: Sequence[str] | None
    sources: Sequence[Path | str] | None
    git_folder: bool | None
    locked: bool | None
    offline: bool | None
    variant: str | None
    backend: str | None
    builder: str | None
    cache: str | None
    cache_id: str | None
    cache_from: Sequence[str] | None
    cache_to: str | None
    debian_release: str | None
    build_image: str | None
    runtime_image: str | None
    base_registry: str | None
    ca_bundle: bool | None
    repository: str | None
    check: bool | None
    tag: Sequence[str] | None
    assets: Sequence[Mapping[str, object]] | None
    ca_certificates: Sequence[Path | str] | None
