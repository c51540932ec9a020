"""The first promise in containers: the program is made of the sources at hand, whatever their times say."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest

from rustdocker_tasks.context.sources import list_sources
from rustdocker_tasks.plan.context import ContextFolders
from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.images import RUST_MUSL
from tests.conftest import MANIFEST, TASKS, Outcome, clean_environment, invoke, write_files
from tests.engine.conftest import ENGINE_NAMES, IN_2000, MACHINE_ENGINE

pytestmark = pytest.mark.engine

ON_CURRENT = pytest.mark.parametrize("host", [CURRENT_ENGINE], ids=ENGINE_NAMES[1:], indirect=True)
IN_BOTH_MODES = pytest.mark.parametrize("cache", ["mount", "layer"])
PRINT = 'fn main() {{ println!("{}"); }}\n'


@dataclass(frozen=True)
class Crate:
    """A package to build again and again through buildx; every file written is dated 2000."""

    folder: Path
    host: str
    cache: str

    def write(self, **files: str) -> None:
        for name, text in files.items():
            write_files(self.folder, {name: text})
            os.utime(self.folder / name, (IN_2000, IN_2000))

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()

    def invoke(self, *words: str, **environment: str) -> Outcome:
        settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": self.host, "RUSTDOCKER_CACHE": self.cache}
        return invoke(*words, folder=self.folder, **settings, **environment)

    def build(self, variant: str = "slim", **environment: str) -> str:
        """Build the image, run it, and return what its program prints."""
        image = self.invoke("build", "--variant", variant, **environment).result
        return self.docker("run", "--rm", image).stdout.strip()

    def docker(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", *words],
            env=clean_environment(DOCKER_HOST=self.host),
            check=True,
            capture_output=True,
            text=True,
        )


@pytest.fixture(params=[MACHINE_ENGINE, CURRENT_ENGINE], ids=ENGINE_NAMES)
def host(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def cache() -> str:
    return "mount"


@pytest.fixture
def app(tmp_path: Path, host: str, cache: str) -> Crate:
    crate = Crate(tmp_path / "app", host, cache)
    # Its own name: BuildKit answers equal steps of other projects from its cache.
    crate.write(
        **{
            "Cargo.toml": MANIFEST.format(name=f"app-{uuid.uuid4().hex[:8]}") + "[features]\nx = []\n",
            "src/main.rs": PRINT.format("first"),
            "tasks.py": TASKS,
        }
    )
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=crate.folder, check=True)
    return crate


@pytest.mark.parametrize("variant", ["slim", "simple"])
def test_edits_and_reverts_with_old_times(app: Crate, variant: str) -> None:
    assert app.build(variant) == "first"
    # Of the same length and time: BuildKit itself takes such a file for unchanged.
    app.write(**{"src/main.rs": PRINT.format("fifth")})
    assert app.build(variant) == "fifth"
    app.write(**{"src/main.rs": PRINT.format("the second")})
    assert app.build(variant) == "the second"
    app.write(**{"src/main.rs": PRINT.format("first")})
    assert app.build(variant) == "first"


def test_edits_and_reverts_of_a_static_program(app: Crate) -> None:
    environment = {"RUSTDOCKER_BUILD_IMAGE": RUST_MUSL}
    assert app.build("static", **environment) == "first"
    app.write(**{"src/main.rs": PRINT.format("fifth")})
    assert app.build("static", **environment) == "fifth"
    app.write(**{"src/main.rs": PRINT.format("first")})
    assert app.build("static", **environment) == "first"


def test_a_revert_where_every_step_runs_again(app: Crate) -> None:
    assert app.build() == "first"
    app.write(**{"src/main.rs": PRINT.format("fifth")})
    assert app.build() == "fifth"
    app.write(**{"src/main.rs": PRINT.format("first")})
    app.write(**{"notes.txt": "another key for the steps"})

    assert app.build() == "first"


@pytest.mark.alone
# On the lab's own engine alone: the machine's has layers of others.
@ON_CURRENT
@pytest.mark.parametrize(
    ("variant", "cache"),
    # `slim` is in the tables of caching.
    [("minimal", "mount"), ("simple", "mount"), ("static", "mount")],
)
def test_a_revert_after_the_layers_were_pruned(app: Crate, variant: str) -> None:
    environment = {"RUSTDOCKER_BUILD_IMAGE": RUST_MUSL} if variant == "static" else {}

    for text in ("first", "fifth", "first"):
        app.write(**{"src/main.rs": PRINT.format(text)})
        assert app.build(variant, **environment) == text
        pruned = app.docker("buildx", "prune", "--all", "--force", "--filter=type=regular").stdout
        # All layers of the build are gone, and the mirror with its target folder stays.
        assert "Total:\t0B" not in pruned


@ON_CURRENT
@IN_BOTH_MODES
def test_a_module_that_is_moved_and_removed(app: Crate) -> None:
    main = 'mod m; fn main() { println!("{}", m::TEXT); }'
    app.write(**{"src/main.rs": main, "src/m.rs": 'pub const TEXT: &str = "first";'})
    assert app.build() == "first"
    app.remove("src/m.rs")
    app.write(**{"src/m/mod.rs": 'pub const TEXT: &str = "fifth";'})
    assert app.build() == "fifth"
    app.remove("src/m/mod.rs")

    outcome = app.invoke("build")

    assert outcome.code == 66
    assert "file not found for module `m`" in outcome.stderr


@ON_CURRENT
@IN_BOTH_MODES
def test_a_member_s_folder_that_is_removed(app: Crate) -> None:
    """A folder without a manifest that a pattern matches is an error of cargo's."""
    manifest = (app.folder / "Cargo.toml").read_text() + '[workspace]\nmembers = ["crates/*"]\n'
    member = {"crates/b/Cargo.toml": MANIFEST.format(name="b"), "crates/b/src/lib.rs": ""}
    app.write(
        **{"Cargo.toml": manifest, "crates/a/Cargo.toml": MANIFEST.format(name="a"), "crates/a/src/lib.rs": ""}
    )
    app.write(**member)
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=app.folder, check=True)
    name = manifest.split('"')[1]
    assert app.build(RUSTDOCKER_BIN=name) == "first"
    shutil.rmtree(app.folder / "crates/b")
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=app.folder, check=True)

    assert app.build(RUSTDOCKER_BIN=name) == "first"


