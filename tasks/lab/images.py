"""The base images: pulled where a registry is in reach, else made of Debian's packages and the machine's Rust.

Each stand-in has what the official image of its name has, as far as a build can see it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tasks.lab.cache import key_of, made_once, say
from tasks.lab.debian import bootstrap, install

RELEASE = "trixie"
RUNTIME = f"debian:{RELEASE}-slim"
RUST = f"rust:1-slim-{RELEASE}"
RUST_MUSL = f"rust:1.85-slim-{RELEASE}"  # also compiles for musl and for arm64
_LABEL = "rustdocker-tasks.lab"
_TREE = "tree.tar"
_COMPILER = ("ca-certificates", "gcc", "libc6-dev")
_ARM64_COMPILER = ("libstd-rust-dev:arm64", "gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross")
_MUSL_SCRIPT = Path(__file__).parent / "musl.sh"
_CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_RUST_ENVIRONMENT = {
    "RUSTUP_HOME": "/usr/local/rustup",
    "CARGO_HOME": "/usr/local/cargo",
    "PATH": "/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}


@dataclass(frozen=True)
class BaseImage:
    """A base image; `make` writes its file tree as a tar archive."""

    name: str
    make: Callable[[Path], None]
    recipe: tuple[object, ...]
    environment: dict[str, str]

    @property
    def key(self) -> str:
        return key_of(self.recipe)


def require_images(hosts: Sequence[str | None]) -> None:
    """Give every engine (None: the machine's own) the base images."""
    for image in (_debian(), _rust(), _rust_with_targets()):
        lacking = [host for host in hosts if not _has(host, image)]
        if not lacking or all(_pulled(host, image.name) for host in lacking):
            continue
        install({"mmdebstrap": "mmdebstrap"})
        folder = made_once(image.name.replace(":", "-"), partial(_make, image), recipe=image.recipe)
        for host in lacking:
            _import(host, image, folder / _TREE)


def _make(image: BaseImage, folder: Path) -> None:
    say(f"making {image.name}")
    image.make(folder / _TREE)


def _docker(host: str | None) -> list[str]:
    return ["docker", *(["--host", host] if host else [])]


def _has(host: str | None, image: BaseImage) -> bool:
    """Return whether the engine has the image: a pulled one, or a stand-in of this very recipe."""
    words = [
        *_docker(host),
        "image",
        "inspect",
        image.name,
        "--format",
        f'{{{{index .Config.Labels "{_LABEL}"}}}}',
    ]
    found = subprocess.run(words, capture_output=True, text=True, check=False)
    return found.returncode == 0 and found.stdout.strip() in {"", image.key}


def _pulled(host: str | None, name: str) -> bool:
    return (
        subprocess.run([*_docker(host), "pull", "--quiet", name], capture_output=True, check=False).returncode == 0
    )


def _import(host: str | None, image: BaseImage, tree: Path) -> None:
    say(f"importing {image.name}{f' into {host}' if host else ''}")
    environment = [f"ENV {name}={value}" for name, value in image.environment.items()]
    changes = [*environment, 'CMD ["bash"]', f"LABEL {_LABEL}={image.key}"]
    words = [*_docker(host), "import", *(f"--change={line}" for line in changes), str(tree), image.name]
    subprocess.run(words, check=True, stdout=sys.stderr)


def _debian() -> BaseImage:
    return BaseImage(
        name=RUNTIME,
        make=lambda tree: bootstrap(tree, RELEASE),
        recipe=("debian", RELEASE),
        environment={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
    )


def _rust() -> BaseImage:
    """The machine's own toolchain at the official image's places."""
    sysroot = Path(_asked("rustc", "--print", "sysroot"))
    proxies = Path(shutil.which("rustup") or "").parent
    here = f"$1/usr/local/rustup/toolchains/{sysroot.name}"
    # The official image has rustup's programs for components too, which it has not.
    programs = ("rustup", "cargo", "rustc", "rustdoc", "cargo-clippy", "clippy-driver", "cargo-fmt", "rustfmt")
    names = " ".join(f"{proxies}/{name}" for name in programs)
    settings = f'version = "12"\\ndefault_toolchain = "{sysroot.name}"\\n'
    hooks = [
        f'mkdir -p "{here}" "$1/usr/local/cargo/bin"',
        f'cp -a {sysroot}/bin {sysroot}/lib {sysroot}/etc "{here}"',
        f'cp -a {names} "$1/usr/local/cargo/bin"',
        f"printf '{settings}' > \"$1/usr/local/rustup/settings.toml\"",
    ]
    version = _asked("rustc", "--version").split()[1]
    return BaseImage(
        name=RUST,
        make=lambda tree: bootstrap(tree, RELEASE, include=_COMPILER, hooks=hooks),
        recipe=("rust", RELEASE, version, *hooks),
        environment={**_RUST_ENVIRONMENT, "RUST_VERSION": version},
    )


def _rust_with_targets() -> BaseImage:
    """Debian's own Rust: the only one whose sources, and so whose musl library, can be had without rustup."""
    packages = (*_COMPILER, "cargo", "rustc", "libstd-rust-dev", "rust-src", "musl-tools", *_ARM64_COMPILER)
    hooks = [
        f'cp {_CA_BUNDLE} "$1/tmp/ca.crt"',
        f'cp {_MUSL_SCRIPT} "$1/tmp/musl.sh"',
        'chroot "$1" env -i PATH=/usr/sbin:/usr/bin HOME=/tmp CARGO_HTTP_CAINFO=/tmp/ca.crt sh /tmp/musl.sh',
        'chroot "$1" apt-get purge --quiet=2 --yes rust-src > /dev/null',
        'rm "$1/tmp/ca.crt" "$1/tmp/musl.sh"',
    ]
    return BaseImage(
        name=RUST_MUSL,
        make=lambda tree: bootstrap(tree, RELEASE, include=packages, hooks=hooks, architectures="amd64,arm64"),
        # Without the hooks: the checkout's own place is in them.
        recipe=("rust with musl and arm64", RELEASE, packages, _MUSL_SCRIPT.read_text()),
        environment=_RUST_ENVIRONMENT,
    )


def _asked(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
