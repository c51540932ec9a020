"""The first promise: the program is made of the sources at hand, whatever their times say.

With the real cargo, on small packages; the program is run on this machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import pytest
from msgspec.structs import replace

from rustdocker_tasks.commands import plan_command, run_command
from rustdocker_tasks.context.folder import GroupContents, prepared_context
from rustdocker_tasks.errors import CargoFailed, CompileError, LacksPackage, UnknownCargoLayout
from rustdocker_tasks.host.compile import CargoFolders, compiled_programs, query_folders
from rustdocker_tasks.host.freshness import Record, inspect, make_scope, record_build, record_name
from rustdocker_tasks.host.units import features_of
from rustdocker_tasks.pipeline import plan_image
from rustdocker_tasks.plan.commands import TEST, CommandWords
from rustdocker_tasks.plan.context import ContextFolders
from rustdocker_tasks.plan.model import CompileGroup, CompileStep, ImagePlan, MachineFacts, NoGitState
from rustdocker_tasks.settings.sources import Layer, Source
from rustdocker_tasks.terminal import Terminal
from tests.cargo.test_mirror import VENDORED
from tests.conftest import MANIFEST, write_files

pytestmark = [pytest.mark.cargo, pytest.mark.usefixtures("units")]

HOST_ALONE = MachineFacts(is_ci=False, buildx_problem="not asked for", git=NoGitState("not asked for"))
IN_2000 = 946_684_800  # seconds since the epoch
PRINT = 'fn main() {{ println!("{}"); }}\n'
# Cargo's mark of a build script's compilation.
SCRIPT = "build-script-build-script-build"
FIRST, SECOND = PRINT.format("first"), PRINT.format("second")
APP = {"Cargo.toml": MANIFEST.format(name="app"), "src/main.rs": FIRST}


@dataclass(frozen=True)
class Crate:
    """A package to build again and again; every file written is dated 2000."""

    folder: Path
    capture: pytest.CaptureFixture[str]

    def write(self, **files: str) -> None:
        for name, text in files.items():
            self.write_file(name, text)

    def write_file(self, name: str, text: str) -> None:
        write_files(self.folder, {name: text})
        os.utime(self.folder / name, (IN_2000, IN_2000))

    def plan_with(self, **settings: object) -> ImagePlan:
        layer = Layer(source=Source.FLAG, where=lambda _: "a test", base=self.folder, values=settings)
        return plan_image(self.folder, (layer,), facts=HOST_ALONE).plan

    @property
    def plan(self) -> ImagePlan:
        return self.plan_with()

    @property
    def step(self) -> CompileStep:
        return self.plan.compile

    @property
    def folders(self) -> CargoFolders:
        return query_folders(self.step)

    def build(self, *features: str, **settings: object) -> str:
        """Build as a task does, and return what the program prints."""
        plan = self.plan_with(**settings)
        step = replace(plan.compile, features=features)
        group = CompileGroup(images=(replace(plan, compile=step),))
        with compiled_programs(group, query_folders(step), say=print) as compiled:
            (program,) = compiled.programs
            if isinstance(program, CompileError):
                raise program
            return subprocess.run([program[0]], check=True, capture_output=True, text=True).stdout.strip()

    def cargo(self, *words: str) -> None:
        """Build as the user does, past us."""
        subprocess.run(["cargo", *words], cwd=self.folder, check=True, capture_output=True)

    def compiled(self) -> list[str]:
        """The packages that cargo compiled since this was last asked."""
        lines = self.capture.readouterr().err.splitlines()
        return [line.split()[1] for line in lines if line.strip().startswith("Compiling")]


@pytest.fixture
def app(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Crate:
    return make(tmp_path / "app", capfd, APP)


def make(folder: Path, capture: pytest.CaptureFixture[str], files: dict[str, str]) -> Crate:
    crate = Crate(folder, capture)
    for name, text in files.items():
        crate.write_file(name, text)
    return crate


def test_a_cold_build_of_sources_dated_2000(app: Crate) -> None:
    assert app.build() == "first"


def test_an_edit_and_its_revert_with_old_times(app: Crate) -> None:
    assert app.build() == "first"
    app.write_file("src/main.rs", SECOND)
    assert app.build() == "second"
    app.write_file("src/main.rs", FIRST)
    assert app.build() == "first"


def test_an_edit_with_a_new_time_and_a_revert_with_the_old(app: Crate) -> None:
    app.build()
    shutil.copy2(app.folder / "src/main.rs", app.folder.parent / "kept.rs")
    (app.folder / "src/main.rs").write_text(SECOND)
    assert app.build() == "second"
    shutil.copy2(app.folder.parent / "kept.rs", app.folder / "src/main.rs")
    assert app.build() == "first"


def test_a_build_of_the_user_s_own_in_between(app: Crate) -> None:
    app.build()
    (app.folder / "src/main.rs").write_text(SECOND)
    app.cargo("build", "--release")
    app.write_file("src/main.rs", FIRST)

    assert app.build() == "first"


def test_artefacts_of_the_user_s_own_before_the_first_build(app: Crate) -> None:
    (app.folder / "src/main.rs").write_text(SECOND)
    app.cargo("build", "--release")
    app.write_file("src/main.rs", FIRST)

    assert app.build() == "first"


def test_a_feature_switched_on_around_an_edit(app: Crate) -> None:
    app.write_file("Cargo.toml", APP["Cargo.toml"] + "[features]\nx = []\n")
    assert app.build("x") == "first"
    app.write_file("src/main.rs", SECOND)
    assert app.build() == "second"
    assert app.build("x") == "second"
    app.write_file("src/main.rs", FIRST)
    assert app.build() == "first"
    assert app.build("x") == "first"


FEATURED = {
    "Cargo.toml": MANIFEST.format(name="app") + "[features]\nx = []\n",
    "src/main.rs": 'fn main() { println!("{}", if cfg!(feature = "x") { "with x" } else { "without" }); }\n',
}


def test_a_user_s_own_builds_with_another_feature_at_the_same_time(app: Crate) -> None:
    app.write(**FEATURED)
    ended = Event()

    def build_again_and_again() -> None:
        while not ended.is_set():
            app.cargo("build", "--release", "--features=x")

    beside = Thread(target=build_again_and_again, daemon=True)
    beside.start()
    try:
        programs = {app.build() for _ in range(10)}
    finally:
        ended.set()
        beside.join(timeout=60)

    assert programs == {"without"}


def test_a_program_s_unit_tells_its_features(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    manifest = FEATURED["Cargo.toml"].replace('"app"', '"my-app"')
    app = make(tmp_path / "app", capfd, {**FEATURED, "Cargo.toml": manifest})
    program = app.folders.target_dir / "release/my-app"
    for words, features in ((("--features=x",), ["x"]), ((), [])):
        app.cargo("build", "--release", *words)

        assert features_of(program, program.stat().st_ino) == features
    assert features_of(program, 0) is None


def test_two_builds_with_different_features_at_the_same_time(app: Crate) -> None:
    app.write(**FEATURED)

    with ThreadPoolExecutor() as pool:
        with_x = [pool.submit(app.build, "x") for _ in range(5)]
        without = [pool.submit(app.build) for _ in range(5)]

    assert {done.result() for done in with_x} == {"with x"}
    assert {done.result() for done in without} == {"without"}


def test_two_source_folders_that_change_places(app: Crate) -> None:
    app.write_file("other/main.rs", SECOND)
    app.build()
    (app.folder / "src").rename(app.folder / "kept")
    (app.folder / "other").rename(app.folder / "src")
    assert app.build() == "second"
    (app.folder / "src").rename(app.folder / "other")
    (app.folder / "kept").rename(app.folder / "src")
    assert app.build() == "first"


def test_places_changed_and_changed_back_around_a_build_of_the_user_s_own(app: Crate) -> None:
    app.write_file("other/main.rs", SECOND)
    app.build()
    (app.folder / "src").rename(app.folder / "kept")
    (app.folder / "other").rename(app.folder / "src")
    os.utime(app.folder / "src/main.rs")
    app.cargo("build", "--release")
    (app.folder / "src").rename(app.folder / "other")
    (app.folder / "kept").rename(app.folder / "src")

    assert app.build() == "first"


INCLUDED = {
    **APP,
    "src/main.rs": 'fn main() { print!("{}", include_str!("../text.txt")); }\n',
    "text.txt": "first",
}


def test_an_included_file_reverted_with_its_old_time(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    app = make(tmp_path, capfd, INCLUDED)
    assert app.build() == "first"
    app.write_file("text.txt", "second")
    assert app.build() == "second"


def test_an_included_file_outside_of_the_package(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    main = INCLUDED["src/main.rs"].replace("../text.txt", "../../text.txt")
    app = make(tmp_path / "app", capfd, {**INCLUDED, "src/main.rs": main, "../text.txt": "first"})
    assert app.build() == "first"
    app.write_file("../text.txt", "second")
    assert app.build() == "second"
    app.write_file("../text.txt", "first")
    assert app.build() == "first"


def test_two_checkouts_that_share_a_target_folder(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARGO_TARGET_DIR", str(tmp_path / "target"))
    one = make(tmp_path / "one", capfd, APP)
    two = make(tmp_path / "two", capfd, {**APP, "src/main.rs": SECOND})
    time.sleep(0.02)

    assert [crate.build() for crate in (one, two, one, two)] == ["first", "second", "first", "second"]
    one.compiled()
    assert two.build() == "second"
    assert two.compiled() == []


def test_a_path_dependency_that_is_no_longer_used_stops_no_build(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path, capfd, LIBRARY)
    app = Crate(tmp_path / "app", capfd)
    assert app.build() == "first"
    # Still named, but not in the graph: cargo would refuse to clean it.
    app.write_file("Cargo.toml", MANIFEST.format(name="app") + '[patch.crates-io]\nlib = { path = "../lib" }\n')
    app.write_file("src/main.rs", SECOND)
    app.cargo("update", "--workspace", "--offline")
    app.write_file("../lib/src/lib.rs", "")
    assert app.build() == "second"


def test_two_checkouts_whose_target_folders_are_links_to_one(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    one = make(tmp_path / "one", capfd, APP)
    two = make(tmp_path / "two", capfd, {**APP, "src/main.rs": SECOND})
    (tmp_path / "shared").mkdir()
    for crate in (one, two):
        (crate.folder / "target").symlink_to(tmp_path / "shared")
    time.sleep(0.02)

    assert [crate.build() for crate in (one, two, one)] == ["first", "second", "first"]


def test_a_checkout_inside_another_that_uses_its_target_folder(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outer = make(
        tmp_path / "outer", capfd, {**APP, "Cargo.toml": APP["Cargo.toml"] + '[workspace]\nexclude = ["wt"]\n'}
    )
    inner = make(outer.folder / "wt", capfd, {**APP, "src/main.rs": SECOND})
    monkeypatch.setenv("CARGO_TARGET_DIR", str(outer.folder / "target"))
    time.sleep(0.02)

    assert [crate.build() for crate in (outer, inner, outer, inner)] == ["first", "second", "first", "second"]


def test_a_folder_above_a_path_dependency_that_changes_places(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    app_toml = MANIFEST.format(name="app") + '[dependencies]\nlib = { path = "../libs/lib" }\n'
    files = {name.replace("lib/", "libs/lib/", 1): text for name, text in LIBRARY.items()}
    second = {
        "other/lib/Cargo.toml": LIBRARY["lib/Cargo.toml"],
        "other/lib/src/lib.rs": 'pub const TEXT: &str = "second";\n',
    }
    make(tmp_path, capfd, {**files, **second, "app/Cargo.toml": app_toml})
    app = Crate(tmp_path / "app", capfd)
    time.sleep(0.02)
    assert app.build() == "first"
    (tmp_path / "libs").rename(tmp_path / "kept")
    (tmp_path / "other").rename(tmp_path / "libs")
    assert app.build() == "second"


def test_a_target_folder_that_is_put_back(app: Crate, tmp_path: Path) -> None:
    app.write_file("src/main.rs", SECOND)
    app.build()
    shutil.copytree(app.folder / "target", tmp_path / "saved")
    app.write_file("src/main.rs", FIRST)
    assert app.build() == "first"
    shutil.rmtree(app.folder / "target")
    shutil.copytree(tmp_path / "saved", app.folder / "target")
    assert app.build() == "first"


def test_a_path_package_that_only_cargo_knows_of(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = '[patch.crates-io]\nitoa = { path = "itoa" }\n'
    lib = 'pub const TEXT: &str = "first";\n'
    files = {
        "Cargo.toml": MANIFEST.format(name="app")
        + '[dependencies]\nitoa = "1"\n[workspace]\nexclude = ["itoa"]\n',
        ".cargo/config.toml": config,
        "src/main.rs": 'fn main() { println!("{}", itoa::TEXT); }\n',
        "itoa/Cargo.toml": MANIFEST.format(name="itoa").replace("0.1.0", "1.9.9"),
        "itoa/src/lib.rs": lib,
    }
    app = make(tmp_path, capfd, files)
    assert app.build() == "first"
    app.write_file("itoa/src/lib.rs", lib.replace("first", "second"))
    assert app.build() == "second"
    app.compiled()
    app.build()
    assert app.compiled() == []


def test_a_vendored_crate_that_changes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    app = make(tmp_path, capfd, {**VENDORED, "data.txt": "1"})
    assert app.build() == "first"
    assert app.compiled() == ["dep", "app"]
    for text in ("second", "first"):
        app.write_file("vendor/dep-1/src/lib.rs", f'pub const TEXT: &str = "{text}";\n')
        assert app.build() == text
    app.compiled()
    app.build()
    assert app.compiled() == []
    app.write_file("data.txt", "2")
    app.build()
    assert app.compiled() == ["app"]


@pytest.mark.parametrize(
    ("script", "base", "compiled"),
    [
        ('println!("cargo:rerun-if-changed=build.rs");', "", ["app", "base"]),
        ('println!("cargo:rerun-if-env-changed=CARGO_GREETING");', "", ["app"]),
        (
            'println!("cargo:rerun-if-changed=build.rs");',
            'pub const GREETING: Option<&str> = option_env!("CARGO_GREETING");',
            ["app", "base"],
        ),
    ],
    ids=["that nobody names", "that the build script names", "that another package names"],
)
def test_a_variable_is_another_program(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], script: str, base: str, compiled: list[str]
) -> None:
    tells = 'println!("cargo:rustc-env=G={}", std::env::var("CARGO_GREETING").unwrap());'
    files = {
        "Cargo.toml": MANIFEST.format(name="app") + '[dependencies]\nbase = { path = "base" }\n[workspace]\n',
        "build.rs": f"fn main() {{ {script} {tells} }}\n",
        "src/main.rs": 'fn main() { println!("{}", env!("G")); }\n',
        "base/Cargo.toml": MANIFEST.format(name="base"),
        "base/src/lib.rs": base,
    }
    app = make(tmp_path, capfd, files)
    assert app.build(**{"build-env": {"CARGO_GREETING": "first"}}) == "first"
    for text in ("second", "first"):
        app.compiled()
        assert app.build(**{"build-env": {"CARGO_GREETING": text}}) == text
        assert sorted(app.compiled()) == compiled
    app.build(**{"build-env": {"CARGO_GREETING": "first"}})
    assert app.compiled() == []


def test_the_manifest_at_the_root_is_its_package_s_own_affair(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    manifest = (
        MANIFEST.format(name="app")
        + '[dependencies]\nbase = { path = "base" }\n[workspace]\n[package.metadata.rustdocker]\nlocked = false\n'
    )
    files = {
        "Cargo.toml": manifest,
        "src/main.rs": 'fn main() { println!("{}", base::TEXT); }\n',
        "base/Cargo.toml": MANIFEST.format(name="base"),
        "base/src/lib.rs": 'pub const TEXT: &str = "first";\n',
    }
    app = make(tmp_path, capfd, files)
    app.build()
    app.compiled()
    app.write_file("Cargo.toml", manifest.replace("0.1.0", "0.2.0"))
    app.build()

    assert app.compiled() == ["app"]


def test_a_package_that_gets_another_name(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    unlocked = "[package.metadata.rustdocker]\nlocked = false\n"
    manifest = MANIFEST.format(name="app") + '[dependencies]\n{} = {{ path = "base" }}\n' + unlocked
    main = 'fn main() {{ println!("{{}}", {}::TEXT); }}\n'
    lib = 'pub const TEXT: &str = "first";\n'
    files = {"base/Cargo.toml": MANIFEST.format(name="base"), "base/src/lib.rs": lib}
    app = make(tmp_path, capfd, files)
    app.write(**{"Cargo.toml": manifest.format("base"), "src/main.rs": main.format("base")})
    assert app.build() == "first"
    app.write_file("base/src/lib.rs", lib.replace("first", "second"))
    app.write_file("base/Cargo.toml", MANIFEST.format(name="other"))
    app.write(**{"Cargo.toml": manifest.format("other"), "src/main.rs": main.format("other")})

    assert app.build() == "second"


def test_a_triple_that_only_cargo_s_configuration_names(app: Crate) -> None:
    app.write_file(".cargo/config.toml", '[build]\ntarget = "x86_64-unknown-linux-gnu"\n')
    assert app.build() == "first"
    app.write_file("src/main.rs", SECOND)
    assert app.build() == "second"
    app.compiled()
    app.build()
    assert app.compiled() == []


def test_a_folder_in_the_target_folder_that_is_no_triple(app: Crate) -> None:
    app.cargo("build", "--release", "--target-dir", "target/llvm-cov-target")
    assert app.build() == "first"
    app.write_file("notes.txt", "")
    assert app.build() == "first"


def test_a_file_brought_in_and_taken_back_while_cargo_compiles(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    main = 'fn main() { println!("{}", env!("TEXT")); }\n'
    script = """
        fn main() {
            println!("cargo:rerun-if-changed=build.rs");
            std::thread::sleep(std::time::Duration::from_millis(600));
            println!("cargo:rustc-env=TEXT={}", std::fs::read_to_string("text.txt").unwrap());
            std::fs::write("target/read", "").unwrap();
            std::thread::sleep(std::time::Duration::from_millis(600));
        }
    """
    app = make(tmp_path, capfd, {**APP, "src/main.rs": main, "build.rs": script, "text.txt": "first"})

    def is_compiled() -> bool:
        with suppress(FileNotFoundError):  # rustc's own files come and go
            return bool(list(tmp_path.glob("target/release/build/app*/**/build[-_]script[-_]build")))
        return False

    def change_and_revert() -> None:
        while not is_compiled():
            time.sleep(0.005)
        app.write_file("text.txt", "second")
        while not (tmp_path / "target/read").exists():
            time.sleep(0.005)
        app.write_file("text.txt", "first")

    changing = Thread(target=change_and_revert, daemon=True)
    changing.start()
    assert app.build() == "second"
    changing.join(10)
    assert app.build() == "first"


# A build script that names only itself: cargo does not look at the folder that it reads.
LISTING = {
    **APP,
    "build.rs": """
        fn main() {
            println!("cargo:rerun-if-changed=build.rs");
            let mut names: Vec<_> = std::fs::read_dir("pages").unwrap()
                .map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            println!("cargo:rustc-env=PAGES={}", names.join(","));
        }
    """,
    "src/main.rs": 'fn main() { println!("{}", env!("PAGES")); }\n',
    "pages/a": "",
}


def test_a_file_added_and_removed_that_cargo_does_not_know(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    app = make(tmp_path, capfd, LISTING)
    assert app.build() == "a"
    app.write_file("pages/b", "")
    assert app.build() == "a,b"
    (tmp_path / "pages/a").unlink()
    assert app.build() == "b"


def test_a_new_rust_file_that_only_a_build_script_reads(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    app = make(tmp_path, capfd, LISTING)
    assert app.build() == "a"
    (tmp_path / "pages/b.rs").write_text("")
    assert app.build() == "a,b.rs"


def test_a_file_of_the_root_package_that_a_member_reads(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    member = {f"db/{name}": text.replace('"pages"', '"../pages"') for name, text in LISTING.items()}
    member["db/Cargo.toml"] = MANIFEST.format(name="db")
    member["db/src/lib.rs"] = 'pub const PAGES: &str = env!("PAGES");\n'
    del member["db/src/main.rs"]
    root = MANIFEST.format(name="app") + '[dependencies]\ndb = { path = "db" }\n[workspace]\n'
    main = 'fn main() { println!("{}", db::PAGES); }\n'
    app = make(tmp_path, capfd, {**member, "Cargo.toml": root, "src/main.rs": main, "pages/a": ""})
    assert app.build() == "a"
    (tmp_path / "pages/b").write_text("")
    assert app.build() == "a,b"


def test_a_rust_file_of_a_workspace_without_a_package(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    listing = {f"app/{name}": text.replace('"pages"', '"../pages"') for name, text in LISTING.items()}
    make(tmp_path, capfd, {**listing, "Cargo.toml": '[workspace]\nmembers = ["app"]\n', "pages/a": ""})
    app = Crate(tmp_path / "app", capfd)
    assert app.build() == "a"
    (tmp_path / "pages/b.rs").write_text("")
    assert app.build() == "a,b.rs"


@pytest.mark.parametrize("kinds", ['["cdylib", "rlib"]', '["dylib", "rlib"]'])
def test_a_file_that_a_library_for_c_includes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], kinds: str
) -> None:
    files = {
        "app/Cargo.toml": f"{MANIFEST.format(name='app')}[lib]\nname = 'with_dash'\ncrate-type = {kinds}\n",
        "app/src/lib.rs": 'pub const TEXT: &str = include_str!("../../data/text");\n',
        "app/src/main.rs": 'fn main() { println!("{}", with_dash::TEXT); }\n',
        "app/build.rs": 'fn main() { println!("cargo:rerun-if-changed=build.rs"); }\n',
        "data/text": "first",
    }
    make(tmp_path, capfd, files)
    app = Crate(tmp_path / "app", capfd)
    assert app.build() == "first"
    app.write_file("../data/text", "second")
    assert app.build() == "second"
    script = library_stamps(app, of=SCRIPT)
    time.sleep(0.1)
    library = app.folder / "src/lib.rs"
    library.write_text(library.read_text() + "// edited\n")
    app.build()
    assert library_stamps(app, of=SCRIPT) == script


def test_a_variable_of_cargo_s_configuration_above_the_project(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files = {
        "app/Cargo.toml": MANIFEST.format(name="app"),
        "app/build.rs": 'fn main() { println!("cargo:rerun-if-changed=build.rs"); '
        'println!("cargo:rustc-env=G={}", std::env::var("GREETING").unwrap()); }\n',
        "app/src/main.rs": 'fn main() { println!("{}", env!("G")); }\n',
        ".cargo/config.toml": '[env]\nGREETING = "first"\n',
    }
    make(tmp_path, capfd, files)
    app = Crate(tmp_path / "app", capfd)
    assert app.build() == "first"
    (tmp_path / ".cargo/config.toml").write_text('[env]\nGREETING = "second"\n')
    assert app.build() == "second"


def test_a_test_that_comes_back_with_its_old_time_fails_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fails = 'fn main() {}\n#[test]\nfn test() { panic!("it fails") }\n'
    app = make(tmp_path / "app", capfd, {**APP, "src/main.rs": fails})

    for words in (
        (),
        ("--release",),
        ("-qr",),
        ("--profile", "release"),
        ("--target", "x86_64-unknown-linux-gnu"),
    ):
        assert run_tests(app, *words) == "failed"
        (app.folder / "src/main.rs").write_text(fails.replace("panic", "println"))
        assert run_tests(app, *words) == "passed"
        app.write_file("src/main.rs", fails)
        assert run_tests(app, *words) == "failed"
        app.compiled()
        assert run_tests(app, *words) == "failed"
        assert app.compiled() == []


def run_tests(app: Crate, *words: str) -> str:
    try:
        planned = plan_command(app.folder, (), TEST, CommandWords(words=words), facts=HOST_ALONE)
        run_command(planned, progress=Terminal())
    except CargoFailed:
        return "failed"
    return "passed"


def test_what_tests_write_compiles_nothing_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    writes = """fn main() {}
#[test]
fn writes() {
    std::fs::write("written.log", format!("{:?}", std::time::SystemTime::now())).unwrap();
}
"""
    app = make(tmp_path / "app", capfd, {**APP, "src/main.rs": writes})
    assert run_tests(app) == "passed"
    app.compiled()

    assert run_tests(app) == "passed"
    assert app.compiled() == []


def test_what_is_called_while_tests_run_leaves_them_what_they_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    waits = """#[test]
fn waits() {
    std::fs::write("target/waits", "").unwrap();
    while !std::path::Path::new("target/goes-on").exists() { std::thread::yield_now(); }
}
"""
    app = make(tmp_path / "app", capfd, {**APP, "tests/a.rs": waits, "tests/b.rs": "#[test]\nfn passes() {}\n"})
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run_tests, app)
        while not (app.folder / "target/waits").exists():
            time.sleep(0.05)
            assert not running.done()
        app.compiled()
        beside = run_tests(app, "--bin=app")
        compiled = app.compiled()
        (app.folder / "target/goes-on").touch()

    assert (running.result(), beside, compiled) == ("passed", "passed", [])


def test_a_folder_outside_that_a_build_script_names(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    script = LISTING["build.rs"].replace("changed=build.rs", "changed=../pages").replace('"pages"', '"../pages"')
    app = make(tmp_path / "app", capfd, {**LISTING, "build.rs": script, "../pages/a": ""})
    shutil.rmtree(tmp_path / "app/pages")
    assert app.build() == "a"
    app.write_file("../pages/b", "")
    os.utime(tmp_path / "pages", (IN_2000, IN_2000))
    assert app.build() == "a,b"


def test_a_procedural_macro_that_prints_what_looks_like_a_message(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    macro = """
        extern crate proc_macro;
        #[proc_macro]
        pub fn loud(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
            println!("{{ not JSON");
            println!("[]");
            Default::default()
        }
    """
    files = {
        "loud/Cargo.toml": MANIFEST.format(name="loud") + "[lib]\nproc-macro = true\n",
        "loud/src/lib.rs": macro,
        "app/Cargo.toml": MANIFEST.format(name="app") + '[dependencies]\nloud = { path = "../loud" }\n',
        "app/src/main.rs": "loud::loud!();\n" + FIRST,
    }
    make(tmp_path, capfd, files)
    assert Crate(tmp_path / "app", capfd).build() == "first"


def test_a_file_renamed_that_cargo_does_not_know(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    app = make(tmp_path, capfd, LISTING)
    app.build()
    (tmp_path / "pages/a").rename(tmp_path / "pages/with space")
    assert app.build() == "with space"


LIBRARY = {
    "lib/Cargo.toml": MANIFEST.format(name="lib"),
    "lib/src/lib.rs": 'pub const TEXT: &str = "first";\n',
    "app/Cargo.toml": MANIFEST.format(name="app") + '[dependencies]\nlib = { path = "../lib" }\n',
    "app/src/main.rs": 'fn main() { println!("{}", lib::TEXT); }\n',
}


@pytest.mark.parametrize("workspace", [True, False], ids=["in the workspace", "outside of it"])
def test_a_library_beside_the_program(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], *, workspace: bool
) -> None:
    files = {**LIBRARY, **({"Cargo.toml": '[workspace]\nmembers = ["app", "lib"]\n'} if workspace else {})}
    make(tmp_path, capfd, files)
    app = Crate(tmp_path / "app", capfd)
    assert app.build() == "first"
    app.write_file("../lib/src/lib.rs", 'pub const TEXT: &str = "second";\n')
    assert app.build() == "second"
    app.write_file("../lib/src/lib.rs", 'pub const TEXT: &str = "first";\n')
    assert app.build() == "first"


def test_a_build_that_fails_keeps_what_it_compiled_and_lets_nothing_old_through(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path, capfd, {**LIBRARY, "Cargo.toml": '[workspace]\nmembers = ["app", "lib"]\n'})
    app = Crate(tmp_path / "app", capfd)
    assert app.build() == "first"
    app.compiled()

    app.write_file("../lib/src/lib.rs", 'pub const TEXT: &str = "second";\n')
    app.write_file("src/main.rs", "fn main() { this does not compile }\n")
    with pytest.raises(CargoFailed):
        app.build()
    assert app.compiled() == ["lib", "app"]

    app.write_file("src/main.rs", LIBRARY["app/src/main.rs"])
    assert app.build() == "second"
    assert app.compiled() == ["app"]
    app.write_file("../lib/src/lib.rs", LIBRARY["lib/src/lib.rs"])
    assert app.build() == "first"


def test_what_this_machine_lacks_is_told(app: Crate, capfd: pytest.CaptureFixture[str]) -> None:
    app.write_file("build.rs", 'fn main() { println!("cargo::rustc-link-lib=rustdocker-none"); }\n')

    with pytest.raises(LacksPackage) as caught:
        app.build()
    assert caught.value.found == "no library rustdocker-none"
    assert caught.value.what == "the program cannot be compiled with what this machine has"
    assert "-lrustdocker-none" in capfd.readouterr().err


def test_a_file_of_the_workspace_that_is_in_no_package(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    listing = {f"app/{name}": text.replace('"pages"', '"../pages"') for name, text in LISTING.items()}
    make(tmp_path, capfd, {**listing, "Cargo.toml": '[workspace]\nmembers = ["app"]\n', "pages/a": ""})
    app = Crate(tmp_path / "app", capfd)
    assert app.build() == "a"
    app.write_file("../pages/b", "")
    assert app.build() == "a,b"


def test_data_in_another_member_s_folder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    listing = {f"app/{name}": text.replace('"pages"', '"../other/pages"') for name, text in LISTING.items()}
    other = {"other/Cargo.toml": MANIFEST.format(name="other"), "other/src/lib.rs": "", "other/pages/a": ""}
    make(tmp_path, capfd, {**listing, **other, "Cargo.toml": '[workspace]\nmembers = ["app", "other"]\n'})
    app = Crate(tmp_path / "app", capfd)
    assert app.build() == "a"
    app.write_file("../other/pages/b", "")
    assert app.build() == "a,b"


def test_a_file_that_a_build_script_rewrites_costs_one_more_compilation_and_no_third(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = (
        'fn main() { println!("cargo:rerun-if-changed=build.rs"); std::fs::write("made.txt", "first").unwrap(); }'
    )
    main = INCLUDED["src/main.rs"].replace("text.txt", "made.txt")
    app = make(tmp_path, capfd, {**INCLUDED, "build.rs": script, "src/main.rs": main})
    assert app.build() == "first"
    assert app.build() == "first"
    app.compiled()
    assert app.build() == "first"
    assert app.compiled() == []


def test_a_record_that_cannot_be_read_is_no_record(app: Crate) -> None:
    app.build()
    (app.folders.ours / record_name(app.folder)).write_text("{")
    app.write_file("src/main.rs", SECOND)

    assert app.build() == "second"


def test_a_clock_that_was_set_back(app: Crate) -> None:
    app.build()
    files = units_of_app(app, "*")
    assert files
    for file in files:
        os.utime(file, (file.stat().st_mtime + 10_000,) * 2)
    (app.folder / "src/main.rs").write_text(SECOND)

    assert app.build() == "second"


def test_a_file_that_comes_while_cargo_compiles_is_in_the_next_build(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # The script has read the folder by the time that it waits.
    script = LISTING["build.rs"].replace(
        "names.sort();", 'names.sort(); std::fs::write("target/read", "").unwrap();'
    )
    script = script.replace("names.join", "{ std::thread::sleep(std::time::Duration::from_secs(1)); names.join")
    app = make(tmp_path, capfd, {**LISTING, "build.rs": script.replace('(","));', '(",") });')})

    def add() -> None:
        while not (tmp_path / "target/read").exists():
            time.sleep(0.01)
        app.write_file("pages/b", "")

    adding = Thread(target=add, daemon=True)
    adding.start()
    assert app.build() == "a"
    adding.join(10)
    assert app.build() == "a,b"


@pytest.mark.parametrize("name", ["with space", "new\nline", "back\\slash", "\udcff not UTF-8", "ümlaut"])
def test_any_file_name_is_followed(app: Crate, name: str) -> None:
    app.write_file("src/main.rs", 'fn main() { println!("{}", env!("N").len()); }\n')
    app.write_file(
        "build.rs",
        LISTING["build.rs"].replace("PAGES", "N").replace(".into_string().unwrap()", ".len().to_string()"),
    )
    app.write_file("pages/a", "")
    assert app.build() == "1"
    app.write_file(f"pages/{name}", "")
    assert int(app.build()) > 1
    app.compiled()
    app.build()
    assert app.compiled() == []


def test_nothing_changed_compiles_nothing(app: Crate) -> None:
    app.build()
    assert app.compiled() == ["app"]
    app.build()
    assert app.compiled() == []


def test_a_file_touched_without_a_change_of_content_or_time_compiles_nothing(app: Crate) -> None:
    app.build()
    app.compiled()
    app.write_file("src/main.rs", FIRST)
    app.build()

    assert app.compiled() == []


def test_a_file_that_only_others_read_costs_nothing_when_it_is_cargo_s_or_git_s(app: Crate) -> None:
    app.build()
    app.compiled()
    app.write_file(".git/index", "x")
    app.write_file("target/x", "x")
    for name in (".idea/workspace.xml", ".vscode/settings.json", "src/.main.rs.swp", "src/main.rs~", ".DS_Store"):
        app.write_file(name, "x")
    app.write_file("venv/pyvenv.cfg", "")
    os.utime(app.folder)
    app.build()

    assert app.compiled() == []


def test_after_the_user_s_own_build_his_packages_are_compiled_once_more_and_no_third_time(app: Crate) -> None:
    app.cargo("build", "--release")
    app.build()
    assert app.compiled() == ["app"]
    app.build()
    assert app.compiled() == []


def test_an_edit_leaves_the_other_artefacts_of_its_package_to_cargo(app: Crate) -> None:
    app.write_file("src/lib.rs", "")
    app.build()
    stamps = library_stamps(app)
    (app.folder / "src/main.rs").write_text(SECOND)

    assert app.build() == "second"
    assert library_stamps(app) == stamps


def library_stamps(app: Crate, *, of: str = "lib-app") -> dict[str, int]:
    stamps = {
        str(file.parent): (file.parent / "invoked.timestamp").stat().st_mtime_ns for file in units_of_app(app, of)
    }
    assert stamps
    return stamps


def units_of_app(app: Crate, name: str) -> list[Path]:
    """Files of cargo's units of that name, where they lie since cargo 1.100 or did before."""
    profile = app.folders.build_dir / "release"
    return [*profile.glob(f".fingerprint/app-*/{name}"), *profile.glob(f"build/app/*/fingerprint/{name}")]


