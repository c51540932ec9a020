"""What cargo says of a project and what we say of it, in the same words."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rustdocker_tasks.cargo.features import all_features
from rustdocker_tasks.cargo.model import Dependency, Package, Target, TargetKind
from rustdocker_tasks.cargo.project import load_project
from rustdocker_tasks.errors import RustDockerError

View = dict[str, Any]


def ask_cargo(folder: Path) -> View | str:
    """Return what `cargo metadata --no-deps` says of the project at the folder, or its error."""
    command = ["cargo", "metadata", "--no-deps", "--format-version=1", f"--manifest-path={folder}/Cargo.toml"]
    # Without colours and hyperlinks, whatever the user's own configuration says.
    environment = {**os.environ, "CARGO_TERM_COLOR": "never"}
    # From where no project is near: cargo names near files by the way to them.
    done = subprocess.run(command, cwd="/usr", capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        return done.stderr
    # Of a text over several lines TOML leaves to the reader which line ends it has: ours are those of Linux.
    answer = json.loads(done.stdout.replace(r"\r\n", r"\n"))
    defaults = set(answer["workspace_default_members"])
    packages = {p["manifest_path"]: {**_of_cargo(p), "default": p["id"] in defaults} for p in answer["packages"]}
    return {"root": answer["workspace_root"], "metadata": answer["metadata"], "packages": packages}


def differences(folder: Path) -> list[str]:
    """Return where we and cargo differ, a line each; one that both refuse is none."""
    cargo, ours = ask_cargo(folder), ask_us(folder)
    if isinstance(cargo, str) or isinstance(ours, str):
        if isinstance(cargo, str) and isinstance(ours, str):
            return []
        who, why = ("cargo", cargo) if isinstance(cargo, str) else ("we", ours)
        return [f"only {who} refuse: {why}"]
    return list(_unequal(cargo, ours, ""))


def _unequal(cargo: Any, ours: Any, place: str) -> Iterator[str]:
    if isinstance(cargo, dict) and isinstance(ours, dict):
        for key in sorted({*cargo, *ours}):
            yield from _unequal(cargo.get(key, "nothing"), ours.get(key, "nothing"), f"{place}.{key}")
    elif cargo != ours:
        yield f"{place}: cargo has {cargo!r}, we have {ours!r}"


def _of_cargo(package: dict[str, Any]) -> View:
    keys = ("name", "version", "edition", "rust_version", "default_run", "links", "metadata", "features")
    about = ("authors", "description", "homepage", "documentation", "repository", "license")
    return {
        **{key: package[key] for key in (*keys, *about)},
        "targets": sorted(
            [t["name"], t["kind"], t["crate_types"], t["src_path"], t["edition"], t.get("required-features", [])]
            for t in package["targets"]
        ),
        "dependencies": sorted(map(_dependency_of_cargo, package["dependencies"]), key=str),
    }


def _dependency_of_cargo(d: dict[str, Any]) -> list[Any]:
    name = d["rename"] or d["name"]
    features = sorted(d["features"])
    kind = d["kind"] or "normal"
    return [
        name,
        d["name"],
        kind,
        _condition(d["target"]),
        d["optional"],
        d["uses_default_features"],
        features,
        d.get("path"),
    ]


def ask_us(folder: Path) -> View | str:
    """Return the same of our own reader."""
    try:
        project = load_project(folder)
    except RustDockerError as error:
        return str(error)
    return {
        "root": str(project.root),
        "metadata": _json(project.metadata),
        "packages": {
            str(p.manifest): {**_of_ours(p), "default": p in project.default_members} for p in project.members
        },
    }


def _of_ours(package: Package) -> View:
    about = package.about
    return {
        "name": package.name,
        "version": package.version,
        "edition": package.edition,
        "rust_version": package.rust_version,
        "default_run": package.default_run,
        "links": package.links,
        "metadata": _json(package.metadata),
        "features": _features(package),
        "authors": list(about.authors),
        "description": about.description,
        "homepage": about.homepage,
        "documentation": about.documentation,
        "repository": about.repository,
        "license": about.license,
        "targets": sorted(map(_target, package.targets)),
        "dependencies": sorted(map(_dependency_of_ours, package.dependencies), key=str),
    }


def _dependency_of_ours(d: Dependency) -> list[Any]:
    path = str(d.path) if d.path else None
    features = sorted(d.features)
    return [
        d.name,
        d.package,
        d.kind.value,
        _condition(d.condition),
        d.optional,
        d.default_features,
        features,
        path,
    ]


def _condition(text: str | None) -> str | None:
    """A platform in one spelling: cargo prints `cfg(a="b")` with spaces of its own."""
    return None if text is None else re.sub(r"\s", "", text)


def _features(package: Package) -> dict[str, list[str]]:
    found = all_features(package.features, package.dependencies)
    return {name: list(values) for name, values in found.items()}


def _target(target: Target) -> list[Any]:
    kind = list(target.crate_types) if target.kind is TargetKind.LIBRARY else [target.kind.value]
    return [
        target.name,
        kind,
        list(target.crate_types),
        str(target.path),
        target.edition,
        list(target.required_features),
    ]


def _json(value: object) -> object:
    """The metadata as cargo prints it; dates it writes in a way of its own."""
    return json.loads(json.dumps(value, default=lambda date: {"$__toml_private_datetime": str(date)}))
