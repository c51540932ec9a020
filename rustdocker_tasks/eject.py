"""The path of `dockerfile`: plans -> Dockerfiles that build without this tool, and a file for bake."""

from __future__ import annotations

import os
import posixpath
import shlex
from itertools import chain
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.context.folder import (
    SCRIPTS,
    cannot_write,
    files_archive,
    folder_list,
    render_ignore_file,
    require_nameable,
    script,
)
from rustdocker_tasks.context.skeleton import skeleton_archive
from rustdocker_tasks.context.sources import ignore_patterns, list_sources
from rustdocker_tasks.dockerfile.bake import BakeTarget, render_bake_file
from rustdocker_tasks.dockerfile.compose import compose, final_stage
from rustdocker_tasks.dockerfile.render import FIRST_LINE, render
from rustdocker_tasks.errors import NotOurs
from rustdocker_tasks.inputs.root_files import libraries_among
from rustdocker_tasks.inputs.support import gather_support_files
from rustdocker_tasks.plan.groups import group_of
from rustdocker_tasks.plan.labels import without_commit
from rustdocker_tasks.plan.model import ContextNames, GitState
from rustdocker_tasks.plan.naming import LENGTH_OF_COMMIT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rustdocker_tasks.image import ImageReference
    from rustdocker_tasks.plan.context import ContextFolders
    from rustdocker_tasks.plan.model import ContainerBuild, ImageGroup, ImagePlan

_FOLDER = "docker"
_NAMES = ContextNames(
    folder=_FOLDER,
    sources=None,
    package_folders="package-folders",
    files=(),
    fetch=None,
    skeleton=None,
    scripts={name: f"{name}.sh" for name in SCRIPTS},
)


def build_command(dockerfile: Path, container: ContainerBuild) -> str:
    """Return how docker builds it."""
    return shlex.join(("docker", "buildx", "build", f"--file={dockerfile}", str(container.context.root)))


def write_dockerfile(plan: ImagePlan, container: ContainerBuild) -> Path:
    """Write Dockerfile, its ignore file and the folder that they need into the workspace's root; return its path.

    A Dockerfile that this tool did not make is left alone: NotOurs. Raises UnnameableFolder.
    """
    root = plan.compile.root
    dockerfile = root / "Dockerfile"
    require_nameable(container.context)
    _require_ours(root, dockerfile, root / "Dockerfile.dockerignore")
    with cannot_write(root):
        _write_scripts(root / _FOLDER, container.context)
        _write_group(group_of(plan, container), dockerfile, "")
    return dockerfile


def write_bake_file(groups: Sequence[ImageGroup]) -> Path:
    """Write a file for `docker buildx bake` with a target for each image, and the folder that it needs; return it.

    What is there and was not made by this tool is left alone: NotOurs. Raises UnnameableFolder.
    """
    root = groups[0].first.compile.root
    path, folder = root / "docker-bake.hcl", root / _FOLDER
    require_nameable(groups[0].container.context)
    _require_ours(root, path)
    targets: list[BakeTarget] = []
    with cannot_write(root):
        _write_scripts(folder, groups[0].container.context)
        for number, group in enumerate(groups, start=1):
            dockerfile = folder / f"group-{number}.Dockerfile"
            _write_group(group, dockerfile, f"-{number}")
            targets += _bake_targets(group, dockerfile, root)
        path.write_text(render_bake_file(targets), encoding="utf-8")
    return path


def _require_ours(root: Path, *paths: Path) -> None:
    folder = root / _FOLDER
    script_mark = folder / _NAMES.scripts["compile"]
    for path, mark in (*((path, path) for path in paths), (folder, script_mark)):
        if os.path.lexists(path) and not (mark.is_file() and FIRST_LINE in mark.read_text(errors="replace")):
            raise NotOurs(path)


def _write_scripts(folder: Path, context: ContextFolders) -> None:
    folder.mkdir(exist_ok=True)
    (folder / _NAMES.package_folders).write_bytes(folder_list(context))
    for name, path in _NAMES.scripts.items():
        (folder / path).write_bytes(script(name))


def _write_group(group: ImageGroup, dockerfile: Path, suffix: str) -> None:
    """Write a group's Dockerfile, its ignore file, and the archives of that suffix that it needs."""
    container, folder = group.container, group.first.compile.root / _FOLDER
    lasting = replace(group, images=tuple(map(_lasting, group.images)))
    files = tuple(
        f"files{suffix}{f'-{number + 1}' if len(group.images) > 1 else ''}.tar"
        for number in range(len(group.images))
    )
    support = [gather_support_files(image) for image in group.images]
    for name, entries in zip(files, support, strict=True):
        (folder / name).write_bytes(files_archive(entries))
    skeletons = {"fetch": container.fetch, "skeleton": container.skeleton}
    wanted = {name: skeleton for name, skeleton in skeletons.items() if skeleton is not None}
    written = {name: f"{name}{suffix}.tar" for name in wanted}
    sources = list_sources(container.context)
    for name, skeleton in wanted.items():
        (folder / written[name]).write_bytes(skeleton_archive(skeleton, sources))
    names = replace(
        _NAMES,
        folder=container.context.path_of(folder),
        files=files,
        libraries=libraries_among(chain.from_iterable(support)),
        fetch=written.get("fetch"),
        skeleton=written.get("skeleton"),
    )
    lasting_patterns = (*ignore_patterns(container.context), *sources.exceptions)
    patterns = render_ignore_file(lasting_patterns, names.folder)
    ignore_file = dockerfile.with_name(f"{dockerfile.name}.dockerignore")
    ignore_file.write_text(f"{FIRST_LINE}\n{patterns}", encoding="utf-8")
    dockerfile.write_text(render(compose(lasting, names)), encoding="utf-8")


def _lasting(plan: ImagePlan) -> ImagePlan:
    """Return the plan without the commit, which what is written outlives."""
    labels = without_commit(plan.config.labels, plan.git)
    return replace(plan, config=replace(plan.config, labels=labels))


def _lasting_tags(plan: ImagePlan) -> tuple[ImageReference, ...]:
    """Return the tags that do not name the commit, all where there is no other."""
    if not isinstance(plan.git, GitState):
        return plan.tags
    commit = plan.git.commit[:LENGTH_OF_COMMIT]
    return tuple(tag for tag in plan.tags if commit not in tag) or plan.tags


def _bake_targets(group: ImageGroup, dockerfile: Path, root: Path) -> Iterator[BakeTarget]:
    context = group.container.context
    for number, image in enumerate(group.images):
        yield BakeTarget(
            name=image.name,
            context=posixpath.relpath(context.root.as_posix(), root.as_posix()),
            dockerfile=context.path_of(dockerfile),
            stage=final_stage(group, number),
            tags=_lasting_tags(image),
            created=image.created,
        )