@ON_CURRENT
@IN_BOTH_MODES
def test_a_link_to_a_file_outside_of_the_project(app: Crate, tmp_path: Path) -> None:
    (tmp_path / "shared.txt").write_text("first")
    app.write(**{"src/main.rs": 'fn main() { print!("{}", include_str!("shared.txt")); }'})
    (app.folder / "src/shared.txt").symlink_to(tmp_path / "shared.txt")
    assert app.build() == "first"
    (tmp_path / "shared.txt").write_text("fifth")

    assert app.build() == "fifth"


@ON_CURRENT
def test_a_target_folder_that_was_removed_between(app: Crate) -> None:
    assert app.build() == "first"
    shutil.rmtree(app.folder / "target")
    app.write(**{"src/main.rs": PRINT.format("fifth")})

    assert app.build() == "fifth"


NAMES = [
    "-",
    "with space",
    "ünïcode",
    "-dash",
    "quo'te\"s",
    "$dollar `tick`",
    "# hash",
    "[x]*?",
    r"dev\x2d1.mount",
]


@ON_CURRENT
@IN_BOTH_MODES
def test_any_file_name_arrives(app: Crate) -> None:
    lines = "".join(f'print!(include_str!(r#####"../texts/{name}"#####));' for name in NAMES)
    app.write(**{"src/main.rs": f"fn main() {{ {lines} }}"})
    app.write(**{f"texts/{name}": "1" for name in NAMES})
    assert app.build() == "1" * len(NAMES)
    app.write(**{f"texts/{name}": "2" for name in NAMES})

    assert app.build() == "2" * len(NAMES)


@ON_CURRENT
def test_variants_of_one_c_library_share_what_is_compiled(app: Crate) -> None:
    app.build("slim")

    outcome = app.invoke("build", "--variant", "minimal")

    assert outcome.code == 0
    assert "Compiling" not in outcome.stderr


LISTS_PLUGINS = """use std::{env, fs, path::Path};
fn main() {
    let mut names: Vec<_> = fs::read_dir("plugins").unwrap().map(|e| e.unwrap()).collect();
    names.sort_by_key(|e| e.file_name());
    let text: String = names.iter().map(|e| fs::read_to_string(e.path()).unwrap()).collect();
    fs::write(Path::new(&env::var("OUT_DIR").unwrap()).join("plugins.txt"), text).unwrap();
    println!("cargo:rerun-if-changed=build.rs");
}
"""
PRINTS_PLUGINS = 'fn main() { print!("{}", include_str!(concat!(env!("OUT_DIR"), "/plugins.txt"))); }'


@ON_CURRENT
@pytest.mark.parametrize("ending", ["rs", "txt"])
def test_files_that_a_build_script_reads_and_does_not_name(app: Crate, ending: str) -> None:
    app.write(**{"build.rs": LISTS_PLUGINS, "src/main.rs": PRINTS_PLUGINS, f"plugins/a.{ending}": "a1"})
    assert app.build() == "a1"
    app.write(**{f"plugins/a.{ending}": "a2"})
    assert app.build() == "a2"
    app.write(**{f"plugins/b.{ending}": "b1"})
    assert app.build() == "a2b1"
    app.remove(f"plugins/a.{ending}")
    assert app.build() == "b1"


