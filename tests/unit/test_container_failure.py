from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from rustdocker_tasks import errors
from rustdocker_tasks.container_failure import failure_of
from rustdocker_tasks.image import BaseImage
from rustdocker_tasks.plan.context import ContextFolders
from rustdocker_tasks.plan.model import ContainerBuild
from rustdocker_tasks.plan.tools import BuildPackage

CONTAINER = ContainerBuild(
    context=ContextFolders(root=Path("/shop"), project=Path("/shop")),
    builder="far",
    builder_set_by="--builder",
    build_image=BaseImage("ghcr.io/acme/rust:1-slim"),
    build_image_set_by="--build-image",
    runtime_image=BaseImage("debian:trixie-slim"),
    runtime_image_set_by="--debian-release",
    cache_reason="mount: set by --cache",
    fetch=None,
    isolates=True,
    skeleton=None,
    cache_from=(),
    cache_to=None,
    cache_set_by="the default",
    cache_folders=(),
    project_id="rustdocker-0",
    cache_id="x",
    packages=(),
    runtime_packages=(),
    runtime_packages_set_by="--x",
    sees_git=False,
    git_readers=(),
    toolchain=None,
    ca_bundle=True,
    secrets=(),
    ssh_agent=False,
    unseen_config=(),
    sent_secrets=(),
)


@pytest.mark.parametrize(
    ("reason", "error", "set_by"),
    [
        ('no builder "far" found', errors.BuildxUnusable, "--builder"),
        (
            'failed to do request: Head "https://ghcr.io/v2/acme/rust/manifests/1-slim": no such host',
            errors.NoBaseImage,
            "--build-image",
        ),
        (
            'failed to do request: Head "https://docker.io/v2/": connection reset by peer: debian:trixie-slim',
            errors.NoBaseImage,
            "--debian-release",
        ),
        ("docker.io/library/debian:trixie-slim: not found", errors.NoBaseImage, "--debian-release"),
        (
            "pull access denied, repository does not exist or may require authorization: debian:trixie-slim",
            errors.NoBaseImage,
            "--debian-release",
        ),
        (
            "ghcr.io/acme/rust:1-slim: failed to authorize: failed to fetch anonymous token: 401 Unauthorized",
            errors.BaseImageRefused,
            "--build-image",
        ),
        (
            'failed to do request: Head "https://ghcr.io/v2/acme/rust/manifests/1-slim": x509: unknown authority',
            errors.BaseImageUntrusted,
            "--build-image",
        ),
        ("failed to receive status: rpc error: code = Unavailable desc = EOF", errors.EngineGone, "the engine"),
        ("EOF", errors.EngineGone, "the engine"),
        ("Unavailable: error reading from server: EOF", errors.EngineGone, "the engine"),
        ("failed to copy files: no space left on device", errors.EngineFull, "the engine"),
        ("a step that nobody knows", errors.BuildFailed, "a step of the build"),
    ],
)
def test_buildx_s_words_lead_to_an_error(reason: str, error: type[Exception], set_by: str) -> None:
    made = failure_of(reason, CONTAINER, is_of_musl=False)

    assert type(made) is error
    assert made.found == reason
    assert made.set_by == set_by


def test_what_our_scripts_noticed_outranks_buildx_s_words() -> None:
    def failure(noticed: str) -> errors.RustDockerError:
        reason = "process did not complete: exit code: 66"
        return failure_of(reason, CONTAINER, is_of_musl=False, noticed=noticed)

    assert failure("cargo build failed: 101").what == "`cargo build` failed with exit code 101"
    assert type(failure("no cargo")) is errors.NoCargoInImage
    assert failure("a step that nobody knows: x").found == "a step that nobody knows: x"


