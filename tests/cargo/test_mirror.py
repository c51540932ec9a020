"""The mirror of the sources by itself, with a context that is as forgetful as BuildKit's, and the local cargo."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustdocker_tasks.context.folder import GroupContents, prepared_context
from rustdocker_tasks.plan.context import ContextFolders
from tests.conftest import MANIFEST, write_files

pytestmark = pytest.mark.cargo

IN_2000 = 946_684_800_000_000_000  # nanoseconds since the epoch
NOT_AS_LISTED = "rustdocker: not as listed: "


@dataclass
class Project:
    """A user's folder, what BuildKit has of it, and the mirror with its target folder."""

    place: Path
    inner: str = "."  # the workspace's folder in the user's
    packages: Sequence[str] | None = None  # their folders; None: all with a manifest are taken for packages
    _words: Sequence[str | Path] = ()  # of the last update

    @property
    def folder(self) -> Path:
        return self.place / "project"

    @property
    def mirror(self) -> Path:
        return self.place / "kept" / "sources"

    @property
    def target(self) -> Path:
        return self.place / "kept" / "target"

    def write(self, name: str, text: str, *, modified: int | None = IN_2000) -> None:
        write_files(self.folder, {name: text})
        if modified is not None:
            os.utime(self.folder / name, ns=(modified, modified))

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()

    def update(self) -> None:
        """Bring the mirror to the state of the folder, as a build does."""
        assert self.try_update() == 0

    def try_update(self, environment: Mapping[str, str] | None = None, *, blocks: int | None = None) -> int:
        """Return the script's exit code, less than 0 for a signal; a file has at most `blocks` of 512 bytes."""
        folders = ContextFolders(
            root=self.folder,
            project=self.folder / self.inner,
            beside=(self.folder,) if self.inner != "." else (),
            manifests=tuple(self.folder / each / "Cargo.toml" for each in self.packages or ()),
        )
        with prepared_context(folders, [GroupContents(support=())], say=print) as context:
            for _ in range(2):
                self._send()
                support = self.place / "context" / context.names[0].folder
                script = support / context.names[0].scripts["mirror"]
                limit = "" if blocks is None else f"ulimit -f {blocks};"
                words = (
                    *("sh", "-c", f'{limit} exec sh "$@"', "sh"),
                    script,
                    str(context.names[0].sources),
                    "-" if self.packages is None else context.names[0].package_folders,
                    self.place / "context",
                    self.mirror,
                    self.inner,
                    "-",
                    self.target,
                )
                self._words = words
                done = subprocess.run(
                    words,
                    env={**os.environ, **(environment or {})},
                    stderr=subprocess.PIPE,
                    text=True,
                    start_new_session=True,
                    check=False,
                )
                if done.returncode != 75:
                    break
                wrong = [line for line in done.stderr.splitlines() if line.startswith(NOT_AS_LISTED)]
                context.add_contents([line.removeprefix(NOT_AS_LISTED) for line in wrong])
        return done.returncode

    def note_built(self, environment: Mapping[str, str] | None = None) -> None:
        """Do what follows a build that succeeded."""
        subprocess.run([*self._words, "built"], env={**os.environ, **(environment or {})}, check=True)

    def _send(self) -> None:
        """Copy what is new by size and time, and nothing else, as BuildKit does."""
        context = self.place / "context"
        files = (path for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink())
        wanted = {path.relative_to(self.folder) for path in files}
        for path in context.rglob("*"):
            if path.is_file() and path.relative_to(context) not in wanted:
                path.unlink()
        for name in wanted:
            source, destination = self.folder / name, context / name
            if not destination.exists() or signature(source) != signature(destination):
                destination.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, destination)

    def mirrored(self) -> dict[str, tuple[bytes, bool]]:
        """Return content and executability of the mirror's files by path."""
        return contents(self.mirror, "target")

    def listed(self) -> dict[str, tuple[bytes, bool]]:
        return contents(self.folder, "target")

    def printed(self, *flags: str, environment: Mapping[str, str] | None = None) -> str:
        """Compile in the mirror, and return what the program prints."""
        return self._cargo("run", "--quiet", *flags, environment=environment).stdout.strip()

    def compiled(self, *, environment: Mapping[str, str] | None = None) -> list[str]:
        """Compile all in the mirror, and return what was compiled, in alphabetical order."""
        lines = self._cargo("build", environment=environment).stderr.splitlines()
        return sorted(line.split()[1] for line in lines if line.strip().startswith("Compiling"))

    def _cargo(self, *words: str, environment: Mapping[str, str] | None) -> subprocess.CompletedProcess[str]:
        command, *flags = words
        return subprocess.run(
            ("cargo", command, "--offline", f"--target-dir={self.target}", *flags),
            cwd=self.mirror / self.inner,
            env={**os.environ, **(environment or {})},
            check=True,
            capture_output=True,
            text=True,
        )

    def try_compiling(self, seconds: float) -> None:
        """Start cargo in the mirror, and kill it with all that it has started."""
        words = ("cargo", "build", "--quiet", "--offline", f"--target-dir={self.target}")
        with subprocess.Popen(words, cwd=self.mirror, start_new_session=True) as cargo:
            try:
                cargo.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(cargo.pid, signal.SIGKILL)


