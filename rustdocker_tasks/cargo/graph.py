"""Which crates go into a program, or into tests, and with which features: as cargo's resolver. Pure.

Source: the Cargo book, "Features" and "Feature resolver version 2"; cargo, src/core/resolver/features.rs.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.features import all_features
from rustdocker_tasks.cargo.model import DependencyKind
from rustdocker_tasks.cargo.platforms import holds
from rustdocker_tasks.cargo.requirements import matches
from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rustdocker_tasks.cargo.model import Dependency, Package, PackageId
    from rustdocker_tasks.cargo.platforms import Platform

FIRST_RESOLVER = "1"


class Known(Frozen, frozen=True, kw_only=True):
    """What is at hand to resolve with."""

    edges: Mapping[PackageId, Sequence[PackageId]]  # of every kind, platform and feature
    packages: Mapping[PackageId, Package]  # those whose manifests could be read


class Wanted(Frozen, frozen=True, kw_only=True):
    """What is to be built."""

    roots: tuple[PackageId, ...]
    features: tuple[str, ...]
    default_features: bool
    target: Platform
    host: Platform
    resolver: str
    development: bool = False  # what the roots' tests need counts as well


class ResolvedCrate(Frozen, frozen=True, kw_only=True):
    """A crate that is compiled. `features` is None where its manifest was not at hand."""

    id: PackageId
    features: frozenset[str] | None
    for_host: bool  # a build script or macro uses it: it is compiled for the machine that compiles
    is_certain: bool  # False: without what could not be judged, or was optional, it might not be needed
    used_by: frozenset[str]  # the names of the crates that depend on it


class Graph(Frozen, frozen=True, kw_only=True):
    crates: tuple[ResolvedCrate, ...]  # in order; one that both sides use is there twice
    is_exact: bool  # False: some manifests or conditions could not be judged, and there may be crates too many
    # Those that there are whatever is true of the conditions; none where manifests were not at hand.
    least: tuple[ResolvedCrate, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(crate.id.name for crate in self.crates)


# A package, and whether it is compiled for the host.
_Unit = tuple["PackageId", bool]


def resolve(known: Known, wanted: Wanted) -> Graph:
    """Return the crates that are compiled for the roots."""
    most = _Resolver(known, wanted)
    crates = most.run()
    if most.lacks_manifests:
        return Graph(crates=crates, is_exact=False, least=())
    if not most.lacks_conditions:
        return Graph(crates=crates, is_exact=True, least=crates)
    least = _Resolver(known, wanted, takes_unknown=False).run()
    return Graph(crates=crates, is_exact=False, least=least)


class _Resolver:
    """`takes_unknown` is what a condition counts as that nobody can judge."""

    def __init__(self, known: Known, wanted: Wanted, *, takes_unknown: bool = True) -> None:
        self.lacks_manifests = False
        self.lacks_conditions = False
        self._takes_unknown = takes_unknown
        self._known = known
        self._wanted = wanted
        self._separates = wanted.resolver != FIRST_RESOLVER
        self._features: dict[_Unit, set[str]] = {}
        self._optional: dict[_Unit, set[str]] = {}  # the optional dependencies that are on
        self._deferred: dict[tuple[_Unit, str], set[str]] = {}  # `x?/feature`, until x is on
        self._waiting: deque[_Unit] = deque()
        self._known_features: dict[PackageId, Mapping[str, Sequence[str]]] = {}
        self._leads_to: dict[_Unit, list[tuple[Dependency, _Unit]]] = {}

    def run(self) -> tuple[ResolvedCrate, ...]:
        roots = [(root, False) for root in self._wanted.roots]
        asked = [*self._wanted.features, *(["default"] if self._wanted.default_features else [])]
        for root in roots:
            self._visit(root)
            for feature in asked:
                self._switch_on(root, feature)
        while self._waiting:
            unit = self._waiting.popleft()
            for dependency, other in self._followed(unit):
                if not dependency.optional:
                    self._need(other, dependency)
        return tuple(self._compiled(roots))

    def _visit(self, unit: _Unit) -> None:
        if unit not in self._features:
            self._features[unit] = set()
            self._optional[unit] = set()
            self._waiting.append(unit)

    def _need(self, unit: _Unit, dependency: Dependency) -> None:
        """Take a dependency in, with the features that its user asks for."""
        self._visit(unit)
        for feature in (*dependency.features, *(["default"] if dependency.default_features else [])):
            self._switch_on(unit, feature)

    def _switch_on(self, unit: _Unit, feature: str) -> None:
        known = self._features_of(unit[0])
        waiting = [feature]
        while waiting:
            value = waiting.pop()
            name, slash, rest = value.partition("/")
            if slash:
                self._switch_on_of(unit, name, rest)
            elif value.startswith("dep:"):
                self._switch_on_dependency(unit, value.removeprefix("dep:"))
            elif value in known and value not in self._features[unit]:  # there may be no `default`
                self._features[unit].add(value)
                waiting += known[value]

    def _switch_on_of(self, unit: _Unit, name: str, feature: str) -> None:
        """`name/feature`, or `name?/feature`, which does not take the dependency in."""
        is_weak = name.endswith("?")
        name = name.removesuffix("?")
        # One table may have the dependency as an optional one, and another may require it.
        for dependency, other in self._followed(unit):
            if dependency.name != name:
                continue
            if dependency.optional:
                if is_weak and name not in self._optional[unit]:
                    self._deferred.setdefault((unit, name), set()).add(feature)
                    continue
                self._switch_on_dependency(unit, name)
                if not is_weak and name in self._features_of(unit[0]):
                    self._switch_on(unit, name)
            self._visit(other)
            self._switch_on(other, feature)

    def _switch_on_dependency(self, unit: _Unit, name: str) -> None:
        if name in self._optional[unit]:
            return
        self._optional[unit].add(name)
        for dependency, other in self._followed(unit):
            if dependency.name == name and dependency.optional:
                self._need(other, dependency)
        for feature in self._deferred.pop((unit, name), ()):
            self._switch_on_of(unit, f"{name}?", feature)

    def _features_of(self, identity: PackageId) -> Mapping[str, Sequence[str]]:
        if identity not in self._known_features:
            package = self._known.packages.get(identity)
            self._known_features[identity] = (
                all_features(package.features, package.dependencies) if package else {}
            )
        return self._known_features[identity]

    def _followed(self, unit: _Unit) -> list[tuple[Dependency, _Unit]]:
        if unit not in self._leads_to:
            self._leads_to[unit] = list(self._find_followed(unit))
        return self._leads_to[unit]

    def _find_followed(self, unit: _Unit) -> Iterator[tuple[Dependency, _Unit]]:
        """The dependencies that can have a say in features, with the units that they lead to."""
        package = self._known.packages.get(unit[0])
        for dependency in package.dependencies if package else ():
            is_of_tests = dependency.kind is DependencyKind.DEVELOPMENT and not self._is_tested(unit)
            # The first resolver asks for the features of tests and of other platforms too.
            if is_of_tests and (self._separates or unit[0] not in self._wanted.roots):
                continue
            if self._separates and self._is_active(dependency, unit) is False:
                continue
            for other in self._candidates(unit[0], dependency):
                if is_of_tests and other not in self._known.packages:
                    self.lacks_manifests = True
                yield dependency, (other, self._separates and self._is_of_host(dependency, other, unit))

    def _is_tested(self, unit: _Unit) -> bool:
        return self._wanted.development and unit[0] in self._wanted.roots and not unit[1]

    def _is_active(self, dependency: Dependency, unit: _Unit) -> bool | None:
        """Whether its condition holds, None where nobody can judge it, and it is taken to hold."""
        is_host = unit[1] or dependency.kind is DependencyKind.BUILD
        answer = holds(dependency.condition, self._wanted.host if is_host else self._wanted.target)
        if answer is None:
            self.lacks_conditions = True
            return None if self._takes_unknown else False
        return answer

    def _is_of_host(self, dependency: Dependency, other: PackageId, unit: _Unit) -> bool:
        package = self._known.packages.get(other)
        is_macro = package is not None and package.is_proc_macro
        return unit[1] or dependency.kind is DependencyKind.BUILD or is_macro

    def _candidates(self, user: PackageId, dependency: Dependency) -> list[PackageId]:
        named = [other for other in self._known.edges.get(user, ()) if other.name == dependency.package]
        if len(named) == 1:
            return named
        fitting = [other for other in named if matches(dependency.requirement, other.version)]
        # A git or path dependency may have a version that nobody asked for.
        return fitting or named

    def _compiled(self, roots: Sequence[_Unit]) -> Iterator[ResolvedCrate]:
        """What is reached from the roots, by what is on."""
        reached: dict[_Unit, set[str]] = {root: set() for root in roots}
        certain = set(roots)
        waiting = deque(roots)
        while waiting:
            unit = waiting.popleft()
            for other, is_certain in self._reached_from(unit):
                is_news = other not in reached
                reached.setdefault(other, set()).add(unit[0].name)
                if is_certain and unit in certain and other not in certain:
                    certain.add(other)
                    is_news = True  # what it leads to may be certain as well
                if is_news:
                    waiting.append(other)
        for package, is_host in sorted(reached, key=lambda unit: (unit[0].name, unit[0].version, unit[1])):
            key = (package, self._separates and is_host)
            is_known = package in self._known.packages
            yield ResolvedCrate(
                id=package,
                features=frozenset(self._features.get(key, ())) if is_known else None,
                for_host=is_host,
                used_by=frozenset(reached[package, is_host]),
                is_certain=(package, is_host) in certain,
            )

    def _reached_from(self, unit: _Unit) -> Iterator[tuple[_Unit, bool]]:
        """The units that it needs, each with whether that is certain."""
        identity, is_host = unit
        package = self._known.packages.get(identity)
        if package is None:
            # Nobody knows what of it is on: all that it may need.
            self.lacks_manifests = True
            yield from (((other, is_host), False) for other in self._known.edges.get(identity, ()))
            return
        on = self._optional.get((identity, self._separates and is_host), set())
        for dependency in package.dependencies:
            if dependency.kind is DependencyKind.DEVELOPMENT and not self._is_tested(unit):
                continue
            is_active = self._is_active(dependency, unit)
            if is_active is False or (dependency.optional and dependency.name not in on):
                continue
            candidates = self._candidates(identity, dependency)
            for other in candidates:
                reached = (other, self._is_of_host(dependency, other, unit))
                # A feature may be on for another guess alone.
                yield reached, is_active is True and not dependency.optional and len(candidates) == 1