@pytest.mark.parametrize(
    ("mark", "error", "found", "set_by"),
    [
        ("not static: libz.so.1", errors.NotStatic, "the program: needs libz.so.1", "variant static"),
        (
            "older library: GLIBC_9 of libc.so.6",
            errors.OlderLibrary,
            "lacks GLIBC_9 of libc.so.6",
            "--debian-release",
        ),
        ("no library: libx.so.1", errors.LibraryNotInImage, "has no libx.so.1", "--build-image"),
        (
            "no library: libpq.so.5 libx.so.1",
            errors.LibraryNotInImage,
            "has no libpq.so.5 (asked for by pq-sys 0.7.8) libx.so.1",
            "--build-image",
        ),
        ("no loader: /lib64/x", errors.WouldNotStart, "there is no /lib64/x, which", "--debian-release"),
        ("not searched: libx.so.1", errors.WouldNotStart, "does not look where libx.so.1 is", "--debian-release"),
        ("would not start: x", errors.WouldNotStart, "its loader says: x", "--debian-release"),
        ("not installed: libx-dev", errors.PackagesNotInstalled, "apt-get's message stands above", "x-sys 1.0.0"),
    ],
)
def test_what_the_scripts_found_of_the_program(
    mark: str, error: type[errors.RustDockerError], found: str, set_by: str
) -> None:
    asked = {"libx-dev": "x-sys 1.0.0", "libpq-dev": "pq-sys 0.7.8"}
    packages = tuple(BuildPackage(package=name, because=crate) for name, crate in asked.items())
    container = replace(CONTAINER, packages=packages)
    made = failure_of("", container, is_of_musl=True, noticed=mark)

    assert type(made) is error
    assert found in made.found
    assert made.set_by.startswith(set_by)


@pytest.mark.parametrize(
    ("installed", "is_of_musl", "hint"),
    [
        ((), True, "Debian has libpcap0.8-dev for glibc alone: --libc gnu, or build another variant"),
        (("libpcap0.8-dev:amd64=1.10",), False, "libpcap0.8-dev is there, and is not what is wanted"),
        ((), False, 'set `build-packages = ["libpcap0.8-dev"]`, which has it'),
        (
            ("libpcap0.8-dev",),
            True,
            "Debian has libpcap0.8-dev for glibc alone: --libc gnu, or build another variant",
        ),
        (("libpcap0.8-dev",), False, "libpcap0.8-dev is there, and is not what is wanted"),
    ],
)
def test_what_cargo_lacked_outranks_its_exit_code(
    *, installed: tuple[str, ...], is_of_musl: bool, hint: str
) -> None:
    packages = tuple(BuildPackage(package=name, because="--x") for name in installed)
    output = ["error: linking with `cc` failed", "ld: cannot find -lpcap: No such file"]
    container = replace(CONTAINER, packages=packages)
    made = failure_of("", container, is_of_musl=is_of_musl, noticed="cargo build failed: 101", output=output)

    assert type(made) is errors.LacksPackage
    assert made.hint.startswith(hint)


@pytest.mark.parametrize(
    ("line", "is_told"),
    [
        ("error: couldn't read `src/../../VERSION`: No such file or directory (os error 2)", True),
        (
            'called `Result::unwrap()` on an `Err` value: Os { code: 2, message: "No such file or directory" }',
            True,
        ),
        ("error[E0425]: cannot find value `x` in this scope", False),
    ],
)
def test_a_file_that_is_not_there_may_be_one_that_was_not_sent(line: str, *, is_told: bool) -> None:
    failure = failure_of("x", CONTAINER, is_of_musl=False, noticed="cargo build failed: 101", output=[line])

    assert type(failure) is errors.CargoFailed
    assert ("by `sources`" in failure.hint) == is_told


OPENSSL = (
    "error: failed to run custom build command for `openssl-sys v0.9.106`",
    "  Could not find directory of OpenSSL installation",
)


@pytest.mark.parametrize(
    ("libc", "output", "error"),
    [
        ("musl", OPENSSL, errors.CannotBeStatic),
        ("gnu", OPENSSL, errors.CargoFailed),
        ("musl", ("error: failed to run custom build command for `ring v0.17.0`",), errors.CargoFailed),
        ("musl", ("error[E0425]: cannot find value",), errors.CargoFailed),
    ],
)
def test_a_script_that_looks_for_what_musl_has_not_is_named(
    libc: str, output: tuple[str, ...], error: type[Exception]
) -> None:
    failure = failure_of(
        "a step did not complete",
        CONTAINER,
        is_of_musl=libc == "musl",
        noticed="cargo build failed: 101",
        output=output,
    )

    assert type(failure) is error
    assert error is not errors.CannotBeStatic or "openssl-sys 0.9.106 cannot be part" in str(failure)
