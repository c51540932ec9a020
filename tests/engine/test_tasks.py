"""The tasks as a user composes and calls them, with real cargo and the real engine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import docker
import pytest

from tasks.lab.engine import HOST
from tests.conftest import MANIFEST, REPOSITORY, Write, crate, invoke, write_files

pytestmark = pytest.mark.engine

ECHO = """
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    println!("{}", arguments.join("|"));
    for name in ["ONE", "TWO", "THREE", "FOUR"] {
        println!("{name}={}", std::env::var(name).unwrap_or("unset".into()));
    }
    println!("{}", std::fs::read_to_string("/data/file").unwrap_or("no file".into()));
}
"""
METADATA = '[package.metadata.rustdocker]\nargs = ["from", "metadata"]\nenv = { ONE = "metadata" }\n'


def echo() -> dict[str, str]:
    files = crate("echo", **{"src/main.rs": ECHO})
    return {**files, "Cargo.toml": files["Cargo.toml"] + METADATA}


def test_stdout_is_the_image_id_and_nothing_else(write: Write, engine: docker.DockerClient) -> None:
    outcome = invoke("build", folder=write(crate()))

    assert "app:0.1.0" in engine.images.get(outcome.result).tags
    assert outcome.stdout == outcome.result + "\n"


def test_json_names_the_image_its_sizes_and_its_seconds(write: Write) -> None:
    report = json.loads(invoke("build", "--json", "--tag", "a:1", "--tag", "b:2", folder=write(crate())).result)

    assert report["tags"] == ["a:1", "b:2"]
    assert report["image"] == report["config_digest"]
    assert report["bytes"]["program"] < report["bytes"]["unpacked"]
    assert set(report["seconds"]) == {"compile", "assemble", "load"}


def test_arguments_and_environment_of_cargo_toml_reach_the_program(write: Write) -> None:
    printed = invoke("run", folder=write(echo())).result.splitlines()

    assert printed == ["from|metadata", "ONE=metadata", "TWO=unset", "THREE=unset", "FOUR=unset", "no file"]


def test_the_flags_of_run_reach_the_program(write: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = write(echo())
    data = tmp_path_factory.mktemp("data")
    data.chmod(0o755)  # pytest's folders are its user's alone
    (data / "file").write_text("mounted")
    (data / "env").write_text("TWO=file\nTHREE=file\n")

    printed = invoke(
        *("run", "--args", "-a 'two words'"),
        *("--env", "ONE=flag", "--env", "THREE=flag", "--env", "FOUR"),
        *("--env-file", str(data / "env"), "--volume", f"{data}:/data:ro"),
        folder=folder,
        FOUR="shell",
    ).result.splitlines()

    assert printed == ["-a|two words", "ONE=flag", "TWO=file", "THREE=flag", "FOUR=shell", "mounted"]


def test_what_follows_two_dashes_reaches_the_program(write: Write) -> None:
    folder = write(echo())

    assert invoke("run", "--", "-x", "y", folder=folder).result.splitlines()[0] == "-x|y"
    assert invoke("run", "--args", "", folder=folder).result.splitlines()[0] == "ONE=metadata"


def test_run_leaves_no_container(write: Write, engine: docker.DockerClient) -> None:
    folder = write(crate())
    invoke("run", folder=folder)

    assert engine.containers.list(all=True, filters={"label": f"rustdocker.root={folder}"}) == []


def test_the_program_s_output_arrives_byte_for_byte(write: Write) -> None:
    program = """
        use std::io::Write;
        fn main() {
            let mut out = std::io::stdout().lock();
            for number in 0..300_000 { writeln!(out, "line {number}").unwrap(); }
            out.write_all(&[0xff, 0xfe, 0, 0x1b]).unwrap();
        }
    """
    folder = write(crate(**{"src/main.rs": program}))
    command = [sys.executable, "-m", "invoke", "run"]

    done = subprocess.run(command, cwd=folder, capture_output=True, check=True)

    assert done.stdout == b"".join(b"line %d\n" % n for n in range(300_000)) + b"\xff\xfe\0\x1b"


def test_one_port_can_be_published_at_two_addresses(write: Write, engine: docker.DockerClient) -> None:
    folder = write(crate(**{"src/main.rs": "fn main() { std::thread::sleep(std::time::Duration::MAX) }"}))
    flags = ("--port", "127.0.0.1::80/udp", "--port", "127.0.0.1::80/udp")
    try:
        container = engine.containers.get(invoke("run", "--detach", *flags, folder=folder).result)

        assert len(container.ports["80/udp"] or ()) == 2
    finally:
        container.remove(force=True)


def test_a_dry_stop_stops_nothing(write: Write, engine: docker.DockerClient) -> None:
    folder = write(crate(**{"src/main.rs": "fn main() { std::thread::sleep(std::time::Duration::MAX) }"}))
    container = engine.containers.get(invoke("run", "--detach", folder=folder).result)
    try:
        outcome = invoke("--dry", "stop", folder=folder)
        container.reload()

        assert f"would stop and remove {container.name}" in outcome.stderr
        assert container.status == "running"
    finally:
        container.remove(force=True)


def test_logs_show_what_the_program_wrote(write: Write) -> None:
    folder = write(crate(**{"src/main.rs": 'fn main() { println!("out"); eprintln!("err"); }\n'}))
    invoke("run", "--detach", folder=folder)

    logs = invoke("logs", "--follow", folder=folder)
    stopped = invoke("stop", folder=folder)

    assert (logs.code, logs.stdout, logs.stderr) == (0, "out\n", "err\n")
    assert "stopped and removed app-" in stopped.stderr
    assert "nothing to stop" in invoke("stop", folder=folder).stderr


def test_of_several_containers_the_newest_is_shown_and_told(write: Write) -> None:
    folder = write(crate(**{"src/main.rs": 'fn main() { println!("{}", std::env::var("WORD").unwrap()); }\n'}))
    for word in ("first", "second"):
        invoke("run", "--detach", "--env", f"WORD={word}", folder=folder)

    logs = invoke("logs", "--follow", folder=folder)
    invoke("stop", folder=folder)

    assert logs.stdout == "second\n"
    assert "is the newest of 2; `docker logs` shows the others: app-" in logs.stderr


def test_that_nobody_reaches_a_program_is_told_if_it_goes_on(write: Write) -> None:
    told = "no port of it is published: if it is a server, name its port"
    folder = write(crate(**{"src/main.rs": "fn main() { std::thread::sleep(std::time::Duration::from_secs(5)) }"}))
    long = invoke("run", folder=folder)
    detached = invoke("run", "--detach", folder=folder)
    with_a_port = invoke("run", "--detach", "--port", "127.0.0.1::80/udp", folder=folder)
    invoke("stop", folder=folder)
    write_files(folder, {"src/main.rs": "fn main() {}"})

    assert told in long.stderr
    assert told in detached.stderr
    assert told not in with_a_port.stderr
    assert told not in invoke("run", folder=folder).stderr


def test_plan_builds_nothing_and_says_who_set_what(write: Write) -> None:
    folder = write(echo())

    shown = invoke("plan", "--variant", "static", folder=folder).result
    data = json.loads(invoke("plan", "--json", folder=folder).result)

    assert "image           echo:0.1.0-static" in shown
    assert "set by          variant: --variant" in shown
    assert data["origins"]["args"] == f"{folder / 'Cargo.toml'}, line 6 [package.metadata.rustdocker]"
    assert data["dependencies"]["crates"] == []
    assert "there is no Cargo.lock" in data["dependencies"]["source"]
    assert not (folder / "target").exists()
    assert not (folder / "Cargo.lock").exists()


def test_plan_says_which_crates_go_into_the_program(write: Write) -> None:
    library = '[package]\nname = "{}"\nversion = "1.0.0"\n[features]\nfast = []\n'
    dependencies = '[dependencies]\na = { path = "a", features = ["fast"] }\nb = { path = "b", optional = true }\n'
    files = {f"{name}/Cargo.toml": library.format(name) for name in "ab"}
    files |= {"a/src/lib.rs": "", "b/src/lib.rs": "", "rust-toolchain.toml": "[toolchain]\ncomponents = []\n"}
    folder = write({**crate(**files), "Cargo.toml": MANIFEST.format(name="app") + dependencies})
    subprocess.run(["cargo", "generate-lockfile", "--offline", "--quiet"], cwd=folder, check=True)

    shown = invoke("plan", folder=folder).result
    data = json.loads(invoke("plan", "--json", "--features=b", folder=folder).result)["dependencies"]

    assert "dependencies    2 crates, by cargo metadata" in shown
    assert f"toolchain       components alone ({folder / 'rust-toolchain.toml'})" in shown
    assert [crate["name"] for crate in data["crates"]] == ["a", "app", "b"]
    assert data["crates"][0]["features"] == ["fast"]


def test_the_host_s_image_has_several_programs(write: Write, engine: docker.DockerClient) -> None:
    folder = write(crate(**{"src/bin/migrate.rs": 'fn main() { println!("migrated"); }'}))
    settings = {"RUSTDOCKER_BIN": "app", "RUSTDOCKER_EXTRA_BINS": "migrate"}

    image = invoke("build", folder=folder, **settings).result
    told = json.loads(invoke("inspect", "--json", folder=folder, **settings).result)

    assert engine.containers.run(image, remove=True) == b"first\n"
    assert engine.containers.run(image, entrypoint=["/usr/local/bin/migrate"], remove=True) == b"migrated\n"
    whys = {each["path"]: each["why"] for each in told["heaviest"]}
    assert whys["/usr/local/bin/migrate"] == "another program, of `extra-bins`, release of app 0.1.0"


@pytest.mark.parametrize(("backend", "command"), [("host", "cargo build "), ("buildx", "docker buildx build ")])
def test_echo_shows_the_command_that_builds(write: Write, backend: str, command: str) -> None:
    settings = {"RUSTDOCKER_BACKEND": backend, "DOCKER_HOST": HOST}
    done = invoke("--echo", "build", folder=write(crate()), **settings)

    assert done.code == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith(command)]
    assert done.result.startswith("sha256:")


def test_a_dry_run_shows_the_plan_and_builds_nothing(write: Write) -> None:
    folder = write(crate())

    for words in (("build",), ("static",), ("run",), ("sizes",)):
        outcome = invoke("--dry", *words, folder=folder)
        assert (outcome.code, outcome.stdout) == (0, "")
        assert "image           app:0.1.0" in outcome.stderr
    assert not (folder / "target").exists()


def test_sizes_lists_every_variant_and_loads_none(write: Write, engine: docker.DockerClient) -> None:
    folder = write(crate("sized"))

    table = invoke("sizes", folder=folder).result.splitlines()
    rows = json.loads(invoke("sizes", "--json", folder=folder).result)

    assert [line.split()[0] for line in table[:3]] == ["variant", "minimal", "static"]
    assert table[1].endswith("100% " + "█" * 30)
    assert any("/usr/local/bin/sized: the program" in line for line in table[3:])
    assert [row["variant"] for row in rows] == ["minimal", "static"]
    assert engine.images.list("sized") == []


def test_static_has_no_loader_and_no_library(write: Write) -> None:
    folder = write(crate())

    report = json.loads(invoke("static", "--json", folder=folder).result)
    printed = invoke("run", "--variant", "static", folder=folder).result

    assert report["libraries"] == []
    assert report["tags"] == ["app:0.1.0-static"]
    assert printed == "first"


def test_static_is_of_musl_where_that_is_installed(
    write: Write, musl_path: str, output_of: Callable[..., str]
) -> None:
    folder = write(crate())

    plan = json.loads(invoke("plan", "--variant=static", "--json", folder=folder, PATH=musl_path).result)
    report = json.loads(invoke("static", "--json", folder=folder, PATH=musl_path).result)

    assert plan["target_triple"] == "x86_64-unknown-linux-musl"
    assert (folder / "target/x86_64-unknown-linux-musl/release/app").is_file()
    assert report["libraries"] == []
    assert output_of(report["image"]) == "first"


def test_a_program_that_insists_on_a_shared_library_is_not_shipped_as_static(write: Write) -> None:
    # No loader and no library but one that it names all the same.
    flags = '[target.x86_64-unknown-linux-gnu]\nrustflags = ["-C", "target-feature=-crt-static"]\n'
    folder = write(crate(**{".cargo/config.toml": flags, "build.rs": FORCED}))

    outcome = invoke("static", folder=folder)

    assert outcome.code == 67
    assert "the program is not fully static\n  found: app: needs libz.so.1" in outcome.stderr


FORCED = 'fn main() { println!("cargo:rustc-link-arg=-Wl,--no-as-needed,-l:libz.so.1"); }\n'


def test_a_library_that_the_loader_does_not_find_ends_the_build(write: Write) -> None:
    script = """
        use std::process::Command;
        fn main() {
            let out = std::env::var("OUT_DIR").unwrap();
            let words = "-shared -o libown.so.7 -Wl,-soname,libown.so.7 -xc /dev/null";
            let code = Command::new("gcc").current_dir(&out).args(words.split(' ')).status().unwrap();
            assert!(code.success());
            println!("cargo:rustc-link-arg=-Wl,--no-as-needed,{out}/libown.so.7");
        }
    """
    outcome = invoke("build", folder=write(crate(**{"build.rs": script})))

    assert outcome.code == 67
    assert outcome.stderr.endswith(
        "the program needs a shared library that this machine lacks: libown.so.7\n"
        "  found: app names it, the loader does not find it\n"
        "  set by: a crate that links it\n"
        "  hint: find its package with `apt-file search libown.so.7` and install it\n"
    )


def test_a_library_without_a_name_of_its_own_is_in_the_image(write: Write) -> None:
    script = """
        use std::process::Command;
        fn gcc(words: &str) {
            let out = std::env::var("OUT_DIR").unwrap();
            assert!(Command::new("gcc").current_dir(out).args(words.split(' ')).status().unwrap().success());
        }
        fn main() {
            let out = std::env::var("OUT_DIR").unwrap();
            gcc("-shared -o inner.so -xc /dev/null");
            gcc(&format!("-shared -o outer.so -Wl,--no-as-needed {out}/inner.so -xc /dev/null"));
            println!("cargo:rustc-link-arg=-Wl,--no-as-needed,{out}/outer.so");
        }
    """
    folder = write(crate(**{"build.rs": script}))

    assert invoke("run", folder=folder).result == "first"
    libraries = json.loads(invoke("build", "--json", folder=folder).result)["libraries"]
    assert {"inner.so", "outer.so"} < set(libraries)


def test_tasks_work_from_a_folder_inside_the_project(write: Write) -> None:
    folder = write(crate())

    assert invoke("build", folder=folder / "src").result.startswith("sha256:")


COMPOSED = """
from pathlib import Path
from invoke import Collection
from rustdocker_tasks import collection

