from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path, PurePosixPath

import pytest

from rustdocker_tasks.context.folder import GroupContents, folder_list, prepared_context, render_ignore_file
from rustdocker_tasks.context.ignore import IgnorePatterns, parse_ignore_file
from rustdocker_tasks.context.sources import list_sources, named_in_rust, render_list
from rustdocker_tasks.errors import (
    BrokenPattern,
    IgnoredManifest,
    UnnameableFolder,
    UnusableSource,
    UnusableTarget,
)
from rustdocker_tasks.inputs.root_files import Entry
from rustdocker_tasks.plan.context import ContextFolders
from tests.conftest import Write, crate, write_files


def alone(folder: Path) -> ContextFolders:
    return ContextFolders(root=folder, project=folder)


def paths(folder: Path) -> set[str]:
    return set(list_sources(alone(folder)).files)


def test_what_is_no_source_or_a_secret_stays_out(write: Write) -> None:
    folder = write(
        crate(
            **{
                "src/a/deep.txt": "",
                "target/release/x": "",
                ".git/config": "",
                ".env": "SECRET=1",
                ".envrc": "export SECRET=1",
                "sub/.netrc": "password 1",
                ".env.example": "SECRET=",
                "sub/.env.local": "SECRET=1",
                "web/node_modules/x.js": "",
                ".idea/workspace.xml": "",
                "src/.main.rs.swp": "",
                "src/main.rs~": "",
                "src/.DS_Store": "",
                "cache/CACHEDIR.TAG": "",
                "cache/x": "",
                ".cargo/config.toml": "",
            }
        )
    )

    own = {"Cargo.toml", "src/main.rs", "tasks.py"}
    assert paths(folder) == own | {"src/a/deep.txt", ".env.example", ".cargo/config.toml"}


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        ("", {".env.example", "web/.env.sample"}),
        ("web", {".env.example"}),
        ("*\n!web\n!Cargo.toml\n.env.example", {"web/.env.sample"}),
        ("web\n**/.x\n!.cargo", {".env.example"}),
        ("!*", {".env.example", "web/.env.sample"}),
        ("!**/.env.test", {".env.example", "web/.env.sample", "web/.env.test"}),
        ("!web/.netrc", {".env.example", "web/.env.sample", "web/.netrc"}),
    ],
)
def test_a_file_of_secrets_is_sent_only_where_the_ignore_file_names_it(
    write: Write, patterns: str, found: set[str]
) -> None:
    names = (".env", ".env.example", "web/.env", "web/.env.sample", "web/.env.test", ".netrc", "web/.netrc")
    folder = write(crate(**dict.fromkeys(names, ""), **{".dockerignore": patterns}))
    (folder / "settings").symlink_to(".netrc")

    assert {path for path in paths(folder) if path in {*names, "settings"}} == found


def test_vendored_crates_are_whole(write: Write) -> None:
    write({"vendor/.git": "gitdir: ../.git/modules/vendor", "vendor/.env": "SECRET=1"})
    own = ("Cargo.toml", ".cargo-checksum.json", ".vscode/a.json", "src/.x.rs.swp", ".gitignore", "a~", ".env.b")
    folder = write(crate(**{f"vendor/dep/{name}": "" for name in own}, **{".dockerignore": "**/.gitignore"}))

    sources = list_sources(ContextFolders(root=folder, project=folder, vendored=(folder / "vendor",)))

    sent = {path.removeprefix("vendor/dep/") for path in sources.files if path.startswith("vendor")}
    assert sent == set(own)
    assert not any(map(IgnorePatterns(sources.patterns).ignores, sources.files))
    assert not [pattern for pattern in sources.exceptions if "*" in pattern or "Cargo.toml" in pattern]