def signature(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_mode


def contents(folder: Path, left_out: str) -> dict[str, tuple[bytes, bool]]:
    walked = os.walk(folder, followlinks=True)
    found = {
        Path(place, name).relative_to(folder): Path(place, name) for place, _, names in walked for name in names
    }
    return {
        str(name): (path.read_bytes(), bool(path.stat().st_mode & 0o111))
        for name, path in found.items()
        if name.parts[0] != left_out
    }


PRINT = 'fn main() {{ println!("{}"); }}\n'


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "here")
    made.write("Cargo.toml", MANIFEST.format(name=f"app-{uuid.uuid4().hex[:8]}"))
    made.write("src/main.rs", PRINT.format("first"))
    subprocess.run(["cargo", "generate-lockfile", "--quiet", "--offline"], cwd=made.folder, check=True)
    return made


def add(project: Project) -> None:
    project.write("data/new", "1")


def change(project: Project) -> None:
    project.write("data/text", "changed")


def change_to_equal_length(project: Project) -> None:
    project.write("data/text", "2")


def delete(project: Project) -> None:
    project.remove("data/text")


def rename(project: Project) -> None:
    (project.folder / "data/text").rename(project.folder / "data/other name")


def change_mode(project: Project) -> None:
    (project.folder / "data/text").chmod(0o755)


def make_folder_of_file(project: Project) -> None:
    project.remove("data/text")
    project.write("data/text/inner", "1")


def make_link(project: Project) -> None:
    project.remove("data/text")
    (project.folder / "data/text").symlink_to("../src/main.rs")


def link_folder(project: Project) -> None:
    (project.folder / "linked").symlink_to("data", target_is_directory=True)


def use_hard_names(project: Project) -> None:
    for name in (
        "-",
        "--help",
        "two words",
        "quo'te\"s",
        "$HOME `id`",
        "# x",
        "[a]*?",
        "tab\there",
        r"dev-disk\x2dlabel.mount",
        r"\back\\slashes",
        "é",
        "\udcff",
    ):
        project.write(f"data/{name}", name.encode(errors="surrogateescape").hex())


CHANGES = [
    *(add, change, change_to_equal_length, delete, rename, change_mode, make_folder_of_file),
    *(make_link, link_folder, use_hard_names),
]


@pytest.mark.parametrize("apply", CHANGES, ids=lambda change: change.__name__)
def test_it_follows_a_change_and_its_revert(project: Project, apply: Callable[[Project], None]) -> None:
    project.write("data/text", "1")
    project.update()
    before = project.listed()
    kept = shutil.copytree(project.folder, project.place / "kept-aside", symlinks=True)
    apply(project)

    project.update()
    changed = project.mirrored()
    assert changed == project.listed()
    assert changed != before
    shutil.rmtree(project.folder)
    kept.rename(project.folder)
    project.update()

    assert project.mirrored() == before


def test_what_does_not_change_keeps_its_time_and_what_does_gets_that_of_now(project: Project) -> None:
    project.write("src/other.rs", "1")
    project.update()
    (project.target / "release").mkdir()
    known = {name: (project.mirror / name).stat().st_mtime_ns for name in ("src/main.rs", "src/other.rs")}
    # A file that no dep-info names renews its package: name both.
    deps = project.target / "release/deps"
    deps.mkdir(parents=True)
    (deps / "app.d").write_text("src/main.rs:\nsrc/other.rs:\n")

    project.write("src/other.rs", "2")
    project.update()

    assert (project.mirror / "src/main.rs").stat().st_mtime_ns == known["src/main.rs"]
    assert (project.mirror / "src/other.rs").stat().st_mtime_ns > known["src/other.rs"]


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\0\xff\n", b"0" * 64 + b" - ../../precious\n", b"0" * 64 + b" - /etc/precious\n", b"half a r"],
)
def test_a_list_that_cannot_be_read_makes_all_new(project: Project, garbage: bytes) -> None:
    precious = project.mirror.parents[1] / "precious"
    precious.write_text("1")
    project.update()
    assert project.printed() == "first"
    (project.target / "rustdocker/sources").write_bytes(garbage)
    project.write("src/main.rs", PRINT.format("fifth"))

    project.update()

    assert project.printed() == "fifth"
    assert project.mirrored().keys() == project.listed().keys() | {"Cargo.lock"}
    assert precious.exists()


@pytest.mark.usefixtures("units")
def test_a_mirror_of_a_later_time_is_made_anew(project: Project) -> None:
    project.update()
    assert project.printed() == "first"
    tomorrow = (project.mirror / "src/main.rs").stat().st_mtime + 86_400
    for path in (*project.mirror.rglob("*"), *project.target.rglob("*")):
        os.utime(path, (tomorrow, tomorrow))
    project.write("src/main.rs", PRINT.format("fifth"))

    project.update()

    assert project.printed() == "fifth"


