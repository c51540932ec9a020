"""The path of `dockerfile`: plan -> a Dockerfile that builds without this tool."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.context.folder import (
    FOR_DEVELOPERS,
    SCRIPTS,
    cannot_write,
    files_archive,
    render_ignore_file,
    script,
)
from rustdocker_tasks.context.skeleton import skeleton_archive
from rustdocker_tasks.context.sources import ignore_patterns, list_sources
from rustdocker_tasks.dockerfile.compose import compose
from rustdocker_tasks.dockerfile.render import FIRST_LINE, render
from rustdocker_tasks.errors import NotOurs
from rustdocker_tasks.inputs.support import gather_support_files
from rustdocker_tasks.plan.groups import group_of
from rustdocker_tasks.plan.labels import without_commit
from rustdocker_tasks.plan.model import ContextNames

if TYPE_CHECKING:
    from pathlib import Path

    from rustdocker_tasks.plan.model import ContainerBuild, ImagePlan

_FOLDER = "docker"
_NAMES = ContextNames(
    folder=_FOLDER,
    sources=None,
    files=("files.tar",),
    fetch=None,
    skeleton=None,
    **{f"{name}_script": f"{name}.sh" for name in (*SCRIPTS, *FOR_DEVELOPERS)},
)
_FETCH, _SKELETON = "fetch.tar", "skeleton.tar"


def build_command(dockerfile: Path, container: ContainerBuild) -> str:
    """Return how docker builds it."""
    return shlex.join(("docker", "buildx", "build", f"--file={dockerfile}", str(container.context.root)))


def write_dockerfile(plan: ImagePlan, container: ContainerBuild) -> Path:
    """Write Dockerfile, its ignore file and the folder that they need into the workspace's root; return its path.

    A Dockerfile that this tool did not make is left alone: NotOurs.
    """
    root = plan.compile.root
    dockerfile, ignore_file, folder = root / "Dockerfile", root / "Dockerfile.dockerignore", root / _FOLDER
    script_mark = folder / _NAMES.compile_script
    for path, mark in ((dockerfile, dockerfile), (ignore_file, ignore_file), (folder, script_mark)):
        if os.path.lexists(path) and not (mark.is_file() and FIRST_LINE in mark.read_text(errors="replace")):
            raise NotOurs(path)
    support = gather_support_files(plan)
    labels = without_commit(plan.config.labels, plan.git)
    lasting = replace(plan, config=replace(plan.config, labels=labels))
    names = replace(
        _NAMES,
        folder=container.context.path_of(folder),
        fetch=_FETCH if container.fetch else None,
        skeleton=_SKELETON if container.skeleton else None,
    )
    with cannot_write(root):
        folder.mkdir(exist_ok=True)
        (folder / _NAMES.files[0]).write_bytes(files_archive(support))
        skeletons = {name: it for name, it in ((_FETCH, container.fetch), (_SKELETON, container.skeleton)) if it}
        if skeletons:
            sources = list_sources(container.context)
            for name, skeleton in skeletons.items():
                (folder / name).write_bytes(skeleton_archive(skeleton, sources))
        for name in _NAMES.scripts:
            (folder / name).write_bytes(script(name.removesuffix(".sh")))
        patterns = render_ignore_file(ignore_patterns(container.context), names.folder)
        ignore_file.write_text(f"{FIRST_LINE}\n{patterns}", encoding="utf-8")
        dockerfile.write_text(render(compose(group_of(lasting, container), names)), encoding="utf-8")
    return dockerfile
