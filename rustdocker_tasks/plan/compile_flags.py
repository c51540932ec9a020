"""What both backends tell cargo to compile, in the same words. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rustdocker_tasks.plan.model import CargoCall, CompileGroup, CompileStep, ImagePlan


def compile_flags(call: CargoCall) -> list[str]:
    """Return cargo's flags for profile, features and lock file."""
    return [
        *([f"--profile={call.profile}"] if call.profile else []),
        *([f"--features={','.join(call.features)}"] if call.features else []),
        *([] if call.default_features else ["--no-default-features"]),
        *lock_flags(call),
    ]


def static_flags(step: CompileStep) -> list[str]:
    """Return the flag that links glibc statically, into programs and not into build scripts.

    Source: the Cargo book, "Configuration": flags for targets are joined, and take the place of those for all.
    """
    if not step.crt_static:
        return []
    flags = json.dumps([*step.rustflags, "-Ctarget-feature=+crt-static"])
    return [f"--config=target.'cfg(target_env=\"gnu\")'.rustflags={flags}"]


def program_flags(group: CompileGroup, place: Callable[[Path], str]) -> list[str]:
    """Return cargo's flags that say which programs to compile; `place` says where a path lies for this cargo."""
    manifests = {image.compile.manifest for image in group.images}
    is_one_package = len(manifests) == 1
    manifest = manifests.pop() if is_one_package else group.first.compile.root / "Cargo.toml"
    return [
        f"--manifest-path={place(manifest)}",
        *([] if is_one_package else dict.fromkeys(_package_flag(group, image, place) for image in group.images)),
        *dict.fromkeys(f"--bin={name}" for image in group.images for name in image.compile.binaries),
    ]


def _package_flag(group: CompileGroup, image: ImagePlan, place: Callable[[Path], str]) -> str:
    """Return the flag for an image's package; a version does not tell it apart, as a skeleton's is masked.

    Source: the Cargo book, "Package ID Specifications".
    """
    name = image.compile.package
    if name not in group.ambiguous:
        return f"--package={name}"
    return f"--package=file://{quote(place(image.compile.manifest.parent))}#{name}"


def lock_flags(call: CargoCall) -> list[str]:
    # Without it cargo renews a lock file that is out of date, and rewrites one that is not in its own form.
    return ["--locked"] if call.locked else []