READS = 'fn main() {{ println!("{{}}", include_str!(concat!(env!("OUT_DIR"), "/text"))); }}\n'.format()
WRITES = """use std::{{env, fs, path::Path}};
fn main() {{
    {tell}
    fs::write(Path::new(&env::var("OUT_DIR").unwrap()).join("text"), {text}).unwrap();
}}
"""
TELLS_ITSELF = 'println!("cargo:rerun-if-changed=build.rs");'
FOLDER = 'fs::read_dir("inputs").unwrap().count().to_string()'
MACROS = """use proc_macro::TokenStream;
#[proc_macro]
pub fn text(_: TokenStream) -> TokenStream {{ format!("{{:?}}", {text}).parse().unwrap() }}
"""
OF_MACRO = 'fn main() {{ println!("{{}}", macros::text!()); }}\n'.format()
WITH_MACROS = {
    "Cargo.toml": MANIFEST.format(name="app") + '[dependencies]\nmacros = { path = "macros" }\n[workspace]\n',
    "src/main.rs": OF_MACRO,
    "macros/Cargo.toml": MANIFEST.format(name="macros") + "[lib]\nproc-macro = true\n",
}
FROM_FILE = 'std::fs::read_to_string("inputs/a").unwrap()'
FROM_FOLDER = 'std::fs::read_dir("inputs").unwrap().count().to_string()'
# What is written in turn, None where it is removed, and what the program prints then.
Turns = list[tuple[dict[str, str | None], str]]
SCENARIOS: dict[str, Turns] = {
    "a build script that changes": [
        ({"src/main.rs": READS, "build.rs": WRITES.format(tell="", text='"first"')}, "first"),
        ({"build.rs": WRITES.format(tell="", text='"fifth"')}, "fifth"),
        ({"build.rs": WRITES.format(tell="", text='"first"')}, "first"),
    ],
    "a build script that names nothing": [
        (
            {
                "src/main.rs": READS,
                "build.rs": WRITES.format(tell="", text=FOLDER),
                "inputs/a": "",
                "inputs/b": "",
            },
            "2",
        ),
        ({"inputs/c": ""}, "3"),
        ({"inputs/a": None, "inputs/c": None}, "1"),
    ],
    "a build script that names a folder": [
        (
            {
                "src/main.rs": READS,
                "build.rs": WRITES.format(tell='println!("cargo:rerun-if-changed=inputs");', text=FOLDER),
                **{f"inputs/{name}": "" for name in "abc"},
            },
            "3",
        ),
        ({"inputs/b": None}, "2"),
        ({"inputs/b": ""}, "3"),
    ],
    "a build script that writes a source": [
        (
            {
                "build.rs": 'fn main() { std::fs::write("src/made.rs", '
                'format!("pub const X: &str = {:?};", std::fs::read_to_string("inputs/a").unwrap())).unwrap(); }',
                "src/main.rs": 'mod made; fn main() { println!("{}", made::X); }',
                "inputs/a": "first",
            },
            "first",
        ),
        ({"inputs/a": "fifth"}, "fifth"),
        ({"inputs/a": "first", "notes": "1"}, "first"),
    ],
    "a macro that reads a file": [
        ({**WITH_MACROS, "macros/src/lib.rs": MACROS.format(text=FROM_FILE), "inputs/a": "first"}, "first"),
        ({"inputs/a": "fifth"}, "fifth"),
        ({"inputs/a": "first"}, "first"),
    ],
    "a macro that lists a folder": [
        (
            {**WITH_MACROS, "macros/src/lib.rs": MACROS.format(text=FROM_FOLDER), "inputs/a": "", "inputs/b": ""},
            "2",
        ),
        ({"inputs/b": None}, "1"),
        ({"inputs/b.rs": "", "inputs/c.rs": ""}, "3"),
        ({"inputs/Cargo.lock": ""}, "4"),
    ],
    "what a script made, when another package is renewed": [
        (
            {
                "Cargo.toml": MANIFEST.format(name="app") + '[dependencies]\nb = { path = "b" }\n[workspace]\n',
                "build.rs": 'fn main() { println!("cargo:rerun-if-changed=inputs/a"); '
                'std::fs::write("src/made.rs", "pub const X: u8 = 1;").unwrap(); }',
                "src/main.rs": 'mod made; fn main() { println!("{}{}", made::X, b::X); }',
                "inputs/a": "",
                "b/Cargo.toml": MANIFEST.format(name="b"),
                "b/src/lib.rs": "pub const X: u8 = 1;",
            },
            "11",
        ),
        ({"b/src/new.rs": "pub const X: u8 = 2;", "b/src/lib.rs": "mod new; pub use new::X;"}, "12"),
    ],
    "a source that a script writes over with an old time": [
        (
            {
                "build.rs": 'fn main() { std::fs::rename("data/y", "data/x").unwrap(); }',
                "src/main.rs": 'fn main() { println!("{}", include_str!("../data/x")); }',
                "data/x": "of x",
                "data/y": "of y",
            },
            "of y",
        ),
        ({"build.rs": "fn main() {}"}, "of x"),
    ],
    "a source that a script removes": [
        (
            {
                "src/main.rs": READS,
                "build.rs": WRITES.format(
                    tell="",
                    text='{ let t = fs::read_to_string("in").unwrap(); fs::remove_file("in").unwrap(); t }',
                ),
                "in": "one",
            },
            "one",
        ),
        ({"notes": "1"}, "one"),
    ],
    "a source that a script makes too": [
        (
            {
                "build.rs": 'fn main() { println!("cargo:rerun-if-changed=inputs"); '
                'std::fs::write("src/made.rs", "pub const X: u8 = 1;").unwrap(); }',
                "src/main.rs": 'mod made; fn main() { println!("{}", made::X); }',
                "inputs": "",
            },
            "1",
        ),
        ({"src/made.rs": "pub const X: u8 = 2;"}, "1"),
        ({"src/made.rs": None}, "1"),
    ],
    "an empty folder of a script's in the place of a source": [
        (
            {
                "build.rs": 'fn main() { let _ = std::fs::create_dir_all("gen/empty"); }',
                "src/main.rs": 'fn main() { println!("1"); }',
            },
            "1",
        ),
        ({"gen": "x", "src/main.rs": 'fn main() { println!("{}", include_str!("../gen")); }'}, "x"),
    ],
    "a link of a script's in the place of a folder": [
        (
            {
                "build.rs": 'fn main() { let _ = std::os::unix::fs::symlink("data", "gen"); }',
                "src/main.rs": 'fn main() { println!("{}", include_str!("../data/a")); }',
                "data/a": "of data",
            },
            "of data",
        ),
        ({"gen/a": "of gen", "build.rs": "fn main() {}"}, "of data"),
    ],
    "a member that is gone, in whose folder a script made one": [
        (
            {
                "Cargo.toml": MANIFEST.format(name="app")
                + '[dependencies]\nx = { path = "crates/x" }\n[workspace]\nmembers = ["crates/*"]\n',
                "src/main.rs": 'fn main() { println!("{}", x::X); }',
                "crates/y/Cargo.toml": MANIFEST.format(name="y"),
                "crates/y/src/lib.rs": "",
                "crates/x/Cargo.toml": MANIFEST.format(name="x"),
                "crates/x/src/lib.rs": "pub const X: u8 = 1;",
                "crates/x/build.rs": 'fn main() { std::fs::create_dir_all("out").unwrap(); }',
            },
            "1",
        ),
        (
            {
                "Cargo.toml": MANIFEST.format(name="app") + '[workspace]\nmembers = ["crates/*"]\n',
                "src/main.rs": 'fn main() { println!("2"); }',
                **{f"crates/x/{name}": None for name in ("Cargo.toml", "src/lib.rs", "build.rs")},
            },
            "2",
        ),
    ],
    "a path of modules that changes": [
        (
            {
                "src/main.rs": '#[path = "a.rs"] mod m; fn main() { println!("{}", m::X); }',
                **{f"src/{name}.rs": f'pub const X: &str = "{name}";' for name in "ab"},
            },
            "a",
        ),
        ({"src/main.rs": '#[path = "b.rs"] mod m; fn main() { println!("{}", m::X); }'}, "b"),
        (
            {
                "src/a.rs": 'pub const X: &str = "c";',
                "src/main.rs": '#[path = "a.rs"] mod m; fn main() { println!("{}", m::X); }',
            },
            "c",
        ),
    ],
}


