"""The features of a package: whether they fit its dependencies, and which are on. Pure.

Source: cargo, src/workspace/summary.rs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rustdocker_tasks.cargo.names import feature_name_problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rustdocker_tasks.cargo.model import Dependency, Package

_EXPLICIT = "dep:"
# Between features in one text. Source: the Cargo book, "Features", "Command-line feature options".
_SEPARATORS = re.compile(r"[,\s]+")


def split_features(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the features that texts name, of which each may name several."""
    return tuple(name for text in texts for name in _SEPARATORS.split(text) if name)


def named_features(value: object) -> tuple[str, ...]:
    """Return the features that a value names, as somebody wrote it; what is wrong with it is for others to say."""
    texts = [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else ()
    return split_features(map(str, texts))


def features_problem(features: Mapping[str, Sequence[str]], dependencies: Sequence[Dependency]) -> str | None:
    """Return what cargo would refuse of `features`, None if nothing."""
    optional = _optional(dependencies)
    known = all_features(features, dependencies)
    for feature, values in known.items():
        if problem := feature_name_problem(feature):
            return f"`{feature}` cannot name a feature: {problem}"
        for value in values:
            if problem := _value_problem(value, known, features, optional):
                return f"feature `{feature}` includes `{value}`, {problem}"
    named = {_dependency_of(value) for values in known.values() for value in values}
    left = next((name for name, is_optional in optional.items() if is_optional and name not in named), None)
    return f"optional dependency `{left}` is not included in any feature" if left else None


def all_features(
    features: Mapping[str, Sequence[str]], dependencies: Sequence[Dependency]
) -> dict[str, Sequence[str]]:
    """Return the features with those that optional dependencies are by themselves.

    A dependency that any feature names with `dep:` is none.
    """
    explicit = {
        value.removeprefix(_EXPLICIT)
        for values in features.values()
        for value in values
        if value.startswith(_EXPLICIT) and "/" not in value
    }
    implied = {
        name: [f"{_EXPLICIT}{name}"]
        for name, is_optional in _optional(dependencies).items()
        if is_optional and name not in features and name not in explicit
    }
    return {**features, **implied}


def enabled_features(package: Package, asked: Iterable[str], *, default: bool) -> frozenset[str]:
    """Return the package's features that are on, with what they turn on of dependencies as it is written."""
    known = all_features(package.features, package.dependencies)
    waiting = [*asked, *(["default"] if default else [])]
    enabled: set[str] = set()
    while waiting:
        feature = waiting.pop()
        if feature not in enabled:
            enabled.add(feature)
            waiting += known.get(feature, ())
    return frozenset(enabled)


def _optional(dependencies: Sequence[Dependency]) -> dict[str, bool]:
    """Return for every dependency by name whether it is optional anywhere."""
    optional: dict[str, bool] = {}
    for dependency in dependencies:
        optional[dependency.name] = optional.get(dependency.name, False) or dependency.optional
    return optional


def _dependency_of(value: str) -> str | None:
    """Return the dependency that a feature's value names as one: `dep:x`, `x/feature`, `x?/feature`."""
    name, slash, _ = value.partition("/")
    if slash:
        return name.removesuffix("?")
    return name.removeprefix(_EXPLICIT) if name.startswith(_EXPLICIT) else None


def _value_problem(
    value: str,
    known: Mapping[str, Sequence[str]],
    features: Mapping[str, Sequence[str]],
    optional: Mapping[str, bool],
) -> str | None:
    name, slash, rest = value.partition("/")
    if slash and "/" in rest:
        return "which has two slashes"
    if slash and name.startswith(_EXPLICIT):
        return "which has both `dep:` and `/`"
    dependency = _dependency_of(value)
    if dependency is None:
        return _feature_problem(value, known, features, optional)
    if dependency not in optional:
        return f"but `{dependency}` is not listed as a dependency"
    must_be_optional = not slash or name.endswith("?")
    if must_be_optional and not optional[dependency]:
        return f"but `{dependency}` is not an optional dependency"
    return None


def _feature_problem(
    value: str,
    known: Mapping[str, Sequence[str]],
    features: Mapping[str, Sequence[str]],
    optional: Mapping[str, bool],
) -> str | None:
    if value in features:
        return None
    if value not in optional:
        return "which is neither a dependency nor another feature"
    if not optional[value]:
        return f"but `{value}` is not an optional dependency"
    return None if value in known else f"but `{value}` is an optional dependency without an implicit feature"
