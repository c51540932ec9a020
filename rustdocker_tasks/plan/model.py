"""What is to be built, as plain data: printable, comparable, and made without an engine."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.platforms import is_musl
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.settings.options import Libc

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rustdocker_tasks.cargo.model import ToolchainFile
    from rustdocker_tasks.cargo.skeleton import Skeleton
    from rustdocker_tasks.debian import DebianPackage
    from rustdocker_tasks.image import BaseImage, CacheStore, ImageReference
    from rustdocker_tasks.image_config import Asset, ImageConfig
    from rustdocker_tasks.plan.context import ContextFolders
    from rustdocker_tasks.plan.secrets import Secret
    from rustdocker_tasks.plan.tools import BuildPackage
    from rustdocker_tasks.settings.options import Backend
    from rustdocker_tasks.variants import Variant


# Source: the Cargo book, "Environment Variables" and "Configuration".
_OF_CARGO = (
    *("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_INCREMENTAL", "CARGO_PROFILE_", "CARGO_BUILD_"),
    *("CARGO_TARGET_", "CARGO_NET_", "CARGO_HTTP_", "CARGO_TERM_", "CARGO_REGISTR", "CARGO_UNSTABLE_"),
)
_PROFILE_FOLDERS = {"dev": "debug", "test": "debug", "bench": "release"}


def profile_folder(profile: str) -> str:
    """Return the folder of a profile's artefacts. Source: the Cargo book, "Build Cache"."""
    return _PROFILE_FOLDERS.get(profile, profile)


class Toolchain(Frozen, frozen=True, kw_only=True):
    """What the local Rust can compile for."""

    host_triple: str
    installed_targets: frozenset[str]


class SourcePackage(Frozen, frozen=True, kw_only=True):
    """A package whose sources are in the user's hands, so that they may change between two builds."""

    name: str
    folder: Path


class CargoCall(Frozen, frozen=True, kw_only=True):
    """What cargo is to be called with, whatever it is called for."""

    manifest: Path
    profile: str | None  # None: the usual one of what it is called for
    features: tuple[str, ...]
    default_features: bool
    environment: Mapping[str, str]  # of cargo, besides its usual one
    own_variables: tuple[str, ...]  # those of them that the user named
    target_triple: str | None
    own_libc: Libc | None  # without a triple: the builder's own target with it; None: what cargo takes by itself
    locked_packages: frozenset[str] | None  # the names in Cargo.lock; None: there is none
    locked: bool  # the lock file is used as it is
    root: Path  # the workspace's
    unread_files: tuple[Path, ...]  # that cargo would read in the package's folder, and not in the root
    sources: tuple[SourcePackage, ...]
    other_sources: tuple[Path, ...]  # files and folders that are in no package, and elsewhere
    vendored: tuple[Path, ...]  # folders that hold packages in place of a registry, each in one of its own
    configured: Mapping[str, str]  # variables of cargo's configuration, where that is no source like any other

    @property
    def target_name(self) -> str | None:
        """What prepare.sh is told of the target; None: it is left to cargo."""
        return self.target_triple or (self.own_libc and self.own_libc.value)

    @property
    def is_of_musl(self) -> bool:
        """Whether the program's C library is musl."""
        return self.own_libc is Libc.MUSL if self.target_triple is None else is_musl(self.target_triple)

    @property
    def own_environment(self) -> dict[str, str]:
        """A digest of each of the user's own variables by name, without those that cargo itself heeds."""
        own = {**self.configured, **{name: self.environment[name] for name in self.own_variables}}
        return {
            name: sha256(own[name].encode("utf-8", "surrogateescape")).hexdigest()[:16]
            for name in sorted(own)
            if not name.startswith(_OF_CARGO)
        }


class CompileStep(CargoCall, frozen=True, kw_only=True):
    package: str
    binary: str
    extra_binaries: tuple[str, ...]  # of the same package, for the same image
    profile: str
    crt_static: bool  # link glibc statically; musl is static without being asked
    rustflags: tuple[str, ...]  # of cargo's configuration for all targets, which ours would take the place of

    @property
    def binaries(self) -> tuple[str, ...]:
        """All that the image holds, the one that it runs first."""
        return (self.binary, *self.extra_binaries)

    @property
    def profile_folder(self) -> str:
        return profile_folder(self.profile)


class GitState(Frozen, frozen=True, kw_only=True):
    """The commit that the sources are of."""

    commit: str
    branch: str | None  # None: none is checked out
    dirty: bool  # what is built differs from the commit
    place: str | None = None  # the same for every clone of the repository; None: it is none
    folder: Path | None = None  # the repository's own, `.git`, if it tells the state alone
    folder_problem: str | None = None  # why it does not

    @property
    def revision(self) -> str:
        return f"{self.commit}-dirty" if self.dirty else self.commit


class NoGitState(Frozen, frozen=True):
    """There is no commit to name."""

    reason: str


class MachineFacts(Frozen, frozen=True, kw_only=True):
    """What was found here."""

    buildx_problem: str | None  # why it cannot be used, None if it can
    is_ci: bool  # the machine is one of continuous integration, and gone after the build
    isolates: bool = True  # the builder can run a step without network
    machine: str = "x86_64"  # its architecture, by which builders are taken to be of the same
    git: GitState | NoGitState
    created: int = 0  # what images say: seconds since 1970
    has_rustup: bool = True  # the local cargo is rustup's, and takes the toolchain that it is told


