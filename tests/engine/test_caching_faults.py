"""What is compiled after something went wrong with what is kept, counted: on mounts and on the host.

In layer mode nothing outlives a build but the layers, which BuildKit keeps whole or not at all.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks.lab.images import RUST
from tests.conftest import MANIFEST, TASKS, invoke_in_background, write_files
from tests.engine.base_image import base_image
from tests.engine.scenarios import Step, edit, go_through, unchanged
from tests.engine.workspace import Compiled, Workspace, forget_layers, own_image, run_in_mount

pytestmark = pytest.mark.engine

# Cargo and rustc, that wait to be killed before, in or after a compilation of `app` where a file asks for it.
HOLD = """hold() {{
    rm {file}
    echo 'held here' >&2
    exec sleep 600
}}
asked=$(cat {file} 2> /dev/null)
"""
CARGO = f"""#!/bin/sh
{HOLD}[ "$1" = build ] || asked=
[ "$asked" != before ] || hold
[ "$asked" != after ] || {{{{ {{cargo}} "$@"; hold; }}}}
exec {{cargo}} "$@"
"""
RUSTC = f"""#!/bin/sh
{HOLD}case "$asked $*" in "in "*"--crate-name app "*) hold ;; esac
exec {{rustc}} "$@"
"""
IN_IMAGE = "/usr/local/cargo/bin/{}"
DOCKERFILE = f'FROM {RUST}\nCOPY bin /holding\nENV PATH="/holding:$PATH"\n'
MAIN = 'fn main() {{ println!("1 {{}} {{}}", {core}::NUMBER, itoa::Buffer::new().format(1)); }}\n'


def write_holding(folder: Path, file: Path, cargo: str, rustc: str) -> Path:
    """Make the folder one with such a cargo and rustc, which go on to others."""
    texts = {"cargo": CARGO.format(file=file, cargo=cargo), "rustc": RUSTC.format(file=file, rustc=rustc)}
    for name in write_files(folder, texts).iterdir():
        name.chmod(0o755)
    return folder


@contextmanager
def holding(mode: str, folder: Path) -> Iterator[dict[str, str]]:
    """Settings with which such a cargo and rustc are used."""
    if mode == "host":
        real = [str(shutil.which(name)) for name in ("cargo", "rustc")]
        yield {"PATH": f"{write_holding(folder / 'bin', folder / 'hold', *real)}:{os.environ['PATH']}"}
        return
    write_holding(folder / "bin", Path("/rustdocker/kept/hold"), *map(IN_IMAGE.format, ("cargo", "rustc")))
    with base_image(folder, DOCKERFILE, key="RUSTDOCKER_BUILD_IMAGE") as settings:
        yield settings


# One of its steps makes the engine forget all layers.
@pytest.fixture(params=[pytest.param("mount", marks=pytest.mark.alone), "host"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workspace]:
    prefix = f"t{uuid.uuid4().hex[:8]}-"
    core = f'{prefix}core = {{ path = "core" }}\n'
    files = {
        "Cargo.toml": MANIFEST.format(name=f"{prefix}app")
        + f'[[bin]]\nname = "app"\npath = "src/main.rs"\n[dependencies]\nitoa = "1"\n{core}[workspace]\n',
        "src/main.rs": MAIN.format(core=f"{prefix}core".replace("-", "_")),
        "core/Cargo.toml": MANIFEST.format(name=f"{prefix}core"),
        "core/src/lib.rs": "pub const NUMBER: u8 = 1;\n",
        "tasks.py": TASKS,
    }
    (tmp_path / "holding").mkdir()
    with holding(request.param, tmp_path / "holding") as environment:
        folder = write_files(tmp_path / prefix, files)
        made = Workspace(folder, request.param, prefix, environment={**environment, **own_image(prefix)})
        made.cargo("generate-lockfile")
        made.cargo("fetch")
        yield made


def change_kept(project: Workspace, script: str) -> None:
    """Run a script in the folder that holds cargo's target folder."""
    if project.mode == "host":
        subprocess.run(script, shell=True, cwd=project.folder, check=True)
    else:
        run_in_mount(project.folder, f"cd /rustdocker/kept && {script}")


def killed(moment: str, change: Callable[[Workspace], None]) -> Callable[[Workspace], None]:
    """A change whose first build is killed, before, in or after its compilation."""

    def kill_build(project: Workspace) -> None:
        change(project)
        if project.mode == "host":
            (project.folder.parent / "holding/hold").write_text(moment)
        else:
            change_kept(project, f"echo {moment} > hold")
        log = project.folder.parent / "log"
        process = invoke_in_background("build", "--bin=app", folder=project.folder, log=log, **project.settings)
        deadline = time.monotonic() + 60
        while "held here" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    return kill_build


def killed_and_back(project: Workspace) -> None:
    killed("after", edit(LIB_RS, "= 4", "= 5"))(project)
    project.change(LIB_RS, "= 5", "= 4")
    # BuildKit would answer from its cache.
    forget_layers()


def clock_set_back(project: Workspace) -> None:
    change_kept(project, "find target -exec touch --date=tomorrow {} +")
    project.change(LIB_RS, "= 4", "= 6")


def unreadable_list(project: Workspace) -> None:
    list_ = "sources-*.json" if project.mode == "host" else "sources"
    change_kept(project, f"for list in target/rustdocker/{list_}; do echo unreadable > $list; done")
    project.change(LIB_RS, "= 6", "= 7")


def layers_pruned(project: Workspace) -> None:
    forget_layers()
    project.change(LIB_RS, "= 7", "= 6")


LIB_RS = "core/src/lib.rs"
NOTHING = Compiled(0, ())
APP = Compiled(0, ("app",))
OWN = Compiled(0, ("app", "core"))
ALL = OWN._replace(others=1)
# fmt: off
STEPS = [
    #                                                                                      mount    layer host
    Step("cold", unchanged, "1 1 1",                                                       ALL,     None, ALL),
    Step("killed before cargo", killed("before", edit(LIB_RS, "= 1", "= 2")), "1 2 1",     OWN,     None, OWN),
    Step("killed in cargo", killed("in", edit(LIB_RS, "= 2", "= 3")), "1 3 1",             APP,     None, OWN),
    Step("killed after cargo", killed("after", edit(LIB_RS, "= 3", "= 4")), "1 4 1",       NOTHING, None, OWN),
    Step("killed, and back", killed_and_back, "1 4 1",                                     OWN,     None, OWN),
    Step("clock set back", clock_set_back, "1 6 1",                                        ALL,     None, OWN),
    Step("unreadable list", unreadable_list, "1 7 1",                                      ALL,     None, OWN),
    Step("layers pruned, revert", layers_pruned, "1 6 1",                                  OWN,     None, OWN),
]
# fmt: on


def test_what_is_compiled_after_a_fault(project: Workspace) -> None:
    go_through(project, STEPS)