@ON_CURRENT
@IN_BOTH_MODES
def test_a_removal_beside_an_edit_that_the_context_brings_in_an_old_state(app: Crate) -> None:
    main = PRINTS_PLUGINS.replace("print!(", 'print!("1"); print!(')
    app.write(**{"build.rs": LISTS_PLUGINS, "src/main.rs": main, "plugins/a.txt": "a", "plugins/b.txt": "b"})
    assert app.build() == "1ab"
    app.remove("plugins/b.txt")
    app.write(**{"src/main.rs": main.replace('"1"', '"2"')})

    assert app.build() == "2a"


@ON_CURRENT
@IN_BOTH_MODES
def test_a_source_that_a_build_script_wrote_over(app: Crate) -> None:
    script = 'fn main() { std::fs::write("src/text", "of the script").unwrap(); }'
    app.write(**{"build.rs": script, "src/text": "of the user", "src/main.rs": PRINTS_TEXT})
    assert app.build() == "of the script"
    app.write(**{"build.rs": "fn main() {}"})
    assert app.build() == "of the user"


@ON_CURRENT
@IN_BOTH_MODES
def test_a_source_that_a_build_script_writes_over_with_a_feature(app: Crate) -> None:
    script = """fn main() {
        println!("cargo:rerun-if-changed=build.rs");
        if std::env::var_os("CARGO_FEATURE_X").is_some() {
            std::fs::write("src/text", "of the script").unwrap();
        }
    }"""
    app.write(**{"build.rs": script, "src/text": "of the user", "src/main.rs": PRINTS_TEXT})

    printed = [app.build(RUSTDOCKER_FEATURES=features) for features in ("x", "x", "[]", "x")]

    assert printed == ["of the script", "of the script", "of the user", "of the script"]


@ON_CURRENT
@IN_BOTH_MODES
def test_a_source_that_a_build_script_no_longer_writes_over(app: Crate) -> None:
    """What it is compiled with is another one: cargo sees that, and runs it again."""
    manifest = (app.folder / "Cargo.toml").read_text() + '[build-dependencies]\ncodegen = { path = "codegen" }\n'
    writes = 'pub fn run() { std::fs::write("src/text", "of the script").unwrap(); }\n'
    app.write(
        **{
            "Cargo.toml": manifest,
            "build.rs": 'fn main() { println!("cargo:rerun-if-changed=build.rs"); codegen::run(); }\n',
            "src/text": "of the user",
            "src/main.rs": PRINTS_TEXT,
            "codegen/Cargo.toml": MANIFEST.format(name="codegen"),
            "codegen/src/lib.rs": writes,
        }
    )
    (app.folder / "Cargo.lock").unlink(missing_ok=True)
    assert app.build() == "of the script"
    app.write(**{"src/main.rs": PRINTS_TEXT + "// edited\n"})
    assert app.build() == "of the script"
    app.write(**{"codegen/src/lib.rs": "pub fn run() {}\n"})
    assert app.build() == "of the user"


PRINTS_TEXT = 'fn main() { print!("{}", include_str!("text")); }'


@ON_CURRENT
def test_a_file_that_a_build_script_no_longer_makes(app: Crate) -> None:
    app.write(
        **{
            "build.rs": 'fn main() { std::fs::write("src/made.rs", "pub const X: u8 = 1;").unwrap(); }',
            "src/main.rs": 'mod made; fn main() { println!("{}", made::X); }',
        }
    )
    assert app.build() == "1"
    app.write(**{"build.rs": "fn main() {}"})

    outcome = app.invoke("build")

    assert outcome.code == 66
    assert "file not found for module `made`" in outcome.stderr


@ON_CURRENT
@IN_BOTH_MODES
def test_what_a_build_script_puts_into_the_user_s_cache_once(app: Crate) -> None:
    script = """fn main() {
    let home = std::env::var("HOME").unwrap();
    let cache = std::env::var("XDG_CACHE_HOME").unwrap_or_else(|_| format!("{home}/.cache"));
    std::fs::create_dir_all(&cache).unwrap();
    std::fs::write(format!("{cache}/text"), "cached").unwrap();
    println!("cargo:rustc-env=CACHED={cache}/text");
    println!("cargo:rerun-if-changed=build.rs");
}
"""
    main = 'fn main() {{ println!("{} {{}}", include_str!(env!("CACHED"))); }}'
    app.write(**{"build.rs": script, "src/main.rs": main.format("first")})
    assert app.build() == "first cached"
    app.write(**{"src/main.rs": main.format("fifth")})

    assert app.build() == "fifth cached"