def test_a_failed_build_leaves_the_record_as_it_was_and_the_next_is_right(app: Crate) -> None:
    app.build()
    app.write_file("src/main.rs", "fn main() {")
    with pytest.raises(Exception, match="failed with exit code 101"):
        app.build()
    app.write_file("src/main.rs", SECOND)
    assert app.build() == "second"


def test_what_a_build_in_containers_leaves_is_no_source(
    app: Crate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARGO_TARGET_DIR", str(tmp_path / "elsewhere"))
    app.build()
    app.compiled()
    folders = ContextFolders(root=app.folder, project=app.folder)

    with prepared_context(folders, [GroupContents(support=())], say=print):
        app.build()

    assert app.compiled() == []


def test_the_user_s_files_and_their_times_stay_as_they_are(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    app = make(tmp_path, capfd, {**LISTING, "Cargo.lock": LOCK})
    before = census(tmp_path)
    app.build()
    app.write_file("src/main.rs", FIRST)
    between = census(tmp_path)
    app.build()

    assert census(tmp_path) == between
    assert between.keys() == before.keys()


LOCK = 'version = 4\n\n[[package]]\nname = "app"\nversion = "0.1.0"\n'


def census(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file of the user's with its times (ns) and content."""
    files = [p for p in folder.rglob("*") if p.is_file() and "target" not in p.relative_to(folder).parts]
    return {str(p): (p.stat().st_mtime_ns, p.stat().st_ctime_ns, p.read_bytes()) for p in files}


def test_a_layout_of_cargo_s_folders_that_we_do_not_know_is_refused(app: Crate, tmp_path: Path) -> None:
    scope = make_scope(
        [app.step], profile_folder="release", target_dir=tmp_path, build_dir=tmp_path, record=Record()
    )
    before = inspect(scope, build_dir=tmp_path, record=Record())

    with pytest.raises(UnknownCargoLayout):
        record_build(scope, build_dir=tmp_path, before=before, triple=None, made={"app"})


def test_what_a_killed_build_left_is_gone_after_the_next(app: Crate) -> None:
    left = app.folder / "target/rustdocker/programs/0/app"
    left.parent.mkdir(parents=True)
    left.write_text("an old program")

    assert app.build() == "first"
    assert not left.parent.parent.exists()
