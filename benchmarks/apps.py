"""What is built in comparisons: the example service, and a workspace of ten programs over twenty libraries."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

WEB = Path(__file__).parent.parent / "examples" / "web"
PROGRAMS, LIBRARIES = 10, 20
RECORDS = 12  # in each library: what makes it take about a second
# None is among the apps' own dependencies, and each stands alone.
DEPENDENCIES = ("hex", "either", "humantime", "static_assertions", "data-encoding")
# Long enough to stand in the program's data as it is: a short text becomes part of the code.
REVISION = "the revision that the benchmark made in its edit {}"


@dataclass(frozen=True)
class App:
    """A Cargo project; `source` is the file that edits change, `package` the folder of the program's package."""

    name: str
    binary: str
    source: str
    package: str
    others: tuple[str, ...]  # how others build it: the names of their Dockerfiles
    make: Callable[[Path], None]
    left_out: str = ""  # why one of the others does not build it

    def edit(self, folder: Path, text: str) -> None:
        source = folder / self.source
        source.write_text(re.sub('REVISION: &str = ".*"', f'REVISION: &str = "{text}"', source.read_text()))

    def depend(self, folder: Path, crate: str) -> None:
        subprocess.run(["cargo", "add", "--quiet", crate], cwd=folder / self.package, check=True)
        subprocess.run(["cargo", "update", "--quiet", "--workspace"], cwd=folder, check=True)


def _copy_web(folder: Path) -> None:
    shutil.copytree(WEB, folder, ignore=shutil.ignore_patterns("target", "__pycache__"))


_RECORD = """
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Record{number} {{
    pub name: String,
    pub values: Vec<u64>,
    pub more: std::collections::BTreeMap<String, Option<f64>>,
}}
"""
_LIBRARY = """
pub fn report(text: &str) -> usize {{
    let records: Vec<Record0> = serde_json::from_str(text).unwrap_or_default();
    records.iter().map(|record| serde_json::to_string(record).unwrap().len()).sum()
}}
"""
_PACKAGE = '[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\n'


def _make_workspace(folder: Path) -> None:
    _write(folder / "Cargo.toml", '[workspace]\nresolver = "2"\nmembers = ["crates/*"]\n')
    _write(folder / "tasks.py", "from rustdocker_tasks import ns\n")
    records = "".join(_RECORD.format(number=number) for number in range(RECORDS))
    for number in range(LIBRARIES):
        place = folder / "crates" / f"lib{number}"
        manifest = _PACKAGE.format(name=place.name) + 'serde = { version = "1", features = ["derive"] }\n'
        _write(place / "Cargo.toml", manifest + 'serde_json = "1"\n')
        _write(place / "src/lib.rs", records + _LIBRARY.format())
    names = [f"lib{number}" for number in range(LIBRARIES)]
    dependencies = "".join(f'{name} = {{ path = "../{name}" }}\n' for name in names)
    calls = " + ".join(f"{name}::report(&text)" for name in names)
    main = (
        f'fn main() {{ let text = std::env::args().next().unwrap(); println!("{{REVISION}} {{}}", {calls}); }}\n'
    )
    for number in range(PROGRAMS):
        place = folder / "crates" / f"program{number}"
        manifest = _PACKAGE.format(name=place.name) + dependencies
        _write(place / "Cargo.toml", manifest + 'regex = "1"\nclap = { version = "4", features = ["derive"] }\n')
        _write(place / "src/main.rs", f'pub const REVISION: &str = "none";\n{main}')
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=folder, check=True)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


SERVICE = App("service", "my-rust-app", "src/source.rs", ".", ("tutorial", "cargo-chef", "docker-init"), _copy_web)
WORKSPACE = App(
    "workspace",
    "program0",
    "crates/program0/src/main.rs",
    "crates/program0",
    ("cargo-chef-workspace", "docker-init-workspace"),
    _make_workspace,
    "The tutorial's file builds no workspace: it copies one Cargo.toml, and has a dummy of one program.",
)
