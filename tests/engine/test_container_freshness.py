"""The first promise in containers: the program is made of the sources at hand, whatever their times say."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.images import RUST_MUSL
from tests.conftest import MANIFEST, TASKS, Outcome, clean_environment, invoke, write_files
from tests.engine.conftest import IN_2000

pytestmark = pytest.mark.engine

MACHINE_ENGINE = "unix:///var/run/docker.sock"
PRINT = 'fn main() {{ println!("{}"); }}\n'


@dataclass(frozen=True)
class Crate:
    """A package to build again and again through buildx; every file written is dated 2000."""

    folder: Path
    host: str

    def write(self, **files: str) -> None:
        for name, text in files.items():
            write_files(self.folder, {name: text})
            os.utime(self.folder / name, (IN_2000, IN_2000))

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()

    def invoke(self, *words: str, **environment: str) -> Outcome:
        settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": self.host, **environment}
        return invoke(*words, folder=self.folder, **settings)

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


@pytest.fixture(params=[MACHINE_ENGINE, CURRENT_ENGINE], ids=["20.10", "28.5"])
def host(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def app(tmp_path: Path, host: str) -> Crate:
    crate = Crate(tmp_path / "app", host)
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


@pytest.mark.parametrize("variant", ["slim", "minimal", "simple"])
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
    environment = {"RUSTDOCKER_RUST_IMAGE": RUST_MUSL}
    assert app.build("static", **environment) == "first"
    app.write(**{"src/main.rs": PRINT.format("fifth")})
    assert app.build("static", **environment) == "fifth"
    app.write(**{"src/main.rs": PRINT.format("first")})
    assert app.build("static", **environment) == "first"


def test_a_revert_after_the_layers_were_pruned(app: Crate) -> None:
    assert app.build() == "first"
    app.write(**{"src/main.rs": PRINT.format("fifth")})
    assert app.build() == "fifth"
    app.write(**{"src/main.rs": PRINT.format("first")})
    # What a label's change does to the steps, without pruning the layers of others.
    app.write(**{"notes.txt": "pruned"})

    assert app.build() == "first"


def test_a_feature_switched_on_around_an_edit(app: Crate) -> None:
    lock = (app.folder / "Cargo.lock").read_text()

    def with_feature(name: str, text: str) -> None:
        manifest = (app.folder / "Cargo.toml").read_text()
        if "[[bin]]" not in manifest:
            manifest += f'[[bin]]\nname = "{name}"\npath = "src/main.rs"\nrequired-features = ["x"]\n'
        app.write(**{"Cargo.toml": manifest, "src/main.rs": PRINT.format(text)})

    def without(text: str) -> None:
        manifest = (app.folder / "Cargo.toml").read_text().split("[[bin]]")[0]
        app.write(**{"Cargo.toml": manifest, "src/main.rs": PRINT.format(text)})

    name = next(line.split('"')[1] for line in lock.splitlines() if line.startswith('name = "app'))
    with_feature(name, "first")
    assert app.build() == "first"
    without("fifth")
    assert app.build() == "fifth"
    with_feature(name, "fifth")
    assert app.build() == "fifth"
    with_feature(name, "first")
    assert app.build() == "first"


@pytest.mark.parametrize("host", [CURRENT_ENGINE], indirect=True)
def test_a_file_that_only_a_macro_reads(app: Crate) -> None:
    app.write(**{"src/main.rs": 'fn main() { print!("{}", include_str!("../text")); }', "text": "first"})
    assert app.build() == "first"
    app.write(text="fifth")
    assert app.build() == "fifth"
    app.write(text="first")
    assert app.build() == "first"


@pytest.mark.parametrize("host", [CURRENT_ENGINE], indirect=True)
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


@pytest.mark.parametrize("host", [CURRENT_ENGINE], indirect=True)
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


@pytest.mark.parametrize("host", [CURRENT_ENGINE], indirect=True)
def test_a_link_to_a_file_outside_of_the_project(app: Crate, tmp_path: Path) -> None:
    (tmp_path / "shared.txt").write_text("first")
    app.write(**{"src/main.rs": 'fn main() { print!("{}", include_str!("shared.txt")); }'})
    (app.folder / "src/shared.txt").symlink_to(tmp_path / "shared.txt")
    assert app.build() == "first"
    (tmp_path / "shared.txt").write_text("fifth")

    assert app.build() == "fifth"


@pytest.mark.parametrize("host", [CURRENT_ENGINE], indirect=True)
def test_a_target_folder_that_was_removed_between(app: Crate) -> None:
    assert app.build() == "first"
    shutil.rmtree(app.folder / "target")
    app.write(**{"src/main.rs": PRINT.format("fifth")})

    assert app.build() == "fifth"


NAMES = ["with space", "ünïcode", "-dash", "quo'te\"s", "$dollar `tick`", "# hash", "[x]*?"]


@pytest.mark.parametrize("host", [CURRENT_ENGINE], indirect=True)
def test_any_file_name_arrives(app: Crate) -> None:
    lines = "".join(f'print!(include_str!(r#####"../texts/{name}"#####));' for name in NAMES)
    app.write(**{"src/main.rs": f"fn main() {{ {lines} }}"})
    app.write(**{f"texts/{name}": "1" for name in NAMES})
    assert app.build() == "1" * len(NAMES)
    app.write(**{f"texts/{name}": "2" for name in NAMES})

    assert app.build() == "2" * len(NAMES)


@pytest.mark.parametrize("host", [CURRENT_ENGINE], indirect=True)
def test_nothing_changed_compiles_nothing(app: Crate) -> None:
    app.build()

    outcome = app.invoke("build")

    assert outcome.code == 0
    assert "Compiling" not in outcome.stderr


@pytest.mark.parametrize("host", [CURRENT_ENGINE], indirect=True)
def test_variants_of_one_c_library_share_what_is_compiled(app: Crate) -> None:
    app.build("slim")

    outcome = app.invoke("build", "--variant", "minimal")

    assert outcome.code == 0
    assert "Compiling" not in outcome.stderr


@pytest.mark.parametrize("host", [CURRENT_ENGINE], indirect=True)
def test_two_builds_of_one_project_at_once(app: Crate) -> None:
    with ThreadPoolExecutor() as pool:
        printed = list(pool.map(app.build, ["slim", "minimal", "slim"]))

    assert printed == ["first"] * 3