HERE = Path(__file__).parent
ns = Collection(
    collection(root=HERE / "one", name="one", args=["bound", "to", "one"]),
    collection(root=HERE / "two", name="two"),
)
ns.configure({"rustdocker": {"env": {"ONE": "from invoke"}}})
"""


def test_two_projects_in_one_task_file_keep_their_settings_apart(write: Write) -> None:
    files = {f"{name}/{path}": text for name in ("one", "two") for path, text in echo().items()}
    folder = write({**files, "tasks.py": COMPOSED})
    for name in ("one", "two"):
        (folder / name / "tasks.py").unlink()

    one = invoke("one.run", folder=folder).result.splitlines()
    two = invoke("two.run", folder=folder / "one" / "src").result.splitlines()

    assert one[:2] == ["bound|to|one", "ONE=from invoke"]
    assert two[:2] == ["from|metadata", "ONE=from invoke"]


def test_two_projects_of_one_task_file_are_both_built_by_one_call(write: Write) -> None:
    files = {f"{name}/{path}": text for name in ("one", "two") for path, text in echo().items()}
    folder = write({**files, "tasks.py": COMPOSED})

    plans = invoke("one.plan", "two.plan", "two.plan", folder=folder).result

    assert [line.split()[-1] for line in plans.splitlines() if line.startswith("program")] == [
        f"({folder / name / 'Cargo.toml'})" for name in ("one", "two")
    ]


def test_invoke_yaml_outranks_cargo_toml_and_the_environment_outranks_both(write: Write) -> None:
    folder = write({**echo(), "invoke.yaml": "rustdocker:\n  args: [from, yaml]\n  expose: [81]\n"})

    plain = json.loads(invoke("plan", "--json", folder=folder).result)
    outranked = json.loads(invoke("plan", "--json", folder=folder, RUSTDOCKER_ARGS="shell").result)

    assert (plain["args"], plain["expose"]) == (["from", "yaml"], ["81/tcp"])
    assert plain["origins"]["args"] == "Invoke's configuration (rustdocker.args)"
    assert outranked["args"] == ["shell"]


def test_a_value_in_collection_that_is_wrong_names_the_argument(write: Write) -> None:
    folder = write({**crate(), "tasks.py": "from rustdocker_tasks import collection\nns = collection(expos=1)\n"})

    outcome = invoke("build", folder=folder)

    assert outcome.code == 64
    assert outcome.stderr == (
        "there is no setting `expos`\n  found: expos\n  set by: collection(expos=…)\n"
        "  hint: did you mean `expose`?\n"
    )


def test_no_lock_file_is_said_and_built_all_the_same(write: Write) -> None:
    outcome = invoke("build", folder=write(crate()))

    assert outcome.code == 0
    assert "there is no Cargo.lock" in outcome.stderr


def test_the_hello_example_runs() -> None:
    assert invoke("run", folder=REPOSITORY / "examples/hello").result == "Hello from a container!"


def test_a_user_of_ones_own_runs_the_program(write: Write) -> None:
    folder = write(crate(**{"src/main.rs": WHO}))

    assert (
        invoke("run", folder=folder, RUSTDOCKER_USER="1234:4321").result == "Uid:\t1234 Gid:\t4321 /home/nonroot"
    )


WHO = r"""
fn main() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ids: Vec<String> = status.lines().filter(|l| l.starts_with("Uid") || l.starts_with("Gid"))
        .map(|l| l.split('\t').take(2).collect::<Vec<_>>().join("\t")).collect();
    println!("{} {}", ids.join(" "), std::env::var("HOME").unwrap());
}
"""


def test_help_and_list_are_complete(write: Write) -> None:
    folder = write(crate())

    listed = invoke("--list", folder=folder).result
    for task in ("build", "static", "run", "stop", "logs", "plan", "sizes"):
        assert f"  {task} " in listed
        assert invoke("--help", task, folder=folder).code == 0


def test_docker_can_run_what_build_prints(write: Write) -> None:
    folder = write(crate())
    command = f"docker run --rm $({sys.executable} -m invoke build)"

    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=True)

    assert done.stdout == "first\n"
