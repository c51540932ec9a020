"""One solve of BuildKit's: the request of what a build or a command needs, and what came of it."""

from __future__ import annotations

import os
import re
from functools import partial
from typing import TYPE_CHECKING

from rustdocker_tasks.container_failure import failure_of
from rustdocker_tasks.context.folder import cannot_write, render_ignore_file
from rustdocker_tasks.dockerfile.compose import CA_BUNDLE, KNOWN_HOSTS, PROXIES
from rustdocker_tasks.dockerfile.render import render
from rustdocker_tasks.engine.build_log import BuildLog, Told
from rustdocker_tasks.engine.buildx import BuildRequest, BuildTarget, build
from rustdocker_tasks.engine.ca_bundle import find_ca_bundle
from rustdocker_tasks.inputs.credentials import find_credentials, find_known_hosts
from rustdocker_tasks.plan.model import GitState
from rustdocker_tasks.plan.tools import who_asks_for
from rustdocker_tasks.report import unread_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from rustdocker_tasks.context.folder import BuildContext
    from rustdocker_tasks.dockerfile.instructions import Dockerfile
    from rustdocker_tasks.engine.buildx import BuildResult
    from rustdocker_tasks.errors import RustDockerError
    from rustdocker_tasks.image import ImageReference
    from rustdocker_tasks.inputs.proxies import Proxies
    from rustdocker_tasks.plan.model import CargoCall, ContainerBuild, ContextNames, NoGitState
    from rustdocker_tasks.plan.tools import BuildPackage
    from rustdocker_tasks.progress import LiveProgress, Progress

# A source that the context brings in an old state is sent under another name: that cannot fail twice,
# unless somebody changes files meanwhile. A layer that the engine lost is there again at once: all steps are kept.
_ATTEMPTS = 3
# As dockerfile/assemble.sh says it.
_GETS = re.compile(r"the image gets (\S+) of .*")
# Without it buildx passes over that store. Source: the Docker docs, "GitHub Actions cache".
_OF_GITHUB = "ACTIONS_RUNTIME_TOKEN"
# What would change what cargo compiles on the host. Source: the Cargo book, "Environment Variables".
_OF_CARGO = re.compile(
    "RUSTFLAGS|CARGO_ENCODED_RUSTFLAGS|CARGO_BUILD_(RUSTFLAGS|TARGET)|CARGO_PROFILE_.*|CARGO_TARGET_.*_(RUSTFLAGS|LINKER)"
    "|CARGO_REGISTRIES_.*_INDEX|CARGO_REGISTRY_DEFAULT"
)


def solve(
    request: BuildRequest,
    context: BuildContext,
    *,
    stubs: frozenset[str] = frozenset(),
    packages: Sequence[BuildPackage] = (),
    meanwhile: Callable[[], None],
    progress: Progress,
) -> tuple[BuildResult, list[BuildLog]]:
    """Build, and return the logs of all attempts.

    It is tried again where the context brought a source in an old state, and where the engine lost a layer.
    `packages` are what is installed to compile, which tells who asks for a library.
    """
    logs: list[BuildLog] = []
    for left in reversed(range(_ATTEMPTS)):
        log = BuildLog(stubs=stubs)
        logs.append(log)
        with progress.live() as live:
            result = build(request, on_line=partial(_show, log, live, packages), meanwhile=meanwhile)
        if result.succeeded or not left or not (log.not_as_listed or log.lost_layer):
            break
        if log.lost_layer:
            progress.say("the engine lost a layer of the image while it unpacked it: once more")
        else:
            context.add_contents(list(context.sources) if "*" in log.not_as_listed else log.not_as_listed)
    return result, logs


def solve_alone(
    dockerfile: Dockerfile,
    context: BuildContext,
    container: ContainerBuild,
    proxies: Proxies,
    *,
    name: str,
    is_of_musl: bool,
    tags: tuple[ImageReference, ...] = (),
    folder: Path | None = None,
    progress: Progress,
) -> BuildResult:
    """Build what is no image of a program, into the engine or a folder; raises the error that it fails with."""
    path = context.dockerfile(name)
    write_dockerfile(path, dockerfile, context.names[0], context)
    target = BuildTarget(dockerfile=path, stage=None, tags=tags, folder=folder)
    request = build_request(context, [target], [container], proxies, created=0)
    result, logs = solve(request, context, meanwhile=lambda: None, progress=progress)
    if not result.succeeded:
        raise _failure(logs[-1], container, is_of_musl=is_of_musl)
    return result


