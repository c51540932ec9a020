"""Every setting, declared once: name, type, default and help.

The key in Cargo.toml, the key of Invoke's configuration, the RUSTDOCKER_… variable and the `collection(…)`
argument are all derived from the field.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from rustdocker_tasks.cargo.platforms import TargetTriple
from rustdocker_tasks.debian import DebianPackage
from rustdocker_tasks.image import BaseImage, CacheStore, ImageName, Registry, RepositoryTemplate, TagTemplate
from rustdocker_tasks.image_config import Asset, ImageConfig

# Python's `$` lets a line break pass after the end.
_END = r"$(?!\n)"


class Backend(Enum):
    """What carries out a plan."""

    AUTO = "auto"
    BUILDX = "buildx"
    HOST = "host"


class Cache(Enum):
    """What a build in containers keeps from one time to the next."""

    AUTO = "auto"
    MOUNT = "mount"
    LAYER = "layer"


class Libc(Enum):
    """The C library of a static program."""

    MUSL = "musl"
    GNU = "gnu"


class Settings(ImageConfig, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """All settings of one image. `None` means "not set", never "no"."""

    package: Annotated[str | None, Meta(description="The package that has the binary.", examples=['"shop"'])] = (
        None
    )
    bin: Annotated[str | None, Meta(description="The binary that the image runs.", examples=['"server"'])] = None
    extra_bins: Annotated[
        tuple[str, ...],
        Meta(
            description="Other binaries of the package that lie beside it in the image.",
            examples=['["migrate"]'],
        ),
    ] = ()
    features: Annotated[
        tuple[str, ...],
        Meta(description="Features of the package to switch on.", examples=['["postgres"]']),
    ] = ()
    default_features: Annotated[
        bool, Meta(description="Whether the package's default features are on.", examples=["false"])
    ] = True
    profile: Annotated[
        str,
        Meta(
            description="Cargo's profile to compile with; small and smallest are there too.", examples=['"small"']
        ),
    ] = "release"
    target: Annotated[
        TargetTriple | None,
        Meta(
            description="The target triple to compile for, in place of the usual one.",
            examples=['"x86_64-unknown-linux-musl"'],
        ),
    ] = None
    libc: Annotated[
        Libc | None,
        Meta(description="The C library of a static program: musl, or gnu for glibc.", examples=['"gnu"']),
    ] = None
    toolchain: Annotated[
        Annotated[str, Meta(pattern=rf"^[A-Za-z0-9][A-Za-z0-9._-]*{_END}")] | None,
        Meta(
            description="The Rust to compile with, in place of the toolchain file's: a channel of rustup.",
            examples=['"1.85"'],
        ),
    ] = None
    build_env: Annotated[
        dict[str, str],
        Meta(
            description="Environment of cargo, for the compiler and build scripts; no place for a secret.",
            examples=['{ SQLX_OFFLINE = "true" }'],
            extra={"hidden": True},
        ),
    ] = msgspec.field(default_factory=dict)
    build_packages: Annotated[
        tuple[DebianPackage, ...],
        Meta(
            description="Packages of Debian to compile with, besides those that the crates are known to need.",
            examples=['["libpcap-dev"]'],
        ),
    ] = ()
    runtime_packages: Annotated[
        tuple[DebianPackage, ...],
        Meta(
            description="Packages of Debian in the image: for libraries loaded by name, and programs started.",
            examples=['["iputils-ping"]'],
        ),
    ] = ()
    sources: Annotated[
        tuple[Path, ...],
        Meta(
            description="Files and folders outside of the workspace that build scripts and macros read.",
            examples=['["../proto"]'],
        ),
    ] = ()
    git_folder: Annotated[
        bool,
        Meta(
            description="Whether build scripts in containers see the repository's own folder, .git.",
            examples=["true"],
        ),
    ] = False
    locked: Annotated[
        bool,
        Meta(description="Whether a Cargo.lock is used as it is, or may be renewed by cargo.", examples=["false"]),
    ] = True
    offline: Annotated[
        bool,
        Meta(
            description="Whether cargo compiles offline; in containers after it fetched, and without network.",
            examples=["true"],
        ),
    ] = False
    variant: Annotated[
        str | None,
        Meta(description="What kind of image: simple, slim, minimal or static.", examples=['"static"']),
    ] = None
    backend: Annotated[
        Backend, Meta(description="What builds the image: auto, buildx or host.", examples=['"host"'])
    ] = Backend.AUTO
    builder: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="The buildx builder, if not buildx's current one.", examples=['"remote"']),
    ] = None
    cache: Annotated[
        Cache,
        Meta(
            description="What is kept between builds: mount (all, here) or layer (dependencies, for CI).",
            examples=['"layer"'],
        ),
    ] = Cache.AUTO
    cache_id: Annotated[
        str | None,
        Meta(
            description="What names the mounts, in place of the git repository: projects of one id share them.",
            examples=['"shop"'],
        ),
    ] = None
    cache_from: Annotated[
        tuple[CacheStore, ...],
        Meta(
            description="Where layers are taken from: images of a registry, folders, or gha and gha:SCOPE.",
            examples=['["ghcr.io/acme/shop:cache"]'],
        ),
    ] = ()
    cache_to: Annotated[
        CacheStore | None,
        Meta(
            description="Where layers are put for other machines: as `cache-from`.",
            examples=['"ghcr.io/acme/shop:cache"'],
        ),
    ] = None
    debian_release: Annotated[
        str,
        Meta(
            description="The Debian release of both base images.",
            examples=['"bookworm"'],
            pattern=f"^[a-z]+{_END}",
        ),
    ] = "trixie"
    build_image: Annotated[
        BaseImage | None,
        Meta(
            description="The image to compile in, in place of rust:1-slim.", examples=['"rust:1.95-slim-trixie"']
        ),
    ] = None
    runtime_image: Annotated[
        BaseImage | None,
        Meta(description="The base of slim, in place of Debian slim.", examples=['"debian:trixie"']),
    ] = None
    base_registry: Annotated[
        Registry | None,
        Meta(
            description="A mirror of Docker Hub to take base images from.", examples=['"mirror.acme.com/docker"']
        ),
    ] = None
    ca_bundle: Annotated[
        bool,
        Meta(
            description="Whether build steps trust what this machine trusts; an image never does.",
            examples=["false"],
        ),
    ] = True
    name: Annotated[
        ImageName | None, Meta(description="The image's name, in place of the binary's.", examples=['"shop-api"'])
    ] = None
    repository: Annotated[
        RepositoryTemplate | None,
        Meta(description="Where `push` pushes the image; a template.", examples=['"ghcr.io/acme/{name}"']),
    ] = None
    check: Annotated[
        bool,
        Meta(description="Whether `push` first starts the image, as `check` does.", examples=["false"]),
    ] = True
    tag: Annotated[
        tuple[TagTemplate, ...],
        Meta(
            description="Names for the image, or tags of its usual name, in place of :{version}; templates.",
            examples=['["shop:dev", ":{git-sha}"]'],
        ),
    ] = ()
    assets: Annotated[
        tuple[Asset, ...],
        Meta(
            description="Files for the image: one as `destination`, in it if that ends in `/`; a folder's below.",
            examples=['[{ source = "templates", destination = "/srv/shop/templates" }]'],
        ),
    ] = ()
    ca_certificates: Annotated[
        tuple[Path, ...],
        Meta(
            description="PEM files with certificates to trust besides the public ones.",
            examples=['["company-ca.pem"]'],
        ),
    ] = ()


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One setting, as the other modules ask for it."""

    key: str
    field: str
    type: object
    description: str
    example: str
    is_hidden: bool  # a value may be secret; the names in the table are not

    @property
    def variable(self) -> str:
        return "RUSTDOCKER_" + self.field.upper()


def _option(field: msgspec.structs.FieldInfo) -> Option:
    meta = field.type.__metadata__[0]
    return Option(
        key=field.encode_name,
        field=field.name,
        type=field.type,
        description=meta.description,
        example=meta.examples[0],
        is_hidden=bool((meta.extra or {}).get("hidden")),
    )


OPTIONS = {option.key: option for option in map(_option, msgspec.structs.fields(Settings))}
