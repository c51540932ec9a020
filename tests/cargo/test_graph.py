"""The graph of crates for one binary, beside what `cargo tree` says."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import tomli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rustdocker_tasks.cargo.crates import FoundGraph, find_graph
from rustdocker_tasks.cargo.graph import Graph, ResolvedCrate, Wanted
from rustdocker_tasks.cargo.model import PackageId
from rustdocker_tasks.cargo.platforms import platform_of
from rustdocker_tasks.cargo.project import load_project
from tests.cargo.workspaces import toml
from tests.conftest import REPOSITORY, write_files

pytestmark = pytest.mark.cargo

WEB = REPOSITORY / "examples" / "web"
HOST = "x86_64-unknown-linux-gnu"
TRIPLES = (HOST, "aarch64-unknown-linux-musl", "x86_64-pc-windows-msvc", "aarch64-apple-darwin")
Crates = dict[tuple[str, str], set[tuple[str, ...]]]


def graph_of(
    root: Path, triple: str, *, features: tuple[str, ...] = (), default_features: bool = True
) -> FoundGraph:
    project = load_project(root)
    package = project.default_members[0]
    wanted = Wanted(
        roots=(PackageId(package.name, package.version, None),),
        features=features,
        default_features=default_features,
        target=platform_of(triple),
        host=platform_of(HOST),
        resolver=project.resolver,
    )
    return find_graph(project, wanted)


def ours(graph: Graph | None) -> Crates:
    """The sets of features with which each crate is compiled."""
    assert graph is not None
    found: Crates = {}
    for crate in graph.crates:
        found.setdefault((crate.id.name, crate.id.version), set()).add(tuple(sorted(crate.features or ())))
    return found


def cargo_s(root: Path, triple: str | None, *flags: str) -> Crates | None:
    """The same as `cargo tree` has it; None where cargo refuses.

    Without a triple the compiler's flags are those of build scripts as well.
    """
    words = [
        "cargo",
        "tree",
        "--offline",
        "--edges=normal,build",
        *([f"--target={triple}"] if triple else []),
        "--prefix=none",
        "--no-dedupe",
    ]
    told = subprocess.run(
        [*words, "--format={p}|{f}", *flags], cwd=root, capture_output=True, text=True, check=False
    )
    if told.returncode:
        return None
    found: Crates = {}
    for line in filter(None, told.stdout.splitlines()):
        name, _, features = line.partition("|")
        key = (name.split()[0], name.split()[1].removeprefix("v"))
        found.setdefault(key, set()).add(tuple(sorted(filter(None, features.strip().split(",")))))
    return found


@pytest.fixture(scope="module", autouse=True)
def fetched() -> None:
    subprocess.run(["cargo", "fetch", "--locked", "--quiet"], cwd=WEB, check=True)


@pytest.mark.parametrize("triple", TRIPLES)
def test_the_crates_of_a_real_service_are_those_of_cargo_tree(triple: str) -> None:
    found = graph_of(WEB, triple)

    assert found.source == "cargo metadata"
    assert ours(found.graph) == cargo_s(WEB, triple)


@pytest.mark.parametrize("triple", TRIPLES[:2])
def test_without_cargo_the_manifests_in_its_folder_say_the_same(
    triple: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    found = graph_of(WEB, triple)

    assert found.source == "the crates' manifests in cargo's folder"
    assert ours(found.graph) == cargo_s(WEB, triple)


def test_the_lock_file_alone_knows_too_many_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setenv("CARGO_HOME", str(tmp_path))
    found = graph_of(WEB, HOST)

    assert found.graph is not None
    assert not found.graph.is_exact
    assert found.source.startswith("Cargo.lock, which knows too many")
    known = {(crate.id.name, crate.id.version) for crate in found.graph.crates}
    assert known > set(cargo_s(WEB, HOST) or {})
    certain = {crate.id.name for crate in found.graph.crates if crate.is_certain}
    manifest = tomli.loads((WEB / "Cargo.toml").read_text(encoding="utf-8"))
    assert certain == {"my-rust-app", *manifest["dependencies"]}


CONDITIONS = (
    *(None, HOST, "cfg(unix)", "cfg(windows)", 'cfg(not(target_os = "linux"))', 'cfg(target_env = "musl")'),
    'cfg(all(unix, any(target_arch = "aarch64", target_pointer_width = "32")))',
)
# What the compiler's flags decide.
OF_FLAGS = ("cfg(p_unstable)", "cfg(not(p_unstable))", "cfg(all(unix, p_unstable))")


# The tables of one manifest that have a dependency.
SECTIONS = (
    *((), ("dependencies",), ("dependencies",), ("build-dependencies",), ("dev-dependencies",)),
    *(("dependencies", "build-dependencies"), ("dependencies", "dev-dependencies")),
)


@st.composite
def dependency_tables(draw: st.DrawFn, package: int) -> dict[str, Any]:
    return {
        "path": f"../p{package}",
        **({"optional": True} if draw(st.booleans()) else {}),
        **({"default-features": False} if draw(st.booleans()) else {}),
        "features": draw(st.lists(st.sampled_from(["f0", "f1"]), max_size=1)),
    }


@st.composite
def workspaces_of_crates(draw: st.DrawFn, conditions: Sequence[str | None] = CONDITIONS) -> dict[str, str]:
    """Packages that depend on later ones in every way; the first is the program."""
    count = draw(st.integers(2, 5))
    files = {"p0/src/main.rs": "fn main() {}\n"}
    for number in range(count):
        lines = ["[package]", f'name = "p{number}"', 'version = "0.1.0"', 'edition = "2018"']
        if number == 0:
            lines += [f'resolver = "{draw(st.sampled_from("12"))}"', "[workspace]"]
        else:
            files[f"p{number}/src/lib.rs"] = ""
            lines += ["[lib]", f"proc-macro = {toml(draw(st.booleans()))}"]
        optional: dict[str, bool] = {}
        for other in range(number + 1, count):
            for section in draw(st.sampled_from(SECTIONS)):
                condition, table = draw(st.sampled_from(conditions)), draw(dependency_tables(other))
                if section == "dev-dependencies":
                    table.pop("optional", None)
                place = f"target.'{condition}'.{section}" if condition else section
                lines += [f"[{place}.p{other}]", *(f"{key} = {toml(value)}" for key, value in table.items())]
                optional[f"p{other}"] = "optional" in table or optional.get(f"p{other}", False)
        values = ["f1", *(f"{name}/f0" for name in optional)]
        values += [text for name, is_optional in optional.items() if is_optional for text in (name, f"{name}?/f1")]
        lines.append("[features]")
        lines += [f"default = {toml(draw(st.lists(st.sampled_from(['f0', 'f1']), max_size=2, unique=True)))}"]
        lines += [f"f0 = {toml(draw(st.lists(st.sampled_from(values), max_size=3, unique=True)))}", "f1 = []"]
        files[f"p{number}/Cargo.toml"] = "\n".join(lines) + "\n"
    return files


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    workspaces_of_crates(),
    st.sampled_from(TRIPLES),
    st.lists(st.sampled_from(["f0", "f1"]), max_size=2, unique=True),
    st.sampled_from([[], ["--no-default-features"]]),
)
def test_any_graph_is_resolved_as_cargo_does(
    files: dict[str, str], triple: str, features: list[str], default: list[str]
) -> None:
    with TemporaryDirectory() as name:
        root = write_files(Path(name).resolve(), files) / "p0"
        flags = [f"--features={','.join(features)}", *default]
        expected = cargo_s(root, triple, *flags)
        if expected is not None:
            found = graph_of(root, triple, features=tuple(features), default_features=not default)

            assert ours(found.graph) == expected


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(workspaces_of_crates((*CONDITIONS, *OF_FLAGS)), st.sampled_from(["", "--cfg p_unstable"]))
def test_what_flags_decide_is_between_the_least_and_the_most(files: dict[str, str], flags: str) -> None:
    with TemporaryDirectory() as name:
        root = write_files(Path(name).resolve(), files) / "p0"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RUSTFLAGS", flags)
            expected = cargo_s(root, None)
            found = graph_of(root, HOST).graph
        if expected is not None and found is not None:
            of_cargo = {(name, each) for (name, _), sets in expected.items() for each in ("", *sum(sets, ()))}

            assert names_and_features(found.least) <= of_cargo <= names_and_features(found.crates)


def names_and_features(crates: Sequence[ResolvedCrate]) -> set[tuple[str, str]]:
    return {(crate.id.name, feature) for crate in crates for feature in ("", *(crate.features or ()))}


def test_a_crate_is_known_to_be_there_in_spite_of_conditions_that_nobody_can_judge(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "Cargo.toml": '[package]\nname = "app"\nedition = "2021"\n[dependencies]\n'
            'tokio = { version = "1", features = ["full"] }\nopenssl = "0.10"\n',
            "src/main.rs": "fn main() {}\n",
        },
    )
    subprocess.run(["cargo", "fetch", "--quiet"], cwd=tmp_path, check=True)

    found = graph_of(tmp_path, HOST).graph

    assert found is not None
    assert not found.is_exact
    assert {"tokio", "openssl-sys"} < {crate.id.name for crate in found.least}