def _failure(log: BuildLog, container: ContainerBuild, *, is_of_musl: bool) -> RustDockerError:
    told = log.told_of(log.told) or Told()
    output = tuple(told.output)
    return failure_of(log.reason, container, is_of_musl=is_of_musl, noticed=told.noticed, output=output)


def build_request(
    context: BuildContext,
    targets: Sequence[BuildTarget],
    containers: Sequence[ContainerBuild],
    proxies: Proxies,
    *,
    values: Mapping[str, str] | None = None,
    created: int,
) -> BuildRequest:
    """Return the request, with the secrets that its steps may see, among them `values` by ID."""
    bundle = find_ca_bundle(os.environ) if any(each.ca_bundle for each in containers) else None
    ssh_agent = any(each.ssh_agent for each in containers)
    files = {CA_BUNDLE: bundle, KNOWN_HOSTS: find_known_hosts() if ssh_agent else None}
    known = proxies.secret()
    return BuildRequest(
        context=context.folders.root,
        targets=tuple(targets),
        secret_files={identity: path for identity, path in files.items() if path is not None},
        secret_values={
            **find_credentials(containers[0].secrets),
            **({PROXIES: known} if known else {}),
            **(values or {}),
        },
        ssh_agent=ssh_agent and bool(os.environ.get("SSH_AUTH_SOCK")),
        builder=containers[0].builder,
        created=created,
    )


def write_dockerfile(path: Path, dockerfile: Dockerfile, names: ContextNames, context: BuildContext) -> None:
    """Write it, and the ignore file beside it; raises CannotWrite."""
    with cannot_write(path.parent):
        path.parent.mkdir(exist_ok=True)
        path.write_text(render(dockerfile), encoding="utf-8")
        ignore_file = render_ignore_file(context.patterns, names.folder)
        path.with_name("Dockerfile.dockerignore").write_text(ignore_file, encoding="utf-8")


def what_does_not_count(
    call: CargoCall, git: GitState | NoGitState, container: ContainerBuild, proxies: Proxies
) -> Iterator[str]:
    """Return what a build on the host would have, or somebody expects, and is not there, as lines for him."""
    if call.locked_packages is None:
        yield (
            "there is no Cargo.lock: cargo takes the newest versions; "
            "`cargo generate-lockfile` writes one, commit it"
        )
    yield from unread_lines(call)
    for path in container.unseen_config:
        yield f"{path} lies outside of the repository and does not count in containers"
    for key in container.sent_secrets:
        yield (
            f"{key} is a source like any other, and stays on the builder: keep it in credentials.toml of "
            "cargo's home, in a variable such as CARGO_REGISTRIES_NAME_TOKEN, or with git's credential helper"
        )
    for crate, package in container.unseen_needs:
        yield (
            f'{crate} looks for what is in {package} (as Debian trixie calls it) when it runs: "{package}" in '
            "`runtime-packages` brings it"
        )
    if container.git_readers and isinstance(git, GitState):
        yield f"{', '.join(container.git_readers)} will find no repository: `git-folder = true` sends its folder"
    if container.fetch is not None and not container.isolates:
        yield "this engine runs no step without network: `offline` keeps cargo from it, and not what cargo starts"
    stores = (*container.cache_from, *([container.cache_to] if container.cache_to else []))
    if any(store.is_github for store in stores) and not os.environ.get(_OF_GITHUB):
        yield (
            f"GitHub's store of layers is not used, as the variable {_OF_GITHUB} is not set: a step with `run:` "
            "has it after the action crazy-max/ghaction-github-runtime"
        )
    yield from _variables_left_out(call)
    for name in proxies.unreachable:
        yield f"{name} names this very machine, which no container reaches: it is not passed to the build"


def _variables_left_out(call: CargoCall) -> Iterator[str]:
    if call.environment.get("RUSTC_WRAPPER") == "" and "RUSTC_WRAPPER" not in call.own_variables:
        yield "the wrapper of rustc that cargo's configuration names is left out: what is compiled is kept anyway"
    for name in filter(_OF_CARGO.fullmatch, os.environ):
        if name not in call.environment:
            yield f"the variable {name} does not count in containers: `build-env` is what cargo gets there"


def _show(log: BuildLog, live: LiveProgress, packages: Sequence[BuildPackage], line: str) -> None:
    for shown in log.feed(line):
        gets = _GETS.fullmatch(shown)
        asker = who_asks_for(gets[1], packages) if gets else None
        live.say(f"{shown} (asked for by {asker})" if asker else shown)
    if log.step is not None:
        live.show(log.step)
