"""What goes wrong, as a user sees it: the whole text, the exit code, and that nothing is left behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MANIFEST, Outcome, Write, crate, invoke
from tests.engine.conftest import partial_files

pytestmark = pytest.mark.engine

DEFECT = """from rustdocker_tasks import collection, pipeline

pipeline.configure = lambda *_, **__: 1 / 0
namespace = collection()
"""
EXPOSED = "[package.metadata.rustdocker]\nexpose = [{}]\n"


def test_no_cargo_toml(write: Write) -> None:
    folder = write({"tasks.py": crate()["tasks.py"]})

    outcome = invoke("build", folder=folder)

    assert outcome == Outcome(
        65,
        "",
        "there is no Cargo.toml here\n"
        f"  found: none in {folder} or a folder above it\n"
        "  set by: the folder that the task was started in, or the root of collection() or workspace()\n"
        "  hint: change to a Cargo project, make one with `cargo init`, or name another root\n",
    )


def test_broken_toml(write: Write) -> None:
    folder = write(crate(**{"Cargo.toml": "[package\n"}))

    outcome = invoke("build", folder=folder)

    path = folder / "Cargo.toml"
    assert outcome == Outcome(
        65,
        "",
        "Cargo.toml is not valid TOML: Expected ']' at the end of a table declaration\n"
        f"  found: {path}, line 1, column 9\n"
        f"  set by: {path}\n"
        "  hint: mend line 1; `cargo metadata --no-deps` shows the place as cargo sees it\n",
    )


def test_what_nobody_thought_of_is_no_traceback_unless_it_is_asked_for(write: Write) -> None:
    folder = write(crate(**{"tasks.py": DEFECT}))

    outcome = invoke("build", folder=folder)
    command = [sys.executable, "-m", "invoke", "--debug", "build"]
    debug = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    assert outcome == Outcome(
        70,
        "",
        "rustdocker-tasks met something that it does not know how to handle\n"
        "  found: ZeroDivisionError\n"
        "  set by: a defect of rustdocker-tasks, or something odd in the project or on this machine\n"
        "  hint: run again as `invoke --debug …` for the whole story, and report it\n",
    )
    assert "ZeroDivisionError" in debug.stderr
    assert "Traceback" in debug.stderr


def test_a_secret_in_the_engine_s_address_is_shown_nowhere(write: Write) -> None:
    for address in ("tcp://user:s3cr3t@127.0.0.1:1", "tcp://user:s3cr3t@[::1", "s3cr3t://x:s3cr3t@y"):
        outcome = invoke("run", folder=write(crate()), DOCKER_HOST=address)

        assert outcome.code == 68
        assert ":s3cr3t@" not in outcome.stderr


def test_no_binary(write: Write) -> None:
    folder = write({**crate(**{"src/lib.rs": ""})})
    (folder / "src/main.rs").unlink()

    outcome = invoke("build", folder=folder)

    assert outcome == Outcome(
        65,
        "",
        "this project has no binary to put into an image\n"
        f"  found: no src/main.rs, no file in src/bin, no [[bin]] in {folder / 'Cargo.toml'}\n"
        "  set by: Cargo's own rules for binaries\n"
        "  hint: add src/main.rs, or run the task in the package that has one\n",
    )


def several(write: Write) -> Path:
    folder = write(crate("shop", **{"src/bin/server.rs": "fn main() {}", "src/bin/worker.rs": "fn main() {}"}))
    (folder / "src/main.rs").unlink()
    return folder


def test_several_binaries_and_none_chosen(write: Write) -> None:
    folder = several(write)

    outcome = invoke("build", folder=folder)

    assert outcome == Outcome(
        65,
        "",
        "this project has several binaries and none is chosen\n"
        "  found: `server` (package shop), `worker` (package shop)\n"
        f"  set by: nobody: {folder / 'Cargo.toml'} has no default-run\n"
        '  hint: run again with --bin server, or set default-run = "server" in its [package]; '
        "`rustdocker init` writes a task file that builds all\n",
    )


def test_what_the_hint_says_works(write: Write) -> None:
    assert invoke("build", "--bin", "server", folder=several(write)).result.startswith("sha256:")


def test_no_such_binary(write: Write) -> None:
    outcome = invoke("build", "--bin", "wroker", folder=several(write))

    assert outcome == Outcome(
        65,
        "",
        "there is no binary named `wroker`\n"
        "  found: `server`, `worker`\n"
        "  set by: --bin\n"
        "  hint: run again with --bin worker\n",
    )


def test_bad_port_in_a_flag(write: Write) -> None:
    folder = write(crate())

    outcome = invoke("run", "--port", "8080:http", folder=folder)

    assert outcome == Outcome(
        64,
        "",
        "--port cannot take this value: it is not [address:][port:]container-port\n"
        "  found: 8080:http\n  set by: --port\n  hint: write it like 8080:80\n",
    )
    assert not (folder / "target").exists()


@pytest.mark.parametrize("value", ["abc", "0", "-1", "1.5"])
def test_bad_wait(write: Write, value: str) -> None:
    outcome = invoke("run", f"--wait={value}", folder=write(crate()))

    assert outcome == Outcome(
        64,
        "",
        "--wait cannot take this value: it is no number of seconds from 1 to 86400\n"
        f"  found: {value}\n  set by: --wait\n  hint: write it like --wait 60\n",
    )


def test_settings_of_invoke_s_that_are_no_table(write: Write) -> None:
    outcome = invoke("build", folder=write({**crate(), "invoke.yaml": "rustdocker: 3\n"}))

    assert outcome == Outcome(
        64,
        "",
        "`rustdocker` cannot take this value: it is no table of settings\n"
        "  found: 3\n  set by: Invoke's configuration\n  hint: write it like rustdocker: {expose: [8080]}\n",
    )


@pytest.mark.parametrize("root", ['"one"', "3"])
def test_a_root_that_depends_on_where_invoke_runs_is_refused(write: Write, root: str) -> None:
    tasks = f"from rustdocker_tasks import collection\nns = collection(root={root})\n"

    outcome = invoke("build", folder=write({**crate(), "tasks.py": tasks}))

    assert outcome == Outcome(
        64,
        "",
        "`root` cannot take this value: it is no absolute path\n"
        f"  found: {root.strip(chr(34))}\n  set by: collection(root=…)\n"
        '  hint: write it like Path(__file__).parent / "services/shop"\n',
    )


def test_a_context_of_docker_s_that_is_not_there(write: Write) -> None:
    outcome = invoke("run", folder=write(crate()), DOCKER_CONTEXT="nope")

    assert outcome == Outcome(
        68,
        "",
        "no container engine answers\n"
        "  found: nope: docker has no context of this name\n"
        "  set by: DOCKER_CONTEXT\n"
        "  hint: start it (`sudo systemctl start docker`), or point DOCKER_HOST at one that runs\n",
    )


def test_bad_port_in_cargo_toml(write: Write) -> None:
    files = crate()
    folder = write({**files, "Cargo.toml": files["Cargo.toml"] + EXPOSED.format(80_000)})

    outcome = invoke("build", folder=folder)

    assert outcome == Outcome(
        64,
        "",
        "`expose` cannot take this value: a port is a number from 1 to 65535 - at `expose[0]`\n"
        f"  found: [80000]\n  set by: {folder / 'Cargo.toml'}, line 6 [package.metadata.rustdocker]\n"
        "  hint: write it like [8080]\n",
    )


def test_bad_tag(write: Write) -> None:
    folder = write(crate())

    outcome = invoke("build", "--tag", "My App", folder=folder)

    assert outcome == Outcome(
        64,
        "",
        "`tag` cannot take this value: a tag is a lower-case image name with an optional :tag - at `tag[0]`\n"
        "  found: ['My App']\n  set by: --tag\n"
        '  hint: write it like ["shop:dev", ":{git-sha}"]\n',
    )
    assert not (folder / "target").exists()


def test_unknown_variant(write: Write) -> None:
    outcome = invoke("build", "--variant", "sattic", folder=write(crate()))

    assert outcome == Outcome(
        64,
        "",
        "`variant` cannot take this value: the variants are minimal and static\n"
        '  found: sattic\n  set by: --variant\n  hint: write it like "static"\n',
    )


def test_certificates_that_are_not_there_are_refused_before_anything_is_built(write: Write) -> None:
    folder = write(crate())

    outcome = invoke("build", folder=folder, RUSTDOCKER_CA_CERTIFICATES="gone.pem")

    assert outcome.code == 64
    assert outcome.stderr.endswith(
        "the file that `ca-certificates` names cannot be used: No such file or directory\n"
        f"  found: {folder / 'gone.pem'}\n"
        "  set by: the environment variable RUSTDOCKER_CA_CERTIFICATES\n"
        "  hint: name a file that holds what is asked for; "
        "a relative path starts at the folder of the file that sets it\n"
    )
    assert not (folder / "target").exists()


def test_no_cargo(write: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    empty = tmp_path_factory.mktemp("bin")
    folder = write(crate())

    outcome = invoke("build", folder=folder, PATH=str(empty))

    assert outcome.code == 66
    assert outcome.stderr.endswith(
        "cargo is not installed, or not on PATH\n"
        "  found: no program named `cargo` on PATH\n"
        "  set by: the host backend, which compiles with the local cargo\n"
        "  hint: install Rust with rustup (https://rustup.rs), then open a new shell\n"
    )
    assert not (folder / "target").exists()


def test_a_compile_error_is_shown_in_full_and_once(write: Write) -> None:
    folder = write(crate(**{"src/main.rs": "fn main() { missing(); }\n"}))

    outcome = invoke("build", folder=folder)

    assert outcome.code == 66
    assert outcome.stdout == ""
    assert outcome.stderr.count("error[E0425]: cannot find function `missing` in this scope") == 1
    assert " --> src/main.rs:1:13" in outcome.stderr
    assert outcome.stderr.endswith(
        "`cargo build` failed with exit code 101\n"
        "  found: its message stands above\n"
        "  set by: cargo\n"
        "  hint: mend what it names, then build again\n"
    )
    assert partial_files(folder) == []


def test_a_version_that_the_lock_file_does_not_know_says_what_to_type(write: Write) -> None:
    folder = write(crate())
    assert invoke("build", folder=folder).code == 0
    (folder / "Cargo.toml").write_text((folder / "Cargo.toml").read_text().replace("0.1.0", "0.2.0"))

    refused = invoke("build", folder=folder)
    subprocess.run(["cargo", "update", "--workspace", "--offline"], cwd=folder, check=True, capture_output=True)

    assert refused.code == 65
    assert refused.stderr.endswith(
        "Cargo.lock is not up to date, and is to be used as it is\n"
        f"  found: {folder / 'Cargo.lock'} does not have app 0.2.0\n"
        "  set by: locked: the default\n"
        "  hint: `cargo update --workspace` renews it; `locked = false` lets cargo do so in each build\n"
    )
    assert invoke("build", folder=folder).code == 0


def test_a_lock_file_that_is_out_of_date_is_not_renewed(write: Write) -> None:
    # What a requirement allows is seen by cargo alone.
    manifest = MANIFEST.format(name="app")
    folder = write(crate(**{"Cargo.toml": f'{manifest}[dependencies]\nitoa = "=1.0.14"\n'}))
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=folder, check=True)
    lock = (folder / "Cargo.lock").read_text()
    (folder / "Cargo.toml").write_text(f'{manifest}[dependencies]\nitoa = "=1.0.15"\n')

    outcome = invoke("build", folder=folder)

    assert outcome.code == 66
    hint = "where it says that Cargo.lock needs an update, `cargo update --workspace` makes it"
    assert outcome.stderr.endswith(f"  hint: mend what it names, then build again; {hint}\n")
    assert (folder / "Cargo.lock").read_text() == lock
