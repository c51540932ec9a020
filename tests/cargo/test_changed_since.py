"""Which programs differ from those of a revision, by a real git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rustdocker_tasks.errors import NoRevision
from rustdocker_tasks.programs import plan_programs
from rustdocker_tasks.settings.sources import Layer, Source
from tests.conftest import MAIN, MANIFEST, write_files

pytestmark = pytest.mark.cargo

ASSETS = 'assets = [{ source = "../../pages/*.html", destination = "/pages" }]\n'
FILES = {
    "pages/index.html": "",
    "libs/Cargo.toml": '[workspace]\nmembers = ["shared"]\n[workspace.package]\nedition = "2021"\n',
    "libs/shared/Cargo.toml": '[package]\nname = "shared"\nversion = "0.1.0"\nedition.workspace = true\n',
    "libs/shared/src/lib.rs": "",
    "svc/Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["a", "b", "c"]\n',
    "svc/.cargo/config.toml": "",
    "svc/a/Cargo.toml": MANIFEST.format(name="a") + '[dependencies]\nshared = { path = "../../libs/shared" }\n',
    "svc/b/Cargo.toml": MANIFEST.format(name="b") + "[package.metadata.rustdocker]\n" + ASSETS,
    "svc/c/Cargo.toml": MANIFEST.format(name="c") + '[[bin]]\nname = "c"\npath = "../../common/main.rs"\n',
    "common/main.rs": MAIN,
    ".cargo/config.toml": '[source.vendored]\ndirectory = "third-party/vendor"\n'
    '[build]\nrustflags = ["-Clink-arg=-Tlink/script.ld"]\n',
    "link/script.ld": "",
    **{f"svc/{name}/src/main.rs": MAIN for name in "abc"},
}


def git(folder: Path, *words: str) -> None:
    own = ("-c", "user.name=x", "-c", "user.email=x@y.z", "-c", "protocol.file.allow=always")
    subprocess.run(["git", *own, *words], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, files: dict[str, str]) -> Path:
    made = write_files(folder, files)
    git(made, "init", "--initial-branch=main")
    git(made, "add", ".")
    git(made, "commit", "--message=first")
    return made


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return commit(tmp_path / "repository", FILES)


def touched(workspace: Path, since: str = "main", *, backend: str = "host") -> set[str]:
    flags = Layer(source=Source.FLAG, where=str, base=workspace, values={"backend": backend})
    return {each.plan.name for each in plan_programs(workspace, [flags], since=since)}


def test_without_a_change_none_is_touched(repository: Path) -> None:
    assert touched(repository / "svc") == set()


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("svc/c/src/main.rs", {"c"}),
        ("libs/shared/src/lib.rs", {"a"}),
        ("libs/Cargo.toml", {"a"}),
        ("pages/index.html", {"b"}),
        ("pages/new.html", {"b"}),
        ("rust-toolchain.toml", {"a", "b", "c"}),
        (".cargo/config.toml", {"a", "b", "c"}),
        ("third-party/vendor/itoa/src/lib.rs", {"a", "b", "c"}),
        ("link/script.ld", {"a", "b", "c"}),
        ("common/main.rs", {"c"}),
        ("README.md", set()),
    ],
)
def test_a_file_that_counts_touches_who_it_counts_for(repository: Path, path: str, names: set[str]) -> None:
    file = repository / path
    file.parent.mkdir(exist_ok=True, parents=True)
    # A toolchain file is read too.
    text = '[toolchain]\nchannel = "stable"\n' if file.name == "rust-toolchain.toml" else "\n"
    file.write_text((file.read_text() if file.exists() else "") + text)

    assert touched(repository / "svc") == names


def test_what_the_ignore_file_keeps_out_of_containers_touches_none(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rustdocker_tasks.machine_facts.buildx_problem", lambda _: None)
    write_files(repository / "svc", {".dockerignore": "docs\n*.md\nrust-toolchain.toml\n"})
    git(repository, "add", ".")
    git(repository, "commit", "--message=second")
    write_files(repository / "svc", {"README.md": "", "docs/a.txt": "", ".idea/a.xml": ""})

    assert touched(repository / "svc", backend="buildx") == set()
    assert touched(repository / "svc") == {"a", "b", "c"}
    for files in ({"templates/a.txt": ""}, {"rust-toolchain.toml": '[toolchain]\nchannel = "stable"\n'}):
        write_files(repository / "svc", files)
        assert touched(repository / "svc", backend="buildx") == {"a", "b", "c"}
        for name in files:
            (repository / "svc" / name).unlink()


def test_a_file_that_only_the_image_holds_counts_whatever_is_ignored(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rustdocker_tasks.machine_facts.buildx_problem", lambda _: None)
    table = ASSETS.replace("../../pages/*.html", "static")
    manifest = repository / "svc/b/Cargo.toml"
    manifest.write_text(f"{MANIFEST.format(name='b')}[package.metadata.rustdocker]\n{table}")
    write_files(repository / "svc", {".dockerignore": "**/static\n", "b/static/x.html": "1"})
    git(repository, "add", ".")
    git(repository, "commit", "--message=second")
    (repository / "svc/b/static/x.html").write_text("2")

    assert touched(repository / "svc", backend="buildx") == {"b"}


def lock(*crates: str) -> str:
    entries = ["version = 4\n", *(f'[[package]]\nname = "{each}"\nversion = "1.0.0"\n{SOURCE}' for each in crates)]
    for name, needs in (("a", '"one", "shared"'), ("b", '"two"'), ("c", ""), ("shared", '"three"')):
        entries.append(f'[[package]]\nname = "{name}"\nversion = "0.1.0"\ndependencies = [{needs}]\n')
    return "\n".join(entries)


SOURCE = 'source = "registry+https://github.com/rust-lang/crates.io-index"\n'
CRATES = ("one", "two", "three", "four")


@pytest.mark.parametrize(("changed", "names"), [("one", {"a"}), ("two", {"b"}), ("three", {"a"}), ("four", set())])
def test_another_version_of_a_crate_touches_who_depends_on_it(
    repository: Path, changed: str, names: set[str]
) -> None:
    path = repository / "svc/Cargo.lock"
    path.write_text(lock(*CRATES))
    git(repository, "add", ".")
    git(repository, "commit", "--message=second")
    entry = f'name = "{changed}"\nversion = '
    path.write_text(path.read_text().replace(f'{entry}"1.0.0"', f'{entry}"1.0.1"'))

    assert touched(repository / "svc") == names


def test_a_lock_file_that_was_not_there_touches_all(repository: Path) -> None:
    (repository / "svc/Cargo.lock").write_text(lock(*CRATES))

    assert touched(repository / "svc") == {"a", "b", "c"}


def test_a_deleted_configuration_touches_all(repository: Path) -> None:
    (repository / "svc/.cargo/config.toml").unlink()

    assert touched(repository / "svc") == {"a", "b", "c"}


def test_a_workspace_is_recognised_through_a_link(repository: Path, tmp_path: Path) -> None:
    # Where cargo, too, finds no package outside of the folder that a link leads to.
    (repository / "svc/a/Cargo.toml").write_text(MANIFEST.format(name="a"))
    git(repository, "commit", "--all", "--message=second")
    (tmp_path / "link").symlink_to(repository / "svc")
    edited = repository / "svc/c/src/main.rs"
    edited.write_text(f"{edited.read_text()}\n")

    assert touched(tmp_path / "link") == {"c"}


def test_what_lies_above_the_workspace_counts_through_a_link_above_the_repository(
    repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(repository)
    write_files(repository, {".cargo/config.toml": ""})

    assert touched(tmp_path / "link/svc") == {"a", "b", "c"}


def test_a_package_in_a_submodule_is_touched_by_what_it_holds(tmp_path: Path) -> None:
    library = {name.removeprefix("libs/"): text for name, text in FILES.items() if name.startswith("libs/")}
    commit(tmp_path / "libs", library)
    top = commit(tmp_path / "top", {name: text for name, text in FILES.items() if not name.startswith("libs/")})
    git(top, "submodule", "add", str(tmp_path / "libs"), "libs")
    git(top, "commit", "--message=second")
    assert touched(top / "svc") == set()
    edited = top / "libs/shared/src/lib.rs"
    edited.write_text("pub fn more() {}\n")

    assert touched(top / "svc") == {"a"}


def test_a_clone_without_the_older_commits_says_what_to_type(repository: Path, tmp_path: Path) -> None:
    git(repository, "switch", "--create=topic")
    git(repository, "commit", "--allow-empty", "--message=second")
    git(tmp_path, "clone", "--depth=1", "--branch=topic", f"file://{repository}", "clone")
    git(tmp_path / "clone", "fetch", "--depth=1", "origin", "main:main")

    with pytest.raises(NoRevision) as caught:
        touched(tmp_path / "clone/svc")
    assert "git fetch --unshallow" in str(caught.value)


def test_without_git_nobody_speaks_of_cargo(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository))

    with pytest.raises(NoRevision) as caught:
        touched(repository / "svc")
    assert "git is not installed" in str(caught.value)
