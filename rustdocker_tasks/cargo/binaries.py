"""Which of a project's binaries is meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rustdocker_tasks.cargo.features import enabled_features, named_features
from rustdocker_tasks.errors import (
    AmbiguousBinary,
    BinariesBehindFeatures,
    NoBinary,
    NoSuchBinary,
    NoSuchPackage,
    SeveralBinaries,
    nearest,
)
from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from pathlib import Path

    from rustdocker_tasks.cargo.model import Package, Project, Target

_HELPERS = frozenset({"xtask", "fuzz", "examples", "benches", "benchmarks"})

Candidate = tuple["Package", "Target"]


class Program(Frozen, frozen=True, kw_only=True):
    """A binary that is to be shipped. `name` tells it from the others of its workspace."""

    name: str
    package: str
    binary: str


class BinaryRequest(Frozen, frozen=True, kw_only=True):
    """What is asked for: names, None for one that nobody gave; who gave them; and the features that are on."""

    package: str | None = None
    package_set_by: str = "nobody"
    binary: str | None = None
    binary_set_by: str = "nobody"
    features: tuple[str, ...] = ()
    default_features: bool = True


_NOTHING_ASKED = BinaryRequest()


def choose_binary(project: Project, request: BinaryRequest) -> Candidate:
    """Return the package and the binary to put into the image.

    In this order: the binary named; the package's default-run; the only one; the one named like its package
    or the project's folder. Else SeveralBinaries lists what there is.
    What only helps development, such as a fuzz target, is left out where there is anything else. A binary behind
    features that are off counts only if it is named: cargo passes over it, and BinariesBehindFeatures says so
    where nothing else is left.
    """
    candidates = _candidates(project, request)
    if request.binary is not None:
        return _named(project, candidates, request.binary, set_by=request.binary_set_by)
    if not candidates:
        looked_at = _packages(project, request)
        others = [p.name for p in project.members if p.binaries and p not in looked_at]
        raise NoBinary((p.manifest for p in looked_at), others=others)
    available = [(p, b) for p, b in candidates if not _missing_features(p, b, request)]
    default_runs = _default_runs(candidates)
    if not available or (default_runs and not any(candidate in available for candidate in default_runs)):
        raise BinariesBehindFeatures(
            [(p.name, b.name, _missing_features(p, b, request)) for p, b in default_runs or candidates],
            manifest=candidates[0][0].manifest,
        )
    for choice in _choices(available, project.root.name):
        if len(choice) == 1:
            return choice[0]
    raise SeveralBinaries([(p.name, b.name) for p, b in available], root=project.root)


def shipped_programs(project: Project, asked: BinaryRequest = _NOTHING_ASKED) -> tuple[Program, ...]:
    """Return the programs of all members: a package's own choice, default-run or only binary, else all binaries.

    As in `choose_binary`, what only helps development is left out where there is anything else, and so is a binary
    behind features that are off. What is `asked` of features outranks Cargo's files.
    """
    by_package: dict[str, tuple[Package, list[Target]]] = {}
    for package, binary in _all_candidates(project):
        request = _own_request(project, package, binary, asked)
        if binary.name == request.binary or not _missing_features(package, binary, request):
            by_package.setdefault(package.name, (package, []))[1].append(binary)
    programs = [program for each in by_package.values() for program in _programs_of(*each)]
    names = [program.name for program in programs]
    return tuple(
        replace(each, name=f"{each.package}-{each.binary}")
        if each.name != each.package and names.count(each.name) > 1
        else each
        for each in programs
    )


def require_programs(project: Project, asked: BinaryRequest = _NOTHING_ASKED) -> tuple[Program, ...]:
    """Return the programs that are to be shipped; raises NoBinary, BinariesBehindFeatures if there is none."""
    programs = shipped_programs(project, asked)
    if programs:
        return programs
    candidates = _all_candidates(project)
    if not candidates:
        raise NoBinary(package.manifest for package in project.members)
    raise BinariesBehindFeatures(
        [(p.name, b.name, _missing_features(p, b, _own_request(project, p, b, asked))) for p, b in candidates],
        manifest=candidates[0][0].manifest,
    )


def _all_candidates(project: Project) -> list[Candidate]:
    return _without_helpers([(p, b) for p in project.members for b in p.binaries], project.root)


def _programs_of(package: Package, binaries: Sequence[Target]) -> list[Program]:
    names = [binary.name for binary in binaries]
    chosen = next((name for name in (_own_binary(package), package.default_run) if name in names), None)
    if chosen is not None or len(names) == 1:
        return [Program(name=package.name, package=package.name, binary=chosen or names[0])]
    return [Program(name=name, package=package.name, binary=name) for name in names]


def _own_binary(package: Package) -> str | None:
    """Return the binary that the package's own table names."""
    chosen = _table(package.metadata, "rustdocker").get("bin")
    return chosen if isinstance(chosen, str) else None