@pytest.mark.parametrize("home", [".cargo", "ci/cargo"])
def test_what_cargo_s_home_keeps_for_itself_is_no_source(
    write: Write, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    own = (
        "credentials.toml",
        "credentials",
        "bin/cargo-x",
        ".global-cache",
        ".package-cache-mutate",
        "registry/a.rs",
    )
    files = {f"{home}/{name}": "" for name in own}
    marks = {
        f"{home}/registry/CACHEDIR.TAG": "",
        f"{home}/config.toml": "",
        ".dockerignore": f"!{home}/credentials",
    }
    folder = write(crate(**files, **marks))
    monkeypatch.setenv("CARGO_HOME", str(folder / home))

    assert paths(folder) == {"Cargo.toml", "src/main.rs", "tasks.py", ".dockerignore", f"{home}/config.toml"}


def test_the_user_s_own_ignore_file_counts(write: Write) -> None:
    folder = write(crate(**{".dockerignore": "*.md\nprivate\n!private/not", "README.md": "", "private/key": ""}))

    assert paths(folder) == {"Cargo.toml", "src/main.rs", "tasks.py", ".dockerignore"}


def test_the_list_holds_digest_mode_and_path(write: Write) -> None:
    folder = write({"a b.txt": "x", "run.sh": "y", r"dev-disk\x2d1.mount": "z"})
    (folder / "run.sh").chmod(0o755)

    rows = render_list(list_sources(alone(folder))).decode().splitlines()

    assert rows == [
        f"{sha256(b'x').hexdigest()} - a b.txt",
        rf"{sha256(b'z').hexdigest()} - dev-disk\x2d1.mount",
        f"{sha256(b'y').hexdigest()} x run.sh",
    ]


def test_a_link_is_sent_as_what_it_leads_to(write: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "shared.txt"
    outside.write_text("shared")
    folder = write(crate())
    (folder / "src" / "shared.txt").symlink_to(outside)

    with prepared_context(alone(folder), [GroupContents(support=())], say=print) as context:
        content = folder / context.names[0].folder / "contents" / sha256(b"shared").hexdigest()

        assert content.read_text() == "shared"
        assert not context.sources["src/shared.txt"].is_plain


def test_a_link_brings_no_secret_in(write: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    places = {"docs": ".ssh/id", "settings": ".env.local", "shared": "gcloud/shared", "example": ".env.example"}
    home = write_files(tmp_path_factory.mktemp("home"), dict.fromkeys(places.values(), ""))
    folder = write({**crate(), ".docker/compose.yaml": ""})
    for name, place in places.items():
        (folder / name).symlink_to(home / place)
    (folder / "compose.yaml").symlink_to(".docker/compose.yaml")

    found = list_sources(alone(folder))

    assert found.secrets == ("docs", "settings")
    assert found.files.keys() - crate().keys() == {"shared", "example", "compose.yaml", ".docker/compose.yaml"}


def test_what_an_earlier_build_needed_is_removed(write: Write) -> None:
    folder = write(crate())
    with prepared_context(alone(folder), [GroupContents(support=())], say=print) as first:
        pass
    (folder / "src" / "main.rs").write_text("fn main() {}")

    with prepared_context(alone(folder), [GroupContents(support=())], say=print) as second:
        left = {path.name for path in (folder / second.names[0].folder).iterdir()}

    assert first.names[0].sources not in left
    assert second.names[0].sources in left


def test_a_pattern_that_docker_refuses_is_refused(write: Write) -> None:
    with pytest.raises(BrokenPattern):
        list_sources(alone(write(crate(**{".dockerignore": "*.log\n[z-a]\n"}))))


def test_packages_are_listed_by_their_folders(tmp_path: Path) -> None:
    manifests = (tmp_path / "Cargo.toml", tmp_path / "Cargo.lock", tmp_path / "a b/Cargo.toml")
    folders = ContextFolders(root=tmp_path, project=tmp_path, manifests=manifests)

    assert folder_list(folders) == b".\na b\n"


def test_a_name_that_no_list_can_hold_is_refused(write: Write) -> None:
    folder = write(crate(**{"src/line\nbreak": ""}))

    with pytest.raises(UnusableSource):
        list_sources(alone(folder))


def test_an_ignored_file_may_have_any_name(write: Write) -> None:
    folder = write(crate(**{"data/back\\slash": "", ".dockerignore": "data"}))

    assert "data/back\\slash" not in paths(folder)


REPOSITORY = {
    "Cargo.toml": "",
    ".dockerignore": "**/*.secret\n",
    "api/app/Cargo.toml": "",
    "api/app/.dockerignore": "notes\n!notes/kept\n",
    "api/app/notes/a": "",
    "api/app/notes/kept": "",
    "api/app/key.secret": "",
    "api/app/target/debug/x": "",
    "api/other/Cargo.toml": "",
    "libs/common[1]/Cargo.toml": "",
    "libs/common[1]/notes/b": "",
    "libs/common[1]/target/debug/x": "",
    "libs/other/Cargo.toml": "",
    "README.md": "",
}


def in_repository(folder: Path) -> ContextFolders:
    packages = (folder / "libs/common[1]",)
    return ContextFolders(
        root=folder,
        project=folder / "api/app",
        beside=packages,
        files=(folder / "Cargo.toml", folder / "src/main.rs"),
        manifests=(folder / "api/app/Cargo.toml", folder / "libs/common[1]/Cargo.toml"),
    )


def test_of_a_folder_around_several_packages_only_those_are_sources(write: Write) -> None:
    sources = list_sources(in_repository(write(REPOSITORY)))

    # One in the root is for all, as docker has it; a folder's own is for what lies in it.
    found = {"Cargo.toml", "libs/common[1]/Cargo.toml", "libs/common[1]/notes/b"}
    own = {"api/app/Cargo.toml", "api/app/.dockerignore", "api/app/notes/kept"}
    assert set(sources.files) == found | own


def test_the_ignore_file_lets_through_what_is_listed_and_nothing_else(write: Write) -> None:
    folder = write(REPOSITORY)
    sources = list_sources(in_repository(folder))

    ignored = IgnorePatterns(sources.patterns)

    every = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {path for path in every if not ignored.ignores(path)} == set(sources.files)


def test_a_negation_lets_nothing_through_beside_the_sources(write: Write) -> None:
    folder = write({**REPOSITORY, ".dockerignore": "*\n!**/Cargo.toml\n!README.md\n!libs\n!api\n"})
    sources = list_sources(in_repository(folder))

    ignored = IgnorePatterns(sources.patterns)

    every = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {path for path in every if not ignored.ignores(path)} == set(sources.files)
    assert "libs/common[1]/Cargo.toml" in sources.files


def test_what_is_not_there_is_no_pattern(write: Write) -> None:
    folders = in_repository(write(REPOSITORY))

    assert "!Cargo.toml" in list_sources(folders).patterns
    assert "!src/main.rs" not in list_sources(folders).patterns


@pytest.mark.parametrize("name", ["#p", "!p", " lead", "trail ", "[a]*?", "a#b!c"])
def test_a_folder_of_any_name_is_sent_without_its_target_folder(write: Write, name: str) -> None:
    files = {f"{name}/Cargo.toml": "", f"{name}/target/x": "", f"{name}/src/lib.rs": "", "app/Cargo.toml": ""}
    folder = write(files)
    folders = ContextFolders(root=folder, project=folder / "app", beside=(folder / name,))

    sources = list_sources(folders)

    # As BuildKit reads what is written for it.
    ignored = IgnorePatterns(parse_ignore_file(render_ignore_file(sources.patterns, "ours")))
    assert set(sources.files) == {f"{name}/Cargo.toml", f"{name}/src/lib.rs", "app/Cargo.toml"}
    assert {path for path in files if not ignored.ignores(path)} == set(sources.files)


def test_a_pattern_for_what_lies_above_lets_nothing_through(write: Write) -> None:
    folder = write({"app/Cargo.toml": "", "app/.dockerignore": "!../secret\n  #d\n", "secret": "", "app/#d": ""})
    folders = ContextFolders(root=folder, project=folder / "app", beside=(folder / "other",))

    sources = list_sources(folders)

    ignored = IgnorePatterns(parse_ignore_file(render_ignore_file(sources.patterns, "ours")))
    assert set(sources.files) == {"app/Cargo.toml", "app/.dockerignore"}
    assert ignored.ignores("secret")
    assert ignored.ignores("app/#d")


def test_our_folder_lies_in_the_project_whatever_the_context_is(write: Write) -> None:
    folder = write(REPOSITORY)

    with prepared_context(in_repository(folder), [GroupContents(support=())], say=print) as context:
        assert context.names[0].folder == "api/app/target/rustdocker/context"
        assert (folder / context.names[0].folder / str(context.names[0].sources)).is_file()
        assert not (folder / "target").exists()


def test_a_package_that_is_kept_out_is_told_before_anything_is_built(write: Write) -> None:
    folder = write({**REPOSITORY, ".dockerignore": "libs/*\n"})

    with pytest.raises(IgnoredManifest, match="common"):
        list_sources(in_repository(folder))


def test_a_target_folder_that_is_a_link_is_refused(write: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = write(crate())
    (folder / "target").symlink_to(tmp_path_factory.mktemp("elsewhere"))

    with pytest.raises(UnusableTarget), prepared_context(alone(folder), [GroupContents(support=())], say=print):
        pass


def test_a_folder_that_no_dockerfile_can_name_is_refused(write: Write) -> None:
    folder = write({path.replace("api/", "$(a)/"): text for path, text in REPOSITORY.items()})
    folders = ContextFolders(root=folder, project=folder / "$(a)/app")

    with (
        pytest.raises(UnnameableFolder),
        prepared_context(folders, [GroupContents(support=())], say=print),
    ):
        pass


def test_an_asset_of_any_name_is_sent(write: Write) -> None:
    asset = Entry(path=PurePosixPath("/srv/caf\udce9"), mode=0o644, content=b"")

    with prepared_context(alone(write(crate())), [GroupContents(support=((asset,),))], say=print) as context:
        assert len(context.names[0].files) == 1


def test_a_folder_that_nobody_may_enter_is_not_sent(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(crate(**{"pgdata/base": ""}))
    scan = os.scandir

    def refusing(path: str) -> object:
        if path.endswith("pgdata"):
            raise PermissionError
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)

    assert "pgdata" in list_sources(alone(folder)).patterns


def test_the_user_s_files_keep_their_times(write: Write) -> None:
    folder = write(crate())
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}

    with prepared_context(alone(folder), [GroupContents(support=())], say=print):
        pass

    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_variables_that_the_user_s_own_rust_names(write: Write) -> None:
    files = {
        "src/main.rs": 'fn main() { println!("{}", env!("GIT_SHA")); }',
        "build.rs": 'fn main() { std::env::var("BUILD_DATE"); }',
        "README.md": "IN_TEXT",
        "src/longer.rs": "const GIT_SHA_OF: u8 = MY_ACCESS;",
        "vendor/cc/src/lib.rs": 'fn f() { std::env::var("CC"); }',
        "vendored.rs": "BESIDE",
    }
    sources = list_sources(alone(write(crate(**files)))).files.values()

    names = ("GIT_SHA", "BUILD_DATE", "IN_TEXT", "CC", "BESIDE", "NOWHERE", "ACCESS")
    assert named_in_rust(sources, names, others=("vendor",)) == ("BESIDE", "BUILD_DATE", "GIT_SHA")


def test_a_source_that_changed_since_it_was_listed_is_refused(write: Write) -> None:
    folder = write(crate())
    sources = list_sources(alone(folder)).files
    (folder / "src/main.rs").write_text("fn main() { }")

    with pytest.raises(UnusableSource, match="it changed while it was read"):
        named_in_rust(sources.values(), ["GIT_SHA"], others=())
