"""The backend buildx: plan -> context and Dockerfile -> buildx -> image."""

from __future__ import annotations

import os
import re
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from rustdocker_tasks.container_failure import failure_of
from rustdocker_tasks.context.folder import cannot_write, explanation_file, prepared_context, render_ignore_file
from rustdocker_tasks.dockerfile.compose import CA_BUNDLE, KNOWN_HOSTS, PROXIES, compose
from rustdocker_tasks.dockerfile.render import render
from rustdocker_tasks.engine.build_log import BuildLog
from rustdocker_tasks.engine.buildx import BuildRequest, build
from rustdocker_tasks.engine.ca_bundle import find_ca_bundle
from rustdocker_tasks.engine.layer_folder import set_damaged_index_aside
from rustdocker_tasks.explanation import Explanation, encode
from rustdocker_tasks.inputs.credentials import find_credentials, find_known_hosts
from rustdocker_tasks.inputs.files import write_whole
from rustdocker_tasks.inputs.proxies import find_proxies
from rustdocker_tasks.inputs.root_files import PROGRAMS
from rustdocker_tasks.inputs.support import gather_support_files
from rustdocker_tasks.meanwhile import Meanwhile
from rustdocker_tasks.plan.model import GitState
from rustdocker_tasks.report import BuildReport, ImageContents, plan_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rustdocker_tasks.context.folder import BuildContext
    from rustdocker_tasks.engine.buildx import BuildResult
    from rustdocker_tasks.engine.daemon import Daemon
    from rustdocker_tasks.inputs.proxies import Proxies
    from rustdocker_tasks.plan.model import ContainerBuild, ImagePlan
    from rustdocker_tasks.progress import LiveProgress, Progress

# A source that the context brings in an old state is sent under another name: that cannot fail twice,
# unless somebody changes files meanwhile.
_ATTEMPTS = 3
_WORTH_NAMING = 0.1  # seconds
# What would change what cargo compiles on the host. Source: the Cargo book, "Environment Variables".
_OF_CARGO = re.compile(
    "RUSTFLAGS|CARGO_ENCODED_RUSTFLAGS|CARGO_BUILD_(RUSTFLAGS|TARGET)|CARGO_PROFILE_.*|CARGO_TARGET_.*_(RUSTFLAGS|LINKER)"
)


def build_in_containers(
    plan: ImagePlan, container: ContainerBuild, find_engine: Callable[[], Daemon], *, progress: Progress
) -> BuildReport:
    """Build the image and load it into the engine, which is looked for meanwhile: it only tells the image's ID.

    cargo's output and the scripts' own are shown. Raises CargoFailed, BuildFailed, NoBaseImage, ProjectError.
    """
    proxies = find_proxies(os.environ)
    progress.say(plan_line(plan))
    for line in (*_what_does_not_count(plan, container, proxies), *_mended_stores(container.cache_folders)):
        progress.say(line)
    support = gather_support_files(plan)
    began = perf_counter()
    engine = Meanwhile(find_engine)
    others = container.cache_folders
    with prepared_context(
        container.context, support, fetch=container.fetch, skeleton=container.skeleton, others=others
    ) as context:
        request = _request(plan, container, context, proxies)
        for _ in range(_ATTEMPTS):
            log = BuildLog(stubs=frozenset(container.skeleton.packages if container.skeleton else ()))
            with progress.live() as live:
                result = build(request, on_line=partial(_show, log, live), meanwhile=engine.start)
            if result.succeeded or not log.not_as_listed:
                break
            context.add_contents(list(context.sources) if "*" in log.not_as_listed else log.not_as_listed)
        write_whole(explanation_file(plan.compile.root), encode(_explain(plan, container, context, log)))
    if not result.succeeded:
        raise failure_of(log, container, is_of_musl=plan.is_of_musl)
    image = engine.result().find_image(result.digests, label=plan.tags[0])
    seconds = {**log.seconds, "build": perf_counter() - began}
    progress.say(f"built and loaded in {seconds['build']:.1f} s{_longest(log)}: {', '.join(plan.tags)}")
    return BuildReport(plan=plan, contents=None, digests=_named(result), image=image, loaded=True, seconds=seconds)