class ContainerBuild(Frozen, frozen=True, kw_only=True):
    """What a build in containers needs besides."""

    builder: str | None  # None: buildx's current one
    builder_set_by: str
    build_image: BaseImage
    build_image_set_by: str
    runtime_image: BaseImage | None  # None: nothing of another image is in the result
    runtime_image_set_by: str
    context: ContextFolders
    project_id: str  # what the names of all the project's mounts begin with
    cache_id: str  # and those of one compiler and C library
    cache_reason: str  # why this is kept from build to build, and not something else
    fetch: Skeleton | None  # what a step of its own fetches for; None: cargo fetches as it compiles
    isolates: bool  # the steps that compile after it have no network
    skeleton: Skeleton | None  # what the dependencies are compiled of, for a layer; None: all is kept on mounts
    unseen_needs: tuple[tuple[str, str], ...] = ()  # a crate, and a package that it wants in the image by name
    cache_from: tuple[CacheStore, ...]
    cache_to: CacheStore | None
    cache_set_by: str
    cache_folders: tuple[Path, ...]  # where layers are, that are no sources
    packages: tuple[BuildPackage, ...]  # what the build image has to have
    build_packages: tuple[str, ...] = ()  # those among them that the setting names
    runtime_packages: tuple[DebianPackage, ...]  # what the image gets besides
    runtime_packages_set_by: str
    sees_git: bool  # build scripts see the repository's own folder
    toolchain: ToolchainFile | None  # what the project asks for besides the build image
    git_readers: tuple[str, ...]  # crates that would look for that folder, and do not see it
    ca_bundle: bool
    secrets: tuple[Secret, ...]  # what cargo may need to fetch dependencies
    ssh_agent: bool  # a dependency is fetched over ssh
    unseen_config: tuple[Path, ...]  # cargo's configuration that a build on the host would use
    sent_secrets: tuple[str, ...]  # places in cargo's files that are sent, whose values nobody else should read

    @property
    def shell_id(self) -> str:
        """The name of the volume of a shell, and the tag of its image."""
        return f"{self.project_id}-shell"

    @property
    def git(self) -> str | None:
        """The repository's folder that build scripts see, from the context's root; None: they see none."""
        return self.context.path_of(self.context.git) if self.sees_git and self.context.git is not None else None

    @property
    def mount_id(self) -> str:
        """The name of the mount with the artefacts.

        Another list of packages has another one: what a build script found or did not find stays compiled in. So
        has another place of the project in its context, where the mirror would have all files by other names.
        """
        place = self.context.project_path
        names = [*sorted(each.package for each in self.packages), *([] if place == "." else [f"/{place}"])]
        if not names:
            return self.cache_id
        return f"{self.cache_id}-{sha256(chr(0).join(names).encode()).hexdigest()[:8]}"


class CompileGroup(Frozen, frozen=True, kw_only=True):
    """Images whose programs one call of cargo compiles."""

    images: tuple[ImagePlan, ...]  # in all that decides the call they are the same
    ambiguous: frozenset[str] = frozenset()  # packages whose name a dependency has too

    @property
    def first(self) -> ImagePlan:
        return self.images[0]


class ImageGroup(CompileGroup, frozen=True, kw_only=True):
    """A group, and what that call needs in containers."""

    container: ContainerBuild


class ContextNames(Frozen, frozen=True, kw_only=True):
    """What the build context holds for a group of images, besides the sources."""

    folder: str  # from the context's root
    sources: str | None  # the list of the sources' digests; None: the build makes it of what it gets
    package_folders: str  # the list of the folders of the packages that cargo may compile
    files: tuple[str, ...]  # for each image the archive of what it holds besides base and program
    fetch: str | None  # an archive of what is fetched for; None: there is none
    skeleton: str | None  # an archive of the skeleton; None: there is none
    scripts: Mapping[str, str]  # by what they are called here, without `.sh`
    # Of the user's variables, those that his own sources name: another value compiles no dependency.
    late_variables: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()  # where in the images there are libraries among the user's own files

    @property
    def all(self) -> tuple[str, ...]:
        """All names in our folder."""
        lists = filter(None, (self.sources, self.package_folders, self.fetch, self.skeleton))
        return (*self.scripts.values(), *self.files, *lists)


class ImagePlan(Frozen, frozen=True, kw_only=True):
    name: str
    version: str
    variant: Variant
    backend: Backend
    backend_reason: str
    linkage_reason: str
    compile: CompileStep
    container: ContainerBuild | None  # None: on the host backend
    config: ImageConfig
    assets: tuple[Asset, ...]
    assets_set_by: str
    volumes_set_by: str
    workdir_set_by: str
    ca_certificates: tuple[Path, ...]
    ca_certificates_set_by: str
    tags: tuple[ImageReference, ...]
    tags_set_by: str
    git: GitState | NoGitState
    created: int  # what the image says: seconds since 1970

    @property
    def archive_name(self) -> str:
        """The name of the image's archive: that of its first tag."""
        tag = self.tags[0]
        variant = "" if tag.tag.endswith(f"-{self.variant.name}") else f"-{self.variant.name}"
        return f"{tag.repository}-{tag.tag}{variant}.tar".replace("/", "+").replace(":", "+")
