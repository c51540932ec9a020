"""Where the manifests of a project's dependencies are on this machine, and what of the graph they decide.

Reads the disk, and asks cargo where it is installed.
"""

from __future__ import annotations

import json
import os
import shutil
from functools import cache
from pathlib import Path
from subprocess import CalledProcessError
from typing import TYPE_CHECKING, Any

from rustdocker_tasks.cargo.graph import FIRST_RESOLVER, Graph, Known, Wanted, resolve
from rustdocker_tasks.cargo.manifest import parse_manifest, read_package
from rustdocker_tasks.cargo.model import PackageId
from rustdocker_tasks.cargo.project import MANIFEST, load_outside, load_package
from rustdocker_tasks.cargo.surroundings import cargo_home
from rustdocker_tasks.cargo.targets import PackageFiles
from rustdocker_tasks.cargo.text import read_text
from rustdocker_tasks.errors import RustDockerError
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.process import read_output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rustdocker_tasks.cargo.model import Package, Project

# Older crates leave a library and a build script to be found; which of them there are decides nothing here.
_AS_PUBLISHED = PackageFiles(exists=frozenset({"src/lib.rs", "build.rs"}), inferred={})


class FoundGraph(Frozen, frozen=True, kw_only=True):
    """The graph, None where nothing tells it, and by what it was found."""

    graph: Graph | None
    source: str


def find_graph(project: Project, wanted: Wanted) -> FoundGraph:
    """Return the crates that go into a binary, by what is at hand.

    That is cargo, without the network; else the manifests in cargo's own folder; else Cargo.lock alone, which
    knows too many.
    """
    if project.lock is None:
        return FoundGraph(graph=None, source="nothing: there is no Cargo.lock, and cargo would write one if asked")
    known = _ask_cargo(project, wanted)
    if known is not None:
        return FoundGraph(graph=resolve(known, wanted), source="cargo metadata")
    edges = {package.id: package.dependencies for package in project.lock.packages}
    graph = resolve(Known(edges=edges, packages=_local_packages(project)), wanted)
    missing = sum(crate.features is None for crate in graph.crates)
    if not missing:
        return FoundGraph(graph=graph, source="the crates' manifests in cargo's folder")
    return FoundGraph(
        graph=graph,
        source=f"Cargo.lock, which knows too many: the manifests of {missing} crates are not at hand",
    )


def _ask_cargo(project: Project, wanted: Wanted) -> Known | None:
    """Return what cargo knows, None where it is not installed, or would have to download something."""
    if shutil.which("cargo") is None:
        return None
    # Of the member asked for cargo takes only the features that are named: one answer serves all otherwise.
    is_usual = len(wanted.roots) > 1 or (not wanted.features and wanted.default_features)
    own = next(p.manifest for p in project.members if p.name == wanted.roots[0].name)
    manifest = project.root / MANIFEST if is_usual else own
    platforms = (wanted.target, wanted.host)
    command = [
        *("cargo", "metadata", "--format-version=1", "--offline", "--locked", f"--manifest-path={manifest}"),
        # The first resolver takes the features of other platforms into account.
        *(f"--filter-platform={each.triple}" for each in platforms if wanted.resolver != FIRST_RESOLVER),
        f"--features={','.join(wanted.features)}",
        *([] if wanted.default_features else ["--no-default-features"]),
    ]
    files = hash((project.text, *(p.text for p in project.members)))
    return _metadata(tuple(command), project.root, files)


@cache
def _metadata(command: tuple[str, ...], folder: Path, files: int) -> Known | None:  # noqa: ARG001 - another answer
    """Return what cargo says, None where it fails: it is asked once for all programs of a workspace."""
    try:
        told = json.loads(read_output(command, folder=folder, environment=_without_downloads(), quiet=True))
    except (CalledProcessError, ValueError):
        return None
    ids = {each["id"]: PackageId(each["name"], each["version"], each["source"]) for each in told["packages"]}
    return Known(
        edges={ids[node["id"]]: [ids[dep["pkg"]] for dep in node["deps"]] for node in told["resolve"]["nodes"]},
        packages=dict(_read(told["packages"], ids)),
    )


def _without_downloads() -> dict[str, str]:
    """Return an environment in which rustup's cargo fails where its toolchain is not there, rather than get it.

    Source: the rustup book, "Environment variables"; rustup 1.28.1.
    """
    return {**os.environ, "RUSTUP_AUTO_INSTALL": "0"}


def _read(packages: Iterable[Any], ids: dict[str, PackageId]) -> Iterator[tuple[PackageId, Package]]:
    for each in packages:
        identity, folder = ids[each["id"]], Path(each["manifest_path"]).parent
        is_published = identity.source is not None and identity.source.startswith("registry+")
        package = _published_package(folder) if is_published else _package_in(folder)
        if package is not None:
            yield identity, package


def _local_packages(project: Project) -> dict[PackageId, Package]:
    """Return the packages of the lock file whose manifests lie in the project or in cargo's own folder."""
    own = {(p.name, p.version): p for p in (*project.members, *load_outside(project))}
    registries = list((cargo_home() / "registry" / "src").glob("*/"))
    vendored = project.config.vendored
    found: dict[PackageId, Package] = {}
    for locked in project.lock.packages if project.lock else ():
        name, version, source = locked.id
        if source is None:
            package = own.get((name, version))
        else:
            folders = [*vendored, *(registries if source.startswith("registry+") else [])]
            # `cargo vendor` names its folders without versions where there is but one.
            places = (folder / each for folder in folders for each in (f"{name}-{version}", name))
            published = filter(None, map(_published_package, places))
            package = next((each for each in published if each.version == version), None)
        if package is not None:
            found[locked.id] = package
    return found


def _package_in(folder: Path) -> Package | None:
    """Return the package of a folder, None where there is none that we can read: it is not ours to mend."""
    try:
        return load_package(folder) if (folder / "Cargo.toml").is_file() else None
    except RustDockerError:
        return None


def _published_package(folder: Path) -> Package | None:
    """Return the package of a crate as it is published: it is of no workspace, and says which targets it has."""
    path = folder / "Cargo.toml"
    try:
        manifest = parse_manifest(path, read_text(path)) if path.is_file() else None
        return read_package(manifest, root=None, files=_AS_PUBLISHED) if manifest else None
    except RustDockerError:
        return None