def _what_does_not_count(plan: ImagePlan, container: ContainerBuild, proxies: Proxies) -> Iterator[str]:
    """What a build on the host would have, or somebody expects, and is not there."""
    if plan.compile.locked_packages is None:
        yield (
            "there is no Cargo.lock: cargo takes the newest versions; "
            "`cargo generate-lockfile` writes one, commit it"
        )
    for path in container.unseen_config:
        yield f"{path} lies outside of the repository and does not count in containers"
    if container.git_readers and isinstance(plan.git, GitState):
        yield f"{', '.join(container.git_readers)} will find no repository: `git-folder = true` sends its folder"
    if container.fetch is not None and not container.isolates:
        yield "this engine runs no step without network: `offline` keeps cargo from it, and not what cargo starts"
    for name in filter(_OF_CARGO.fullmatch, os.environ):
        if name not in plan.compile.environment:
            yield f"the variable {name} does not count in containers: `build-env` is what cargo gets there"
    for name in proxies.unreachable:
        yield f"{name} names this very machine, which no container reaches: it is not passed to the build"


def _mended_stores(folders: Sequence[Path]) -> Iterator[str]:
    for folder in folders:
        with cannot_write(folder):
            if set_damaged_index_aside(folder):
                yield f"the index of the layers in {folder} was cut off, and is set aside"


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


def _request(plan: ImagePlan, container: ContainerBuild, context: BuildContext, proxies: Proxies) -> BuildRequest:
    path = context.dockerfile(plan.variant.name)
    ignore_file = render_ignore_file(context.patterns, context.names.folder)
    with cannot_write(path.parent):
        path.parent.mkdir(exist_ok=True)
        path.write_text(render(compose(plan, container, context.names)), encoding="utf-8")
        path.with_name("Dockerfile.dockerignore").write_text(ignore_file, encoding="utf-8")
    bundle = find_ca_bundle(os.environ) if container.ca_bundle else None
    hosts = find_known_hosts() if container.ssh_agent else None
    files = {CA_BUNDLE: bundle, KNOWN_HOSTS: hosts}
    known = proxies.secret()
    return BuildRequest(
        context=context.folders.root,
        dockerfile=path,
        tags=plan.tags,
        secret_files={identity: path for identity, path in files.items() if path is not None},
        secret_values={**find_credentials(container.secrets), **({PROXIES: known} if known else {})},
        ssh_agent=container.ssh_agent and bool(os.environ.get("SSH_AUTH_SOCK")),
        builder=container.builder,
        cache_from=container.cache_from,
        cache_to=container.cache_to,
    )


def _explain(plan: ImagePlan, container: ContainerBuild, context: BuildContext, log: BuildLog) -> Explanation:
    return Explanation(
        plan=plan_line(plan),
        cache=container.cache_reason,
        changes=context.changes,
        compiled=tuple(log.compiled),
        seconds=log.seconds,
        slowest=log.took,
        from_cache=tuple(dict.fromkeys(log.cached)),
        sent=log.sent,
    )


def _show(log: BuildLog, live: LiveProgress, line: str) -> None:
    for shown in log.feed(line):
        live.say(shown)
    if log.step is not None:
        live.show(log.step)


def _longest(log: BuildLog) -> str:
    """Return what the time went to, where that can be seen in tenths of a second."""
    steps = [f"{name} {seconds:.1f} s" for name, seconds in log.seconds.items() if seconds >= _WORTH_NAMING]
    return f" ({', '.join(steps)})" if steps else ""


def _named(result: BuildResult) -> dict[str, str]:
    return dict(zip(("config", "manifest"), result.digests, strict=False))
