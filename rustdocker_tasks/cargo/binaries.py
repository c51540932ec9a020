"""Which of a project's binaries is meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rustdocker_tasks.errors import NoBinary, NoSuchBinary, NoSuchPackage, SeveralBinaries, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rustdocker_tasks.cargo.model import Package, Project, Target

_HELPERS = frozenset({"xtask", "fuzz", "examples", "benches", "benchmarks"})

Candidate = tuple["Package", "Target"]


def choose_binary(
    project: Project, *, package: str | None, binary: str | None, package_set_by: str, binary_set_by: str
) -> Candidate:
    """Return the package and the binary to put into the image.

    In this order: the binary named; the package's default-run; the only one; the one named like its package
    or the project's folder. Else SeveralBinaries lists what there is. `…_set_by` says who named them.
    What only helps development, such as a fuzz target, is left out where there is anything else.
    """
    anywhere = binary is not None and package is None
    packages = project.members if anywhere else _packages(project, package, set_by=package_set_by)
    candidates = [(p, b) for p in packages for b in p.binaries]
    if binary is not None:
        return _named(candidates, binary, set_by=binary_set_by)
    if package is None:
        candidates = [(p, b) for p, b in candidates if not _is_helper(p, project.root)] or candidates
    if not candidates:
        raise NoBinary(p.manifest for p in packages)
    for choice in (_default_runs(candidates), candidates, _namesakes(candidates, project.root.name)):
        if len(choice) == 1:
            return choice[0]
    raise SeveralBinaries([(p.name, b.name) for p, b in candidates], root=project.root)


def choose_package(
    project: Project, *, package: str | None, binary: str | None, package_set_by: str, binary_set_by: str
) -> Package:
    """Return the package whose own settings count, before they are read: they may name the binary."""
    packages = _packages(project, package, set_by=package_set_by)
    with_binaries = [p for p in packages if p.binaries]
    if package is None:
        with_binaries = [p for p in with_binaries if not _is_helper(p, project.root)] or with_binaries
    if len(with_binaries) == 1 and (binary is None or package is not None):
        return with_binaries[0]
    chosen, _ = choose_binary(
        project, package=package, binary=binary, package_set_by=package_set_by, binary_set_by=binary_set_by
    )
    return chosen


def _is_helper(package: Package, root: Path) -> bool:
    """Whether nobody would ship the package: by its name, its folder, or the mark that cargo-fuzz sets."""
    folders = package.folder.relative_to(root).parts if package.folder.is_relative_to(root) else ()
    mark = package.metadata.get("cargo-fuzz") if isinstance(package.metadata, Mapping) else None
    return bool(mark) or package.name in _HELPERS or not _HELPERS.isdisjoint(folders)


def _packages(project: Project, name: str | None, *, set_by: str) -> tuple[Package, ...]:
    if name is not None:
        named = tuple(p for p in project.members if p.name == name)
        if not named:
            names = sorted(p.name for p in project.members)
            raise NoSuchPackage(name, candidates=names, set_by=set_by, nearest=nearest(name, names))
        return named
    return project.default_members


def _named(candidates: Sequence[Candidate], name: str, *, set_by: str) -> Candidate:
    for package, binary in candidates:
        if binary.name == name:
            return package, binary
    names = sorted(binary.name for _, binary in candidates)
    raise NoSuchBinary(name, candidates=names, set_by=set_by, nearest=nearest(name, names))


def _default_runs(candidates: Sequence[Candidate]) -> list[Candidate]:
    return [(p, b) for p, b in candidates if b.name == p.default_run]


def _namesakes(candidates: Sequence[Candidate], folder: str) -> list[Candidate]:
    if len({p.name for p, _ in candidates}) == 1:
        return [(p, b) for p, b in candidates if b.name == p.name]
    return [(p, b) for p, b in candidates if b.name == folder]