def _own_request(project: Project, package: Package, binary: Target, asked: BinaryRequest) -> BinaryRequest:
    """Return what Cargo's files say of a binary and its features; what is wrong there is for others to say."""
    of_package, of_workspace = (_table(each.metadata, "rustdocker") for each in (package, project))
    tables = [
        table
        for of_all in (of_package, of_workspace)
        for table in (_table(of_all.get("bin"), binary.name), of_all)
    ]
    features = next((table["features"] for table in tables if "features" in table), ())
    defaults = next((table["default-features"] for table in tables if "default-features" in table), True)
    return BinaryRequest(
        binary=_own_binary(package),
        features=asked.features or named_features(features),
        default_features=asked.default_features and defaults is not False,
    )


def _table(value: object, *keys: str) -> Mapping[str, object]:
    """Return the table below these keys, an empty one where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def choose_package(project: Project, request: BinaryRequest) -> Package:
    """Return the package whose own settings count, before they are read: they may name the binary and features."""
    candidates = _candidates(project, request)
    packages = list({p.name: p for p, _ in candidates}.values())
    if len(packages) == 1 and (request.binary is None or request.package is not None):
        return packages[0]
    return choose_binary(project, request)[0]


def _candidates(project: Project, request: BinaryRequest) -> list[Candidate]:
    candidates = [(p, b) for p in _packages(project, request) for b in p.binaries]
    if request.package is None and request.binary is None:
        return _without_helpers(candidates, project.root)
    return candidates


def _without_helpers(candidates: list[Candidate], root: Path) -> list[Candidate]:
    """Return those of packages that somebody would ship, all where there are none."""
    return [(p, b) for p, b in candidates if not _is_helper(p, root)] or candidates


def _packages(project: Project, request: BinaryRequest) -> tuple[Package, ...]:
    name = request.package
    if name is None:
        return project.default_members if request.binary is None else project.members
    named = tuple(p for p in project.members if p.name == name)
    if not named:
        names = sorted(p.name for p in project.members)
        raise NoSuchPackage(name, candidates=names, set_by=request.package_set_by, nearest=nearest(name, names))
    return named


def _is_helper(package: Package, root: Path) -> bool:
    """Whether nobody would ship the package: by its name, its folder, or the mark that cargo-fuzz sets."""
    folders = package.folder.relative_to(root).parts if package.folder.is_relative_to(root) else ()
    mark = _table(package.metadata).get("cargo-fuzz")
    return bool(mark) or package.name in _HELPERS or not _HELPERS.isdisjoint(folders)


def _missing_features(package: Package, binary: Target, request: BinaryRequest) -> tuple[str, ...]:
    """Return the features without which cargo passes over the binary, as far as they are off."""
    if not binary.required_features:
        return ()
    enabled = enabled_features(package, request.features, default=request.default_features)
    return tuple(feature for feature in binary.required_features if feature not in enabled)


def _named(project: Project, candidates: Sequence[Candidate], name: str, *, set_by: str) -> Candidate:
    """Return the candidate of this name; of several that of the package which cargo itself would build."""
    found = [(p, b) for p, b in candidates if b.name == name]
    defaults = {package.name for package in project.default_members}
    usual = [(p, b) for p, b in found if p.name in defaults] or found
    if len(usual) > 1:
        raise AmbiguousBinary(name, packages=[p.name for p, _ in usual], set_by=set_by)
    if usual:
        return usual[0]
    names = sorted(binary.name for _, binary in candidates)
    raise NoSuchBinary(name, candidates=names, set_by=set_by, nearest=nearest(name, names))


def _default_runs(candidates: Sequence[Candidate]) -> list[Candidate]:
    return [(p, b) for p, b in candidates if b.name == p.default_run]


def _choices(candidates: Sequence[Candidate], folder: str) -> list[list[Candidate]]:
    """The rules in their order: each leaves the candidates that it speaks for, and decides if that is one."""
    is_one_package = len({p.name for p, _ in candidates}) == 1
    return [
        _default_runs(candidates),
        list(candidates),
        [(p, b) for p, b in candidates if is_one_package and b.name == p.name],
        [(p, b) for p, b in candidates if b.name == folder],
    ]