def remove_empty(path: Path) -> None:
    """Remove the folders around a path that hold nothing any more, as git does."""
    for folder in path.parents:
        if any(folder.iterdir()):
            return
        folder.rmdir()


VENDORED = {
    "Cargo.toml": MANIFEST.format(name="app") + '[dependencies]\ndep = "1"\n[workspace]\nexclude = ["vendor"]\n',
    "src/main.rs": 'fn main() { println!("{}", dep::TEXT); }\n',
    ".cargo/config.toml": '[source.crates-io]\nreplace-with = "own"\n[source.own]\ndirectory = "vendor"\n',
    "vendor/dep-1/Cargo.toml": MANIFEST.format(name="dep").replace("0.1.0", "1.0.0"),
    "vendor/dep-1/.cargo-checksum.json": '{"files":{}}',
    "vendor/dep-1/src/lib.rs": 'pub const TEXT: &str = "first";\n',
}


@pytest.mark.usefixtures("units")
def test_a_vendored_crate_that_changes(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for name, text in VENDORED.items():
        project.write(name, text)
    subprocess.run(["cargo", "generate-lockfile", "--quiet", "--offline"], cwd=project.folder, check=True)
    project.update()
    assert project.printed() == "first"

    for text in ("fifth", "first"):
        project.write("vendor/dep-1/src/lib.rs", f'pub const TEXT: &str = "{text}";\n')
        project.update()
        assert project.printed() == text


NAMES_GREETING = 'pub const GREETING: Option<&str> = option_env!("GREETING");'


@pytest.mark.usefixtures("units")
@pytest.mark.parametrize(
    ("tell", "base", "compiled"),
    [
        ("", "", ["app", "base"]),
        ('println!("cargo:rerun-if-env-changed=GREETING");', "", ["app"]),
        ("", NAMES_GREETING, ["app", "base"]),
    ],
    ids=["that nobody names", "that the build script names", "that another package names"],
)
def test_another_variable_is_another_program(tmp_path: Path, tell: str, base: str, compiled: list[str]) -> None:
    project = Project(tmp_path)
    for name, text in {
        "Cargo.toml": MANIFEST.format(name="app") + '[dependencies]\nbase = { path = "base" }\n[workspace]\n',
        "build.rs": WRITES.format(tell=tell or TELLS_ITSELF, text='env::var("GREETING").unwrap()'),
        "src/main.rs": READS,
        "base/Cargo.toml": MANIFEST.format(name="base"),
        "base/src/lib.rs": base,
    }.items():
        project.write(name, text)
    subprocess.run(["cargo", "generate-lockfile", "--quiet", "--offline"], cwd=project.folder, check=True)

    for text in ("first", "second", "second", "first"):
        digest = sha256(text.encode()).hexdigest()[:16]
        environment = {"GREETING": text, "RUSTDOCKER_BUILD_ENV": f"GREETING:{digest} OTHER:0123456789abcdef"}
        assert project.try_update(environment) == 0
        made = project.compiled(environment=environment)
        assert project.printed(environment=environment) == text
    assert made == compiled


READS_TEMPLATES = """fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let read = |name| std::fs::read_to_string(format!("templates/web/{name}")).unwrap();
    let all = ["Cargo.toml", "src/main.rs"].map(read).concat();
    println!("cargo:rustc-env=G={}", all.lines().filter(|line| line.contains("text")).collect::<String>());
}
"""


@pytest.mark.parametrize("name", ["src/main.rs", "Cargo.toml"])
def test_a_manifest_that_is_no_package_s_of_the_project(project: Project, name: str) -> None:
    project.packages = (".",)
    project.write("build.rs", READS_TEMPLATES)
    project.write("src/main.rs", PRINT.format("{}").replace('")', '", env!("G"))'))
    project.write("templates/web/Cargo.toml", '[package]\nname = "{{ name }}"\n')
    project.write("templates/web/src/main.rs", "fn main() {}\n")
    for text in ("first", "second"):
        mark, before = ("#", "[package]\n") if name == "Cargo.toml" else ("//", "")
        project.write(f"templates/web/{name}", f"{before}{mark} text: {text}\n")
        project.update()
        assert project.printed().endswith(f"text: {text}")


@pytest.mark.usefixtures("units")
@pytest.mark.parametrize(
    ("changes", "compiled"),
    [
        ({"src/new.rs": ""}, ["app"]),
        ({"tests/new.rs": ""}, ["app"]),
        ({"Cargo.toml": "version"}, ["app"]),
        ({"base/src/new.rs": ""}, ["app", "base"]),
        ({"notes.txt": "x"}, ["app", "base"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_changes_in_the_package_at_the_root_is_its_own_affair(
    tmp_path: Path, changes: dict[str, str], compiled: list[str]
) -> None:
    project = Project(tmp_path)
    manifest = MANIFEST.format(name="app") + '[dependencies]\nbase = { path = "base" }\n[workspace]\n'
    for name, text in {
        "Cargo.toml": manifest,
        "src/main.rs": 'fn main() { println!("{}", base::TEXT); }\n',
        "base/Cargo.toml": MANIFEST.format(name="base"),
        "base/src/lib.rs": 'pub const TEXT: &str = "first";\n',
    }.items():
        project.write(name, text)
    subprocess.run(["cargo", "generate-lockfile", "--quiet", "--offline"], cwd=project.folder, check=True)
    project.update()
    assert project.compiled() == ["app", "base"]

    for name, text in changes.items():
        project.write(name, manifest.replace("0.1.0", "0.2.0") if text == "version" else text)
    project.update()

    assert project.compiled() == compiled


def workspace_of(folder: Path, files: Mapping[str, str]) -> Project:
    project = Project(folder)
    for name, text in files.items():
        project.write(name, text)
    subprocess.run(["cargo", "generate-lockfile", "--quiet", "--offline"], cwd=project.folder, check=True)
    project.update()
    return project


def test_a_new_member_costs_nobody_else_anything(tmp_path: Path) -> None:
    files = {"Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["crates/*"]\n'}
    for name in ("app", "base"):
        files |= {
            f"crates/{name}/Cargo.toml": MANIFEST.format(name=name),
            f"crates/{name}/src/main.rs": "fn main() {}",
        }
    project = workspace_of(tmp_path, files)
    assert project.compiled() == ["app", "base"]

    project.write("crates/new/Cargo.toml", MANIFEST.format(name="new"))
    project.write("crates/new/src/main.rs", "fn main() {}")
    project.update()

    assert project.compiled() == ["new"]


def test_a_fork_with_the_marks_of_a_vendored_crate_is_a_package_like_any_other(tmp_path: Path) -> None:
    reads = WRITES.format(tell=TELLS_ITSELF, text='fs::read_to_string("forks/dep/data.txt").unwrap()')
    dependency = '[dependencies]\ndep = { path = "forks/dep" }\n[workspace]\n'
    files = {
        "Cargo.toml": MANIFEST.format(name="app") + dependency,
        "build.rs": reads,
        "src/main.rs": READS,
        "forks/dep/Cargo.toml": MANIFEST.format(name="dep"),
        "forks/dep/src/lib.rs": "",
        "forks/dep/data.txt": "first",
        "forks/dep/.cargo-checksum.json": '{"files":{}}',
    }
    project = workspace_of(tmp_path, files)
    assert project.printed() == "first"

    project.write("forks/dep/data.txt", "fifth")
    project.update()

    assert project.printed() == "fifth"


@pytest.mark.parametrize("name", ["name = 'dep'", '  name = "dep"', '"name" = "dep"'])
def test_a_vendored_manifest_may_be_written_by_hand(tmp_path: Path, name: str) -> None:
    manifest = VENDORED["vendor/dep-1/Cargo.toml"].replace('name = "dep"', name)
    project = workspace_of(tmp_path, {**VENDORED, "vendor/dep-1/Cargo.toml": manifest})
    assert project.printed() == "first"

    project.write("vendor/dep-1/src/lib.rs", 'pub const TEXT: &str = "fifth";\n')
    project.update()

    assert project.printed() == "fifth"


@pytest.mark.parametrize("has_lock", [True, False])
def test_a_lock_file_that_cargo_writes_costs_nobody_anything(tmp_path: Path, *, has_lock: bool) -> None:
    project = Project(tmp_path)
    project.write("Cargo.toml", '[workspace]\nresolver = "2"\nmembers = ["app", "base"]\n')
    for name in ("app", "base"):
        project.write(f"{name}/Cargo.toml", MANIFEST.format(name=name))
        project.write(f"{name}/src/main.rs", PRINT.format(name))
    if has_lock:
        subprocess.run(["cargo", "generate-lockfile", "--quiet", "--offline"], cwd=project.folder, check=True)
        project.write("app/Cargo.toml", MANIFEST.format(name="app").replace("0.1.0", "0.2.0"))
    project.update()
    assert project.compiled() == ["app", "base"]

    project.write("app/src/other.rs", "")
    project.update()

    assert project.compiled() == ["app"]


@pytest.mark.usefixtures("units")
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_program_is_made_of_the_sources_at_hand(project: Project, name: str) -> None:
    for files, printed in SCENARIOS[name]:
        for path, text in files.items():
            if text is None:
                project.remove(path)
                remove_empty(project.folder / path)
            else:
                project.write(path, text)
        subprocess.run(["cargo", "generate-lockfile", "--quiet", "--offline"], cwd=project.folder, check=True)
        project.update()
        assert project.printed() == printed, files


def test_a_file_of_another_folder_with_the_path_of_one_that_cargo_sees(tmp_path: Path) -> None:
    project = Project(tmp_path / "here", inner="fuzz")
    script = WRITES.format(
        tell='println!("cargo:rerun-if-changed=build.rs");', text='fs::read_to_string("src/gen.rs").unwrap()'
    )
    project.write("Cargo.toml", MANIFEST.format(name="shop") + '[workspace]\nexclude = ["fuzz"]\n')
    project.write("build.rs", script)
    project.write("src/lib.rs", 'pub const X: &str = include_str!(concat!(env!("OUT_DIR"), "/text"));')
    project.write("src/gen.rs", "// one")
    dependency = '[dependencies]\nshop = { path = ".." }\n[workspace]\n'
    project.write("fuzz/Cargo.toml", MANIFEST.format(name="fuzz") + dependency)
    project.write("fuzz/src/main.rs", 'mod gen; fn main() { println!("{}", shop::X); }')
    project.write("fuzz/src/gen.rs", "// of fuzz")
    words = ["cargo", "generate-lockfile", "--quiet", "--offline"]
    subprocess.run(words, cwd=project.folder / "fuzz", check=True)
    project.update()
    assert project.printed() == "// one"
    project.write("src/gen.rs", "// two")

    project.update()

    assert project.printed() == "// two"


WRITES_OVER = """fn main() {
    std::fs::write("src/made.rs", "pub const TEXT: &str = \\"script\\";\\n").unwrap();
    println!("cargo::rerun-if-changed=build.rs");
}
"""


def test_a_source_that_a_script_writes_over_costs_others_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path / "here")
    project.write("Cargo.toml", '[workspace]\nresolver = "2"\nmembers = ["app", "other"]\n')
    for name in ("app", "other"):
        project.write(f"{name}/Cargo.toml", MANIFEST.format(name=name))
    project.write("other/src/main.rs", PRINT.format("other"))
    project.write("app/build.rs", WRITES_OVER)
    project.write("app/src/main.rs", 'mod made;\nfn main() { println!("{}", made::TEXT); }\n')
    project.write("app/src/made.rs", 'pub const TEXT: &str = "user";\n')
    run = ("--package=app",)

    def built() -> list[str]:
        project.update()
        compiled = project.compiled()
        assert project.printed(*run) == expected
        project.note_built()
        return compiled

    expected = "script"
    assert built() == ["app", "other"]
    project.write("other/src/main.rs", PRINT.format("edited"))
    assert built() == ["other"]
    assert built() == []
    project.write("app/src/main.rs", 'mod made;\nfn main() { print!("{}", made::TEXT); }\n')
    assert built() == ["app"]
    # The user's own edit of it, and anything that makes scripts run again, begin with what the user has.
    project.write("app/src/made.rs", 'pub const TEXT: &str = "edited";\n')
    assert built() == ["app", "other"]
    project.write("app/build.rs", "fn main() {}\n")
    expected = "edited"
    assert "app" in built()


def test_what_a_script_wrote_over_for_another_call_of_cargo_is_made_anew(project: Project) -> None:
    project.write("src/made.rs", "the user's")
    with_feature = {"RUSTDOCKER_CALL": "--features=gen"}
    assert project.try_update(with_feature) == 0
    (project.mirror / "src/made.rs").write_text("a script's")
    project.note_built(with_feature)

    assert project.try_update(with_feature) == 0
    assert project.mirrored()["src/made.rs"] == (b"a script's", False)
    assert project.try_update({}) == 0
    assert project.mirrored() == project.listed()


def test_a_source_that_was_damaged_after_a_build_is_made_anew(project: Project) -> None:
    project.update()
    assert project.printed() == "first"
    project.note_built()
    (project.mirror / "src/main.rs").write_text(PRINT.format("damaged"))

    project.update()

    assert project.mirrored() == project.listed()
    assert project.printed() == "first"


def test_a_disk_that_has_no_room_for_a_file(project: Project) -> None:
    project.write("data", "1")
    project.write("src/main.rs", 'fn main() { println!("{}", include_str!("../data").len()); }')
    project.update()
    assert project.printed() == "1"
    project.write("data", "2" * 100_000)
    project.write("src/main.rs", 'fn main() { println!("now {}", include_str!("../data").len()); }')

    assert project.try_update(blocks=8) != 0
    project.update()

    assert project.printed() == "now 100000"


# Every program that the script starts counts, and at one of them all of it is killed.
SHIM = """#!/bin/sh
printf x >> "$COUNTER"
number=$(wc -c < "$COUNTER")
[ "$number" -lt "$KILL_AT" ] || kill -KILL 0
exec {program} "$@"
"""
PROGRAMS = [
    *("awk", "cat", "comm", "cp", "cut", "find", "grep", "mkdir", "mv", "rm", "rmdir", "sed", "sha256sum", "sort"),
    *("paste", "tar", "touch", "tr", "uniq", "xargs"),
]


@pytest.fixture(scope="session")
def shims(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shims")
    for name in PROGRAMS:
        path = folder / name
        path.write_text(SHIM.format(program=shutil.which(name)))
        path.chmod(0o755)
    return folder


def killed_at_steps(project: Project, shims: Path, change: Callable[[], None], *, number: int) -> Iterator[int]:
    """Kill an update for a change at every other program that it starts, from the same state; tell where."""
    project.update()
    assert project.printed() == "first"
    shutil.copytree(project.place, state := project.place.with_name("state"), symlinks=True)
    counter = state.with_name("counter")
    while True:
        number += 2
        shutil.rmtree(project.place)
        shutil.copytree(state, project.place, symlinks=True)
        counter.write_text("")
        change()
        environment = {"PATH": f"{shims}:{os.environ['PATH']}", "COUNTER": str(counter), "KILL_AT": str(number)}
        if project.try_update(environment) == 0:
            assert number > 20
            return
        yield number


def test_killed_at_any_point_and_then_reverted(project: Project, shims: Path) -> None:
    def change() -> None:
        project.write("src/main.rs", PRINT.format("fifth"))

    wrong = {}
    for number in killed_at_steps(project, shims, change, number=-1):
        project.write("src/main.rs", PRINT.format("first"))
        project.update()
        if (printed := project.printed()) != "first":
            wrong[number] = printed

    assert not wrong


def test_killed_while_a_vendored_crate_goes_away(tmp_path: Path, shims: Path) -> None:
    project = workspace_of(tmp_path / "here", VENDORED)

    def change() -> None:
        shutil.rmtree(project.folder / "vendor")
        project.write("Cargo.toml", VENDORED["Cargo.toml"].replace('dep = "1"\n', ""))
        project.write("src/main.rs", "fn main() {}\n")

    wrong = {}
    for number in killed_at_steps(project, shims, change, number=0):
        project.update()
        for name, text in VENDORED.items():
            project.write(name, text.replace("first", "fifth"))
        project.update()
        if (printed := project.printed()) != "fifth":
            wrong[number] = printed

    assert not wrong


def test_killed_after_what_a_script_made_was_removed(tmp_path: Path, shims: Path) -> None:
    makes = (
        'fn main() { println!("cargo:rerun-if-changed=build.rs"); std::fs::write("src/made.rs", "").unwrap(); }\n'
    )
    files = {
        "Cargo.toml": MANIFEST.format(name="app") + '[dependencies]\nbase = { path = "base" }\n[workspace]\n',
        "build.rs": makes,
        "src/main.rs": f"mod made; {PRINT.format('first')}",
        "base/Cargo.toml": MANIFEST.format(name="base"),
        "base/src/lib.rs": "",
    }
    project = workspace_of(tmp_path / "here", files)

    for _ in killed_at_steps(project, shims, lambda: project.write("base/src/new.rs", ""), number=0):
        project.update()
        assert project.printed() == "first"


def test_killed_at_any_point_and_then_built(project: Project, shims: Path) -> None:
    def change() -> None:
        project.write("src/main.rs", 'mod m; fn main() { println!("{}", m::TEXT); }\n')
        project.write("src/m.rs", 'pub const TEXT: &str = include_str!("../text");\n')
        project.write("text", "fifth")

    wrong = {}
    for number in killed_at_steps(project, shims, change, number=0):
        project.update()
        if (printed := project.printed()) != "fifth":
            wrong[number] = printed

    assert not wrong


SCRIPT = """use std::{env, fs, path::Path};
fn main() {
    let mut names: Vec<_> = fs::read_dir("plugins").unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    let text: String = names.iter().map(|p| fs::read_to_string(p).unwrap()).collect();
    fs::write(Path::new(&env::var("OUT_DIR").unwrap()).join("text"), text).unwrap();
    println!("cargo:rerun-if-changed=build.rs");
}
"""
MAIN = """mod m;
fn main() {{
    println!("{} {{}} {{}} {{}} {{}}", m::TEXT, include_str!("../data"),
        include_str!(concat!(env!("OUT_DIR"), "/text")), cfg!(feature = "x"));
}}
"""
# What is done to the project, by place; what is written is one letter, so that lengths never differ.
LETTERS = st.sampled_from("abc")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["main", "module", "data"]), LETTERS),
        st.tuples(
            st.sampled_from(["plugins/1.txt", "plugins/2.rs", "plugins/3.txt"]), st.one_of(LETTERS, st.none())
        ),
        st.tuples(st.just("build"), st.booleans()),
        st.tuples(st.just("kill the script at"), st.integers(1, 60)),
        st.tuples(st.just("kill cargo after"), st.integers(1, 400)),  # milliseconds
    ),
    min_size=4,
    max_size=14,
)


@pytest.mark.usefixtures("units")
@settings(max_examples=12)
@given(steps=STEPS)
def test_any_history_of_changes_and_builds(
    steps: list[tuple[str, str | bool | int | None]], tmp_path_factory: pytest.TempPathFactory, shims: Path
) -> None:
    project = Project(tmp_path_factory.mktemp("history"))
    project.write("Cargo.toml", MANIFEST.format(name="app") + "[features]\nx = []\n")
    project.write("build.rs", SCRIPT)
    project.write("plugins/0", "")
    state: dict[str, str | None] = {"main": "a", "module": "a", "data": "a"}
    for step, value in [*steps, ("build", False)]:
        if step not in state and not step.startswith("plugins/"):
            write_state(project, state)
        if step == "build":
            project.update()
            flags = ("--features=x",) if value else ()
            plugins = "".join(state.get(name) or "" for name in sorted(state) if name.startswith("plugins/"))
            expected = f"{state['main']} {state['module']} {state['data']} {plugins} {str(bool(value)).lower()}"
            assert project.printed(*flags) == expected, steps
        elif step == "kill cargo after":
            project.update()
            project.try_compiling(seconds=int(str(value)) / 1000)
        elif step == "kill the script at":
            (project.place / "counter").write_text("")
            environment = {"COUNTER": str(project.place / "counter"), "KILL_AT": str(value)}
            project.try_update({"PATH": f"{shims}:{os.environ['PATH']}", **environment})
        else:
            state[step] = value  # type: ignore[assignment]


def write_state(project: Project, state: dict[str, str | None]) -> None:
    project.write("src/main.rs", MAIN.format(state["main"]))
    project.write("src/m.rs", f'pub const TEXT: &str = "{state["module"]}";\n')
    project.write("data", str(state["data"]))
    for name, text in state.items():
        if name.startswith("plugins/"):
            if text is not None:
                project.write(name, text)
            elif (project.folder / name).exists():
                project.remove(name)
