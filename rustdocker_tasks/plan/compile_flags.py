"""What both backends tell cargo to compile, in the same words. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from rustdocker_tasks.plan.model import CargoCall, CompileStep, ImageGroup, ImagePlan


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


def program_flags(group: ImageGroup, sources: str) -> list[str]:
    """Return cargo's flags that say which programs to compile, of a workspace in a folder of that name."""
    context = group.container.context
    manifests = {image.compile.manifest for image in group.images}
    is_one_package = len(manifests) == 1
    manifest = manifests.pop() if is_one_package else group.first.compile.root / "Cargo.toml"
    return [
        f"--manifest-path={sources}/{context.path_of(manifest)}",
        *([] if is_one_package else dict.fromkeys(_package_flag(group, image, sources) for image in group.images)),
        *(f"--bin={image.compile.binary}" for image in group.images),
    ]


def _package_flag(group: ImageGroup, image: ImagePlan, sources: str) -> str:
    """Return the flag for an image's package; a version does not tell it apart, as a skeleton's is masked.

    Source: the Cargo book, "Package ID Specifications".
    """
    name = image.compile.package
    if name not in group.ambiguous:
        return f"--package={name}"
    folder = group.container.context.path_of(image.compile.manifest.parent)
    return f"--package=file://{sources}/{quote(folder)}#{name}"


def lock_flags(call: CargoCall) -> list[str]:
    # Without it cargo renews a lock file that is out of date, and rewrites one that is not in its own form.
    return ["--locked"] if call.locked else []
