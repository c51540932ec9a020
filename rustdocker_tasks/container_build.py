"""The backend buildx: plan -> context and Dockerfile -> buildx -> image."""

from __future__ import annotations

import os
from time import perf_counter
from typing import TYPE_CHECKING

from rustdocker_tasks.context.folder import cannot_write, prepared_context, render_ignore_file
from rustdocker_tasks.dockerfile.compose import CA_BUNDLE, compose
from rustdocker_tasks.dockerfile.render import render
from rustdocker_tasks.engine.buildx import BuildRequest, build
from rustdocker_tasks.engine.ca_bundle import find_ca_bundle
from rustdocker_tasks.engine.progress import BuildLog
from rustdocker_tasks.errors import (
    BuildFailed,
    BuildxUnusable,
    CargoFailed,
    EngineGone,
    NoBaseImage,
    NoCargoInImage,
)
from rustdocker_tasks.inputs.root_files import PROGRAMS
from rustdocker_tasks.inputs.support import gather_support_files
from rustdocker_tasks.report import BuildReport, ImageContents, plan_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from rustdocker_tasks.context.folder import BuildContext
    from rustdocker_tasks.engine.buildx import BuildResult
    from rustdocker_tasks.engine.daemon import Daemon
    from rustdocker_tasks.errors import RustDockerError
    from rustdocker_tasks.image import BaseImage
    from rustdocker_tasks.plan.model import ContainerBuild, ImagePlan

    Say = Callable[[str], None]

# Source: BuildKit's own words, of Engine 20.10 and 28.5.
_CARGO_FAILED = "cargo failed: "  # of dockerfile/compile.sh
_NO_IMAGE = ("failed to resolve source metadata", "failed to do request", "pull access denied", "not found")
_ENGINE_GONE = ("code = Unavailable", "Cannot connect to the Docker daemon", "connection reset by peer")
# A source that the context brings in an old state is sent under another name: that cannot fail twice,
# unless somebody changes files meanwhile.
_ATTEMPTS = 3


def build_in_containers(plan: ImagePlan, container: ContainerBuild, engine: Daemon, *, say: Say) -> BuildReport:
    """Build the image and load it into the engine.

    cargo's output and the scripts' own goes to `say`. Raises CargoFailed, BuildFailed, NoBaseImage, ProjectError.
    """
    say(plan_line(plan))
    if not plan.compile.locked:
        say(
            "there is no Cargo.lock: cargo takes the newest versions; "
            "`cargo generate-lockfile` writes one, commit it"
        )
    support = gather_support_files(plan)
    began = perf_counter()
    with prepared_context(plan.compile.root, support) as context:
        request = _request(plan, container, context)
        for _ in range(_ATTEMPTS):
            log = BuildLog()
            result = build(request, on_line=lambda line, log=log: _show(log, line, say))  # type: ignore[misc]
            if result.succeeded or not log.not_as_listed:
                break
            context.add_contents(list(context.sources) if "*" in log.not_as_listed else log.not_as_listed)
    if not result.succeeded:
        raise _failure(log, container)
    image = engine.find_image(result.digests, label=plan.tags[0])
    seconds = {"build": perf_counter() - began}
    say(f"built and loaded in {seconds['build']:.1f} s: {', '.join(plan.tags)}")
    return BuildReport(plan=plan, contents=None, digests=_named(result), image=image, loaded=True, seconds=seconds)


def measure_image(plan: ImagePlan, engine: Daemon, image: str) -> ImageContents:
    """Return what the engine's image holds."""
    program = str(PROGRAMS / plan.name).lstrip("/")
    layers = engine.layer_sizes(image, frozenset({program}))
    return ImageContents(
        stored=sum(layer.stored for layer in layers),
        unpacked=sum(layer.unpacked for layer in layers),
        program=max(layer.files.get(program, 0) for layer in layers),
        layers=len(layers),
        libraries=(),
    )


def _request(plan: ImagePlan, container: ContainerBuild, context: BuildContext) -> BuildRequest:
    path = context.dockerfile(plan.variant.name)
    ignore_file = render_ignore_file(context.patterns, context.names.folder)
    with cannot_write(path.parent):
        path.parent.mkdir(exist_ok=True)
        path.write_text(render(compose(plan, container, context.names)), encoding="utf-8")
        path.with_name("Dockerfile.dockerignore").write_text(ignore_file, encoding="utf-8")
    bundle = find_ca_bundle(os.environ) if container.ca_bundle else None
    return BuildRequest(
        context=context.root,
        dockerfile=path,
        tags=plan.tags,
        secrets={CA_BUNDLE: bundle} if bundle else {},
        builder=container.builder,
    )


def _show(log: BuildLog, line: str, say: Say) -> None:
    shown = log.feed(line)
    if shown is not None:
        say(shown)


def _named(result: BuildResult) -> dict[str, str]:
    return dict(zip(("config", "manifest"), result.digests, strict=False))


def _failure(log: BuildLog, container: ContainerBuild) -> RustDockerError:
    """Return the error for a build that failed: ours for what our scripts noticed, else by buildx's words."""
    reason = log.reason
    noticed = log.marks[-1] if log.marks else ""
    if noticed == "no cargo":
        return NoCargoInImage(container.rust_image, set_by=container.rust_image_set_by)
    if noticed.startswith(_CARGO_FAILED):
        return CargoFailed(
            command="cargo build",
            code=int(noticed.removeprefix(_CARGO_FAILED)),
            found="its message stands above",
            hint="mend what it names, then build again",
        )
    if 'no builder "' in reason:
        return BuildxUnusable(reason, set_by=container.builder_set_by)
    if any(words in reason for words in _ENGINE_GONE):
        return EngineGone(reason)
    images = (
        (container.rust_image, container.rust_image_set_by),
        (container.runtime_image, container.runtime_image_set_by),
    )
    for image, set_by in images:
        if image is not None and any(words in reason for words in _NO_IMAGE) and _is_named(image, reason):
            return NoBaseImage(image, problem=reason, set_by=set_by)
    return BuildFailed(noticed or reason)


def _is_named(image: BaseImage, reason: str) -> bool:
    """Whether the reason names the image, which a registry's address does in parts: `library/rust/manifests/1`."""
    name, _, version = image.rpartition("/")[2].replace("@", ":", 1).partition(":")
    return name in reason and version in reason
