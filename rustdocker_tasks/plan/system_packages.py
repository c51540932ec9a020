"""What the crates of a program need of Debian: records of data/system_packages.toml against its graph. Pure."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec
import tomli
from msgspec.structs import replace

from rustdocker_tasks.errors import CannotBeStatic
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.plan.tools import BuildPackage, tool_package, without_duplicates
from rustdocker_tasks.variants import Base, Linkage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rustdocker_tasks.cargo.graph import Graph, ResolvedCrate
    from rustdocker_tasks.plan.model import CargoCall, ContainerBuild, ImagePlan
    from rustdocker_tasks.settings.resolve import ResolvedSettings

_CPP = "c++"


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """What a crate needs to be compiled, and when; the file's first lines say what each field means."""

    crate: str
    with_: tuple[str, ...] = msgspec.field(default=(), name="with")
    without: tuple[str, ...] = ()
    not_for: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    not_static: bool = False
    not_linked: bool = False
    at_run_time: tuple[str, ...] = ()
    source: str
    date: str  # when that was, 2026-12-31
    proven: str | None = None
    instead: str | None = None

    @property
    def is_of_glibc(self) -> bool:
        """Whether Debian has what it links with for glibc alone."""
        return not self.not_linked and (bool(self.packages) or _CPP in self.tools)

    @property
    def what(self) -> str:
        """What it links with."""
        return ", ".join(self.packages) or "the standard library of C++"


class Match(Frozen, frozen=True, kw_only=True):
    """A record that counts, and for which crate."""

    record: Record
    crate: ResolvedCrate

    @property
    def name(self) -> str:
        return f"{self.crate.id.name} {self.crate.id.version}"


@cache
def load_records() -> tuple[Record, ...]:
    text = files("rustdocker_tasks").joinpath("data/system_packages.toml").read_text(encoding="utf-8")
    return tuple(msgspec.convert(tomli.loads(text)["record"], type=list[Record]))


@cache
def known_crates() -> frozenset[str]:
    """Return the names of all crates that a record is about."""
    return frozenset(record.crate for record in load_records())


def has_known_crates(call: CargoCall) -> bool:
    """Whether the graph is worth a look, which takes tenths of a second: a record is about a locked crate."""
    return bool(known_crates() & (call.locked_packages or frozenset()))


def with_system_packages(
    plan: ImagePlan, container: ContainerBuild, graph: Graph, resolved: ResolvedSettings
) -> ImagePlan:
    """Return the plan with what the crates of its program need to be compiled.

    Raises CannotBeStatic where a static program could not be linked in our own build image.
    """
    matches = match_records(graph)
    # Who brings an image or variables of his own may have what Debian has not.
    is_ours = resolved.settings.build_image is None and not resolved.settings.build_env
    is_static = plan.compile.is_of_musl or plan.compile.crt_static
    match = find_unlinkable(matches, graph, is_of_musl=plan.compile.is_of_musl) if is_ours and is_static else None
    if match is not None:
        raise CannotBeStatic(
            match.name,
            needs=match.record.what,
            used_by=sorted(match.crate.used_by),
            instead=match.record.instead,
            set_by=resolved.origin("variant" if plan.variant.linkage is Linkage.STATIC else "target").where,
            is_of_musl=plan.compile.is_of_musl,
            glibc_serves=plan.compile.is_of_musl and find_unlinkable(matches, graph, is_of_musl=False) is None,
        )
    # What a build installs is all there where all of it stays.
    unseen = () if plan.variant.base is Base.RUST else needs_at_run_time(matches, container)
    return replace(plan, container=replace(with_packages(container, matches), unseen_needs=unseen))


def with_packages(container: ContainerBuild, matches: Iterable[Match]) -> ContainerBuild:
    """Return it with what has to be installed to compile."""
    packages = without_duplicates((*container.packages, *packages_of(matches)))
    return replace(container, packages=packages)


def needs_at_run_time(matches: Iterable[Match], container: ContainerBuild) -> tuple[tuple[str, str], ...]:
    """Return which crates want which packages in the image, which nobody asked for and no program tells."""
    return tuple(
        (match.name, package)
        for match in matches
        for package in match.record.at_run_time
        if package not in container.runtime_packages and not match.crate.for_host
    )


def record_of_glibc(crate: str) -> Record | None:
    """Return the record of a crate that links with what Debian has for glibc alone, None for any other crate."""
    return next((record for record in load_records() if record.crate == crate and record.is_of_glibc), None)


def match_records(graph: Graph) -> tuple[Match, ...]:
    """Return the records that count for a program, in the file's order, each for one of its crates."""
    return _match(graph.crates)


def _match(crates: Iterable[ResolvedCrate]) -> tuple[Match, ...]:
    by_name: dict[str, list[ResolvedCrate]] = {}
    for crate in crates:
        by_name.setdefault(crate.id.name, []).append(crate)
    return tuple(
        Match(record=record, crate=crate)
        for record in load_records()
        if not by_name.keys() & {*record.unless}
        for crate in by_name.get(record.crate, ())
        if _counts(record, crate)
    )


def _counts(record: Record, crate: ResolvedCrate) -> bool:
    if record.not_for and crate.used_by and crate.used_by <= {*record.not_for}:
        return False
    if crate.features is None:
        return True  # nobody knows: a package too many harms less than one that is missing
    return not crate.features & {*record.without} and (not record.with_ or bool(crate.features & {*record.with_}))


def packages_of(matches: Iterable[Match]) -> tuple[BuildPackage, ...]:
    """Return what has to be installed to compile, each package with the crates that ask for it."""
    return without_duplicates(each for match in matches for each in _packages(match))


def _packages(match: Match) -> Iterator[BuildPackage]:
    record = match.record
    for tool in record.tools:
        libraries = () if record.packages else record.libraries  # of C++'s compiler
        yield replace(tool_package(tool, match.name), libraries=libraries)
    for package in record.packages:
        yield BuildPackage(package=package, because=match.name, libraries=record.libraries)


def find_unlinkable(matches: Iterable[Match], graph: Graph, *, is_of_musl: bool) -> Match | None:
    """Return a crate that no static program of that C library can link, None where none is known for certain."""
    certain = {(match.record, match.crate.id) for match in _match(graph.least) if not match.crate.for_host}
    return next(
        (
            match
            for match in matches
            if (match.record.is_of_glibc if is_of_musl else match.record.not_static)
            and not match.crate.for_host
            and ((match.record, match.crate.id) in certain or _counts_anyway(match))
        ),
        None,
    )


def _counts_anyway(match: Match) -> bool:
    """Whether what is not known of the crates makes no difference: no feature, no other crate has a say."""
    record = match.record
    return match.crate.is_certain and not (record.with_ or record.without or record.not_for or record.unless)
