"""The path of `shell`: Cargo's files -> an image of what compiles the project -> a shell in it."""

from __future__ import annotations

import os
import posixpath
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rustdocker_tasks.commands import plan_command
from rustdocker_tasks.context.folder import GroupContents, prepared_context
from rustdocker_tasks.dockerfile.compose import CA_BUNDLE, KEPT, PROXIES
from rustdocker_tasks.dockerfile.compose_shell import compose_shell
from rustdocker_tasks.engine.buildx import run_interactively
from rustdocker_tasks.engine.ca_bundle import find_ca_bundle
from rustdocker_tasks.engine.connection import connect
from rustdocker_tasks.image import ImageReference
from rustdocker_tasks.inputs.proxies import find_proxies
from rustdocker_tasks.plan.commands import SHELL, CommandWords
from rustdocker_tasks.plan.container import require_container
from rustdocker_tasks.solve import solve_alone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rustdocker_tasks.inputs.proxies import Proxies
    from rustdocker_tasks.plan.commands import CommandPlan
    from rustdocker_tasks.plan.context import ContextFolders
    from rustdocker_tasks.plan.model import ContainerBuild
    from rustdocker_tasks.progress import Progress
    from rustdocker_tasks.settings.sources import Layer

# Read-only: what is written in a container by its root would be root's here too.
_SOURCES = "/sources"


def open_shell(
    start: Path, layers: Sequence[Layer], words: Sequence[str], *, progress: Progress
) -> tuple[str, int]:
    """Open a shell with these arguments; return what it wrote, where no terminal got that, and its exit code.

    It has the Rust, the packages, the certificates and the proxies with which images are built. What is compiled
    in it stays on a volume of the project's. Raises ProjectError, SettingsError, CompileError, EngineError.
    """
    plan = plan_command(start, layers, SHELL, CommandWords()).plan
    container = require_container(plan, "it is the machine itself, and has a shell")
    proxies = find_proxies(os.environ)
    image = _make_image(plan, container, proxies, progress)
    folder = posixpath.normpath(posixpath.join(_SOURCES, container.context.project_path))
    with TemporaryDirectory() as name:
        mounts = [
            *_sources(container.context),
            ("type=volume", f"source={container.shell_id}", f"target={KEPT}"),
            *_secrets(container, proxies, Path(name)),
        ]
        return run_interactively(
            image,
            words,
            mounts=mounts,
            environment=plan.call.environment,
            workdir=folder,
            tty=sys.stdin.isatty(),
        )


def _make_image(plan: CommandPlan, container: ContainerBuild, proxies: Proxies, progress: Progress) -> str:
    tag = ImageReference(f"rustdocker-shell:{container.shell_id}")
    contents = GroupContents(support=())
    with prepared_context(container.context, [contents], say=progress.say) as context:
        dockerfile = compose_shell(plan, container, context.names[0])
        result = solve_alone(
            dockerfile,
            context,
            container,
            proxies,
            name="shell",
            is_of_musl=plan.call.is_of_musl,
            tags=(tag,),
            progress=progress,
        )
    return connect().find_image(result.digests[0], label=tag)


def _sources(folders: ContextFolders) -> Iterator[tuple[str, ...]]:
    """Mounts of what the project is made of, each where it lies in the context."""
    for place in folders.places:
        if place.exists():
            yield _mounted(place, posixpath.normpath(posixpath.join(_SOURCES, folders.path_of(place))))


def _secrets(container: ContainerBuild, proxies: Proxies, folder: Path) -> Iterator[tuple[str, ...]]:
    """Mounts of what the shell needs to know of this machine, in the places where a build has its secrets."""
    bundle = find_ca_bundle(os.environ) if container.ca_bundle else None
    if bundle is not None:
        yield _mounted(bundle.resolve(), f"/run/secrets/{CA_BUNDLE}")
    if known := proxies.secret():
        (folder / PROXIES).write_text(known, encoding="utf-8")
        yield _mounted(folder / PROXIES, f"/run/secrets/{PROXIES}")


def _mounted(path: Path, target: str) -> tuple[str, ...]:
    """Return a mount in docker's words, which it reads as a row of CSV."""
    fields = ("type=bind", f"source={path}", f"target={target}", "readonly")
    return tuple('"{}"'.format(field.replace('"', '""')) for field in fields)
