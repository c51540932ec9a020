"""What is compiled after which change, counted: on mounts, in layers taken from another machine, and on the host."""

from __future__ import annotations

import os
import re
import subprocess
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tests.conftest import MANIFEST, TASKS, clean_environment, invoke, write_files
from tests.engine.conftest import IN_2000, MACHINE_ENGINE

pytestmark = pytest.mark.engine

OWN = ("app", "core", "other")
MAIN = """fn main() {{
    println!("{} {} {{}} {{}} {{}}", core_text(), cfg!(feature = "extra"), env!("CARGO_PKG_VERSION"));
}}
fn core_text() -> String {{ itoa::Buffer::new().format(my_core::number()).to_owned() }}
"""
_COMPILING = re.compile(r"\s+Compiling (\S+) v")


def manifest(name: str, rest: str = "", version: str = "0.1.0") -> str:
    return MANIFEST.format(name=name).replace("0.1.0", version) + rest


@dataclass
class Workspace:
    """Two binaries and a library, with crates of others; built in one mode."""

    folder: Path
    mode: str
    prefix: str

    def write(self, name: str, text: str) -> None:
        write_files(self.folder, {name: text})

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        assert old in text, text
        self.write(name, text.replace(old, new))

    def lock(self) -> None:
        words = ["cargo", "update", "--workspace", "--quiet", "--offline"]
        subprocess.run(words, cwd=self.folder, check=True)

    def touch(self, seconds: float) -> None:
        for path in self.folder.rglob("*"):
            if "target" not in path.parts:
                os.utime(path, (seconds, seconds))

    def build(self, **environment: str) -> tuple[int, list[str], str]:
        """Return how many crates of others were compiled, which of our own, and what the program prints."""
        host = MACHINE_ENGINE if self.mode == "host" else CURRENT_ENGINE
        settings = {"RUSTDOCKER_BACKEND": "host", "DOCKER_HOST": host}
        if self.mode != "host":
            settings = {**settings, "RUSTDOCKER_BACKEND": "buildx", "RUSTDOCKER_CACHE": self.mode}
        if self.mode == "layer":
            forget_layers()
            settings |= {"RUSTDOCKER_CACHE_FROM": "./layers", "RUSTDOCKER_CACHE_TO": "./layers"}
        done = invoke("build", folder=self.folder, RUSTDOCKER_BIN="app", **settings, **environment)
        image = done.result
        # A stub has no version; what it is compiled for is the skeleton.
        compiled = [
            m[1] for line in done.stderr.splitlines() if (m := _COMPILING.match(line)) and "v0.0.0" not in line
        ]
        own = sorted({name.removeprefix(self.prefix) for name in compiled if name.startswith(self.prefix)})
        others = [name for name in compiled if not name.startswith(self.prefix)]
        with closing(docker.DockerClient(base_url=host)) as client:
            printed = client.containers.run(image, remove=True).decode().strip()
        return len(others), own, printed


def forget_layers() -> None:
    """Make the engine a machine that has never built anything: its mounts stay, and are not used."""
    words = ["docker", "buildx", "prune", "--all", "--force", "--filter", "type=regular"]
    environment = clean_environment(DOCKER_HOST=CURRENT_ENGINE)
    subprocess.run(words, env=environment, check=True, capture_output=True)