@ON_CURRENT
@IN_BOTH_MODES
def test_data_that_another_member_reads(app: Crate) -> None:
    manifest = (app.folder / "Cargo.toml").read_text() + '[workspace]\nmembers = ["shared"]\n'
    app.write(
        **{
            "Cargo.toml": manifest,
            "shared/Cargo.toml": MANIFEST.format(name="shared"),
            "shared/src/lib.rs": "",
            "shared/plugins/a": "first",
            "build.rs": LISTS_PLUGINS.replace('"plugins"', '"shared/plugins"'),
            "src/main.rs": PRINTS_PLUGINS,
        }
    )
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=app.folder, check=True)
    assert app.build() == "first"
    app.write(**{"shared/plugins/a": "fifth"})

    assert app.build() == "fifth"


@ON_CURRENT
def test_a_file_that_is_only_removed(app: Crate) -> None:
    app.write(**{"notes.txt": "x"})
    assert app.build() == "first"
    app.remove("notes.txt")

    assert app.build() == "first"


@ON_CURRENT
def test_a_build_that_failed_fails_again_in_the_same_way(app: Crate) -> None:
    app.write(**{"src/main.rs": "fn main() { nothing() }"})

    outcomes = [app.invoke("build") for _ in range(2)]

    assert [outcome.code for outcome in outcomes] == [66, 66]
    assert all("cannot find function `nothing`" in outcome.stderr for outcome in outcomes)


@ON_CURRENT
def test_a_setting_that_changes_recompiles_nothing(app: Crate) -> None:
    app.build()

    outcome = app.invoke("build", RUSTDOCKER_USER="1000")

    assert outcome.code == 0
    assert "Compiling" not in outcome.stderr


@ON_CURRENT
@IN_BOTH_MODES
def test_two_binaries_one_after_the_other(app: Crate) -> None:
    app.write(**{"src/bin/one.rs": PRINT.format("one"), "src/bin/two.rs": PRINT.format("two")})

    assert [app.build(RUSTDOCKER_BIN=name) for name in ("one", "two", "one")] == ["one", "two", "one"]


@ON_CURRENT
def test_two_links_to_one_folder(app: Crate, tmp_path: Path) -> None:
    write_files(tmp_path / "shared", {"text": "1"})
    main = 'fn main() { print!("{}{}", include_str!("a/text"), include_str!("b/text")); }'
    app.write(**{"src/main.rs": main})
    for name in ("a", "b"):
        (app.folder / "src" / name).symlink_to(tmp_path / "shared")

    assert app.build() == "11"


@ON_CURRENT
def test_many_files_that_the_context_brings_in_an_old_state(app: Crate) -> None:
    app.write(**{"src/main.rs": PRINTS_TEXT.replace('"text"', '"../texts/0599"')})
    app.write(**{f"texts/{number:04}": "1" for number in range(600)})
    assert app.build() == "1"
    app.write(**{f"texts/{number:04}": "2" for number in range(600)})

    assert app.build() == "2"


IGNORES = [
    "gen/*\n!gen/keep/k\ngen/keep",
    "**/*.pem\n!certs",
    "d?ep/**/*.log\n!deep/*/two",
    "*\n!certs\n!src\nsrc/secret",
    "/gen/\n./deep/../certs",
    "gen/keep/\n!**/k\n[d-e]*",
    "[#]p\n[!]p\n[ ]lead\ntrail[ ]",
]
IGNORED_TREE = ["gen/a", "gen/keep/k", "gen/keep/l", "certs/server.pem", "certs/b", "deep/a/two", "deep/a/two.log"]
IGNORED_TREE += [f"{name}/a" for name in ("#p", "!p", " lead", "trail ", "p")]


@ON_CURRENT
@pytest.mark.parametrize("patterns", IGNORES)
def test_what_is_listed_is_what_buildkit_sends(tmp_path: Path, host: str, patterns: str) -> None:
    folder = write_files(tmp_path / "tree", dict.fromkeys([*IGNORED_TREE, "src/main.rs", "src/secret/x"], ""))
    write_files(folder, {".dockerignore": patterns})
    write_files(tmp_path, {"Dockerfile": "FROM scratch\nCOPY . /\n", "Dockerfile.dockerignore": patterns})
    words = ["docker", "buildx", "build", f"--output=type=local,dest={tmp_path / 'sent'}"]
    words += [f"--file={tmp_path / 'Dockerfile'}", str(folder)]
    subprocess.run(words, check=True, capture_output=True, env=clean_environment(DOCKER_HOST=host))
    sent = {str(path.relative_to(tmp_path / "sent")) for path in (tmp_path / "sent").rglob("*") if path.is_file()}

    assert set(list_sources(ContextFolders(root=folder, project=folder)).files) == sent
