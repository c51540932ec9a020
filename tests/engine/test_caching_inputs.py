"""What is compiled after a change to what build scripts, macros and included files read, counted in each mode."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from tests.conftest import MANIFEST, TASKS
from tests.engine.conftest import IN_2000
from tests.engine.scenarios import Step, edit, go_through, remove, unchanged, write
from tests.engine.workspace import LAYER, Compiled, Workspace, own_image

pytestmark = pytest.mark.engine

SCRIPT = """use std::{{env, fs, path::Path}};
fn main() {{
    let text = {text};
    fs::write(Path::new(&env::var("OUT_DIR").unwrap()).join("text"), text).unwrap();
    {told}
}}
"""
READS = 'fs::read_to_string("data").unwrap()'
LISTS = """{
        let entries = fs::read_dir("plugins").unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names.concat()
    }"""
TELLS = 'println!("cargo:rerun-if-changed={}");'
MADE_BY_SCRIPT = 'pub const TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/text"));\n'
MAKES = """fn main() {
    std::fs::write("src/made.rs", "pub const TEXT: &str = \\"m1\\";").unwrap();
    println!("cargo:rerun-if-changed=build.rs");
}
"""
MACROS = """use proc_macro::{Literal, TokenStream, TokenTree};
use std::{env, fs, path::PathBuf};
fn here(name: &str) -> PathBuf { PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap()).join(name) }
fn literal(text: &str) -> TokenStream { TokenTree::from(Literal::string(text)).into() }
#[proc_macro]
pub fn read(_: TokenStream) -> TokenStream { literal(&fs::read_to_string(here("read.txt")).unwrap()) }
#[proc_macro]
pub fn list(_: TokenStream) -> TokenStream {
    let entries = fs::read_dir(here("listed")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    literal(&names.concat())
}
"""
LIBRARIES = ("text", "silent", "lists", "misses", "makes", "macros")
MAIN = """fn main() {
    let _ = itoa::Buffer::new().format(1);
    print!("{} {} {} {} ", text::TEXT, silent::TEXT, lists::TEXT, misses::TEXT);
    println!("{} {} {}", makes::TEXT, macros::read!(), macros::list!());
}
"""
BIN = '[[bin]]\nname = "app"\npath = "src/main.rs"\n'


@pytest.fixture(params=["mount", LAYER, "host"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    prefix = f"t{uuid.uuid4().hex[:8]}-"
    needed = (f'{name} = {{ package = "{prefix}{name}", path = "../{name}" }}\n' for name in LIBRARIES)
    manifest = MANIFEST.format(name=f"{prefix}app") + BIN + '[dependencies]\nitoa = "1"\n'
    files = {
        "Cargo.toml": f'[workspace]\nresolver = "2"\nmembers = {["app", *LIBRARIES]}\n',
        **{f"{name}/Cargo.toml": MANIFEST.format(name=f"{prefix}{name}") for name in LIBRARIES},
        "app/Cargo.toml": manifest + "".join(needed),
        "app/src/main.rs": MAIN,
        "app/read.txt": "r1",
        "app/listed/x": "",
        "text/src/lib.rs": 'pub const TEXT: &str = include_str!("../text");\n',
        "text/text": "t1",
        "silent/build.rs": SCRIPT.format(text=READS, told=""),
        "silent/data": "s1",
        "lists/build.rs": SCRIPT.format(text=LISTS, told=TELLS.format("plugins")),
        "lists/plugins/a": "",
        "lists/plugins/b": "",
        "misses/build.rs": SCRIPT.format(text=READS, told=TELLS.format("build.rs")),
        "misses/data": "u1",
        "makes/build.rs": MAKES,
        "makes/src/lib.rs": "mod made;\npub use made::TEXT;\n",
        "macros/src/lib.rs": MACROS,
        "tasks.py": TASKS,
    }
    files |= {f"{name}/src/lib.rs": MADE_BY_SCRIPT for name in ("silent", "lists", "misses")}
    files["macros/Cargo.toml"] += "[lib]\nproc-macro = true\n"
    # All of one time, and edits of one length: BuildKit itself takes such a file for unchanged.
    image = own_image(prefix)
    made = Workspace(tmp_path / prefix, str(request.param), prefix, modified=IN_2000, environment=image)
    for name, text in files.items():
        made.write(name, text)
    made.cargo("generate-lockfile")
    made.cargo("fetch")
    return made


def own(*names: str) -> Compiled:
    return Compiled(0, tuple(sorted(("app", *names))))


NOTHING = Compiled(0, ())
SILENT, WROTE = own("silent"), own("makes")
ALL = own(*LIBRARIES)
COLD = ALL._replace(others=1)
# Macros are compiled for this machine, and so for all triples at once.
NO_MACRO = ALL._replace(own=tuple(name for name in ALL.own if name != "macros"))
TRIPLED = NO_MACRO._replace(others=1)
GNU = {"RUSTDOCKER_TARGET": "x86_64-unknown-linux-gnu"}
READ_OTHERS = edit("silent/build.rs", READS, f'{READS}.replace("s2", "s3")')
# fmt: off
STEPS = [
    #                                                                             mount     layer    host
    Step("cold", unchanged, "t1 s1 ab u1 m1 r1 x",                                COLD,     COLD,    COLD),
    Step("nothing", unchanged, "t1 s1 ab u1 m1 r1 x",                             NOTHING,  NOTHING, WROTE),
    Step("included file", edit("text/text", "1", "2"), "t2 s1 ab u1 m1 r1 x",     ALL,      ALL,     ALL),
    Step("and back", edit("text/text", "2", "1"), "t1 s1 ab u1 m1 r1 x",          NOTHING,  ALL,     ALL),
    Step("read by script", edit("silent/data", "1", "2"), "t1 s2 ab u1 m1 r1 x",  ALL,      ALL,     ALL),
    Step("build script", READ_OTHERS, "t1 s3 ab u1 m1 r1 x",                      ALL,      ALL,     SILENT),
    Step("removed of folder", remove("lists/plugins/a"), "t1 s3 b u1 m1 r1 x",    ALL,      ALL,     ALL),
    Step("read, not told", edit("misses/data", "1", "2"), "t1 s3 b u2 m1 r1 x",   ALL,      ALL,     ALL),
    Step("written by it", edit("makes/build.rs", "1", "2"), "t1 s3 b u2 m2 r1 x", ALL,      ALL,     WROTE),
    Step("nothing after it", unchanged, "t1 s3 b u2 m2 r1 x",                     NOTHING,  NOTHING, WROTE),
    Step("read by macro", edit("app/read.txt", "1", "2"), "t1 s3 b u2 m2 r2 x",   ALL,      ALL,     ALL),
    Step("listed by macro", write("app/listed/y", ""), "t1 s3 b u2 m2 r2 xy",     ALL,      ALL,     ALL),
    Step("another triple", unchanged, "t1 s3 b u2 m2 r2 xy",                      TRIPLED,  COLD,    TRIPLED, GNU),
    Step("edit with it", edit("text/text", "1", "2"), "t2 s3 b u2 m2 r2 xy",      ALL,      ALL,     ALL, GNU),
    Step("triple back", unchanged, "t2 s3 b u2 m2 r2 xy",                         NO_MACRO, COLD,    NO_MACRO),
]
# fmt: on


def test_what_each_change_of_what_is_read_compiles(project: Workspace) -> None:
    go_through(project, STEPS)