@pytest.fixture(params=["mount", "layer", "host"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    prefix = f"t{uuid.uuid4().hex[:8]}-"
    app = f'[dependencies]\n{prefix}core = {{ path = "../core", version = "0.1" }}\n'
    files = {
        "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["app", "core", "other"]\n',
        "app/Cargo.toml": manifest(
            f"{prefix}app",
            '[[bin]]\nname = "app"\npath = "src/main.rs"\n'
            f'[features]\nextra = ["dep:ryu"]\n{app}itoa = "1"\nryu = {{ version = "1", optional = true }}\n',
        ),
        "app/src/main.rs": f"""fn main() {{
    let number = itoa::Buffer::new().format({prefix.replace("-", "_")}core::number()).to_owned();
    println!("first {{number}} {{}} {{}}", cfg!(feature = "extra"), env!("CARGO_PKG_VERSION"));
}}
""",
        "core/Cargo.toml": manifest(f"{prefix}core", '[dependencies]\ncfg-if = "1"\n'),
        "core/src/lib.rs": "pub fn number() -> u32 { cfg_if::cfg_if! { if #[cfg(unix)] { 1 } else { 2 } } }\n",
        "other/Cargo.toml": manifest(f"{prefix}other", '[dependencies]\nfnv = "1"\n'),
        "other/src/main.rs": "fn main() {}\n",
        "tasks.py": TASKS,
    }
    write_files(tmp_path / "app", files)
    made = Workspace(tmp_path / "app", str(request.param), prefix)
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=made.folder, check=True)
    subprocess.run(["cargo", "fetch", "--quiet"], cwd=made.folder, check=True)
    return made


@dataclass(frozen=True)
class Step:
    """A change, what the program prints after it, and what is compiled for it: crates of others, and our own."""

    name: str
    change: Callable[[Workspace], object]
    printed: str
    mount: tuple[int, list[str]]
    layer: tuple[int, list[str]]
    host: tuple[int, list[str]]
    environment: dict[str, str] | None = None


APP, CORE = ["app"], ["core"]
BOTH = ["app", "core"]
DEV = {"RUSTDOCKER_PROFILE": "dev"}
EXTRA = {"RUSTDOCKER_FEATURES": "extra"}
STEPS = [
    Step("cold", lambda _: None, "first 1 false 0.1.0", (2, BOTH), (2, BOTH), (2, BOTH)),
    Step("nothing changed", lambda _: None, "first 1 false 0.1.0", (0, []), (0, []), (0, [])),
    Step(
        "source edited",
        lambda w: w.change("app/src/main.rs", "first", "other"),
        "other 1 false 0.1.0",
        *((0, APP), (0, BOTH), (0, APP)),
    ),
    Step(
        "edit taken back",
        lambda w: w.change("app/src/main.rs", "other", "first"),
        "first 1 false 0.1.0",
        *((0, APP), (0, []), (0, APP)),
    ),
    Step("new times", lambda w: w.touch(time.time()), "first 1 false 0.1.0", (0, []), (0, []), (0, BOTH)),
    Step("dated 2000", lambda w: w.touch(IN_2000), "first 1 false 0.1.0", (0, []), (0, []), (0, [])),
    Step(
        "unrelated member edited",
        lambda w: w.write("other/src/main.rs", "fn main() { }\n"),
        "first 1 false 0.1.0",
        *((0, []), (0, BOTH), (0, [])),
    ),
    Step(
        "dependency of an unrelated member added",
        lambda w: (
            w.write("other/Cargo.toml", manifest(f"{w.prefix}other", '[dependencies]\nryu = "1"\n')),
            w.lock(),
        ),
        "first 1 false 0.1.0",
        *((0, BOTH), (0, BOTH), (0, BOTH)),
    ),
    Step(
        "own version bumped",
        lambda w: (w.change("app/Cargo.toml", 'version = "0.1.0"', 'version = "0.2.0"'), w.lock()),
        "first 1 false 0.2.0",
        *((0, BOTH), (0, BOTH), (0, BOTH)),
    ),
    Step(
        "dependency added",
        lambda w: (w.change("app/Cargo.toml", 'itoa = "1"', 'itoa = "1"\nfnv = "1"'), w.lock()),
        "first 1 false 0.2.0",
        *((1, BOTH), (3, BOTH), (1, BOTH)),
    ),
    Step("feature on", lambda _: None, "first 1 true 0.2.0", (1, APP), (4, BOTH), (1, APP), EXTRA),
    Step("feature off", lambda _: None, "first 1 false 0.2.0", (0, []), (0, []), (0, [])),
    Step(
        "feature on, around an edit",
        lambda w: w.change("core/src/lib.rs", "{ 1 }", "{ 7 }"),
        "first 7 true 0.2.0",
        *((0, BOTH), (0, BOTH), (0, BOTH)),
        EXTRA,
    ),
    Step("and off again", lambda _: None, "first 7 false 0.2.0", (0, APP), (0, BOTH), (0, APP)),
    Step("another profile", lambda _: None, "first 7 false 0.2.0", (3, BOTH), (3, BOTH), (3, BOTH), DEV),
    Step("the first profile", lambda _: None, "first 7 false 0.2.0", (0, []), (0, []), (0, [])),
]


def test_what_each_change_compiles(workspace: Workspace) -> None:
    found, wanted = {}, {}
    for step in STEPS:
        step.change(workspace)
        others, own, printed = workspace.build(**(step.environment or {}))
        found[step.name] = (others, own, printed)
        wanted[step.name] = (*getattr(step, workspace.mode), step.printed)
    assert found == wanted
