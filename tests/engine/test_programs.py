"""All programs of a workspace in one go: what is compiled, what changes, and what is left when one fails."""

from __future__ import annotations

import json
import subprocess
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.registry import PASSWORD, TRUSTED
from tests.conftest import MANIFEST, TASKS_OF_ALL, Outcome, clean_environment, invoke, write_files
from tests.engine.conftest import ENGINE_NAMES, MACHINE_ENGINE, write_credentials
from tests.engine.workspace import forget_layers

pytestmark = pytest.mark.engine

MAIN = 'fn main() {{ println!("{name} {{}}", {core}::number()); }}\n'
BROKEN = "fn main() { this does not compile }\n"
# What is said once for all is not what this is about.
BACKENDS = [("buildx", MACHINE_ENGINE), ("buildx", CURRENT_ENGINE), ("host", CURRENT_ENGINE)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three programs with a library; its name is new: BuildKit knows equal steps of other projects."""
    prefix = f"t{uuid.uuid4().hex[:8]}"
    files = {
        "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["crates/*"]\n',
        "Cargo.lock": "version = 4\n",
        "tasks.py": TASKS_OF_ALL,
        "crates/core/Cargo.toml": MANIFEST.format(name=f"{prefix}-core"),
        "crates/core/src/lib.rs": "pub fn number() -> u32 { 1 }\n",
    }
    for name in ("api", "mail", "web"):
        needs = f'[dependencies]\n{prefix}-core = {{ path = "../core" }}\n'
        files[f"crates/{name}/Cargo.toml"] = MANIFEST.format(name=name) + needs
        files[f"crates/{name}/src/main.rs"] = MAIN.format(name=name, core=f"{prefix}_core")
    made = write_files(tmp_path / prefix, files)
    lock = "".join(f'[[package]]\nname = "{prefix}-core"\nversion = "0.1.0"\n')
    for name in ("api", "mail", "web"):
        lock += f'[[package]]\nname = "{name}"\nversion = "0.1.0"\ndependencies = ["{prefix}-core"]\n'
    (made / "Cargo.lock").write_text(f"version = 4\n{lock}")
    return made


def build(
    folder: Path, *words: str, backend: str = "buildx", host: str = CURRENT_ENGINE, **settings: str
) -> Outcome:
    return invoke("build", *words, folder=folder, RUSTDOCKER_BACKEND=backend, DOCKER_HOST=host, **settings)


def images(outcome: Outcome) -> dict[str, str]:
    """The IDs by name, as the table on stdout has them."""
    rows = [line.split() for line in outcome.stdout.splitlines()]
    return {row[0].partition(":")[0]: row[1] for row in rows if row[1].startswith("sha256:")}


def compiled(outcome: Outcome, folder: Path) -> list[str]:
    return sorted(name.removeprefix(f"{folder.name}-") for name in outcome.compiled)


def printed(image: str, host: str = CURRENT_ENGINE) -> str:
    with closing(docker.DockerClient(base_url=host)) as client:
        return str(client.containers.run(image, remove=True).decode().strip())


def edit(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / "crates" / name
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(("backend", "host"), BACKENDS, ids=[*ENGINE_NAMES, "host"])
def test_all_are_compiled_once_and_an_edit_changes_its_image_alone(folder: Path, backend: str, host: str) -> None:
    first = build(folder, backend=backend, host=host)
    assert first.code == 0, first.stderr
    assert compiled(first, folder) == ["api", "core", "mail", "web"]
    assert first.stderr.count("Finished `release` profile") == 1, "cargo is called once"
    assert {name: printed(image, host) for name, image in images(first).items()} == {
        "api": "api 1",
        "mail": "mail 1",
        "web": "web 1",
    }

    again = build(folder, backend=backend, host=host)
    assert compiled(again, folder) == []
    assert images(again) == images(first)

    edit(folder, "mail/src/main.rs", "mail ", "edited ")
    edited = build(folder, backend=backend, host=host)
    assert compiled(edited, folder) == ["mail"]
    assert {n for n, image in images(edited).items() if image != images(first)[n]} == {"mail"}
    assert printed(images(edited)["mail"], host) == "edited 1"

    edit(folder, "core/src/lib.rs", "{ 1 }", "{ 2 }")
    of_core = build(folder, backend=backend, host=host)
    assert compiled(of_core, folder) == ["api", "core", "mail", "web"]
    assert printed(images(of_core)["web"], host) == "web 2"


def test_one_that_there_can_be_no_image_of_is_no_reason_for_the_others_to_fail(folder: Path) -> None:
    with (folder / "crates/mail/Cargo.toml").open("a") as manifest:
        manifest.write('openssl-sys = "0.9"\n[package.metadata.rustdocker]\nvariant = "static"\n')
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=folder, check=True)
    # Its features tell whether it is Debian's library: they are in its manifest.
    subprocess.run(["cargo", "fetch", "--quiet"], cwd=folder, check=True)

    done = build(folder)
    planned = invoke("plan", folder=folder, RUSTDOCKER_BACKEND="buildx", DOCKER_HOST=CURRENT_ENGINE)
    ejected = invoke("dockerfile", folder=folder, RUSTDOCKER_BACKEND="buildx", DOCKER_HOST=CURRENT_ENGINE)

    assert done.code == 66
    assert {name: printed(image) for name, image in images(done).items()} == {"api": "api 1", "web": "web 1"}
    assert "not made" in done.stdout
    for each in (done, planned, ejected):
        assert "cannot be part of a static program of musl" in each.stderr
    assert (planned.code, ejected.code) == (0, 66)
    (row,) = [line for line in planned.stdout.splitlines() if line.startswith("mail:")]
    assert "cannot be part of a static program" in row
    assert "Compiling mail" not in done.stderr


@pytest.mark.parametrize("backend", ["buildx", "host"])
def test_one_whose_asset_is_not_there_is_no_reason_for_the_others_to_fail(folder: Path, backend: str) -> None:
    asset = '[{ source = "dist", destination = "/srv" }]'
    # Another profile, and so another call of cargo.
    with (folder / "crates/web/Cargo.toml").open("a") as manifest:
        manifest.write(f'[package.metadata.rustdocker]\nprofile = "dev"\nassets = {asset}\n')
    with (folder / "crates/mail/Cargo.toml").open("a") as manifest:
        manifest.write(f"[package.metadata.rustdocker]\nassets = {asset}\n")

    done = build(folder, backend=backend)

    assert done.code == 64
    assert {name: printed(image) for name, image in images(done).items()} == {"api": "api 1"}
    assert done.stdout.count("not made") == 2
    assert compiled(done, folder) == ["api", "core"]


def test_the_table_has_the_size_of_each(folder: Path) -> None:
    rows = [line.split() for line in build(folder).result.splitlines()]

    assert [row[0] for row in rows] == ["api:0.1.0", "mail:0.1.0", "web:0.1.0"]
    # Of them the base, Debian slim, takes most.
    assert all(60 < float(row[2]) < 200 and row[3] == "MB" for row in rows)


def test_an_image_is_the_same_whether_it_is_built_alone_or_with_others(folder: Path) -> None:
    together = images(build(folder))
    alone = invoke("web.build", folder=folder, RUSTDOCKER_BACKEND="buildx", DOCKER_HOST=CURRENT_ENGINE)

    assert alone.result == together["web"]
    assert compiled(alone, folder) == []


@pytest.mark.parametrize("cache", ["mount", "layer"])
def test_a_written_bake_file_builds_the_same_images_without_this_tool(folder: Path, cache: str) -> None:
    with (folder / "crates/web/Cargo.toml").open("a") as manifest:
        manifest.write('[package.metadata.rustdocker]\nvariant = "minimal"\n')
    built = images(build(folder, RUSTDOCKER_CACHE=cache))
    layers = {name: layers_of(image) for name, image in built.items()}
    settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE, "RUSTDOCKER_CACHE": cache}
    written = invoke("dockerfile", folder=folder, **settings)
    again = invoke("dockerfile", folder=folder, **settings)

    bake = ["docker", "buildx", "bake", "--load"]
    environment = clean_environment(DOCKER_HOST=CURRENT_ENGINE)
    subprocess.run(bake, cwd=folder, check=True, capture_output=True, env=environment)

    assert written.result == again.result == str(folder / "docker-bake.hcl")
    assert {name: layers_of(f"{name}:0.1.0") for name in built} == layers
    assert printed("api:0.1.0") == "api 1"


def layers_of(image: str) -> list[str]:
    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as client:
        return list(client.images.get(image).attrs["RootFS"]["Layers"])


def test_somebody_else_s_bake_file_is_left_alone(folder: Path) -> None:
    (folder / "docker-bake.hcl").write_text('target "mine" {}\n')

    refused = invoke("dockerfile", folder=folder, RUSTDOCKER_BACKEND="buildx", DOCKER_HOST=CURRENT_ENGINE)

    assert refused.code == 67
    assert (folder / "docker-bake.hcl").read_text() == 'target "mine" {}\n'
    assert not (folder / "docker").exists()


@pytest.mark.parametrize("backend", ["buildx", "host"])
def test_one_that_does_not_compile_is_no_reason_for_the_others_to_fail(folder: Path, backend: str) -> None:
    before = images(build(folder, backend=backend))
    edit(folder, "api/src/main.rs", "api ", "edited ")
    (folder / "crates/mail/src/main.rs").write_text(BROKEN)
    edit(folder, "web/src/main.rs", "web ", "edited ")
    failed = build(folder, backend=backend)

    assert failed.code == 66
    assert {name: printed(image) for name, image in images(failed).items()} == {
        "api": "edited 1",
        "web": "edited 1",
    }
    assert "mail:0.1.0  not made" in failed.stdout
    assert "1 of 3 images failed: mail" in failed.stderr
    assert "mail: `cargo" in failed.stderr

    (folder / "crates/mail/src/main.rs").write_text(MAIN.format(name="mail", core=f"{folder.name}_core"))
    mended = build(folder, backend=backend)
    assert mended.code == 0, mended.stderr
    assert compiled(mended, folder) == ["mail"]
    assert images(mended)["mail"] == before["mail"]


def test_all_are_checked_in_one_go_and_one_that_fails_is_told(folder: Path) -> None:
    (folder / "crates/mail/src/main.rs").write_text('fn main() { panic!("no mail") }\n')
    settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE}

    plans = json.loads(invoke("plan", "--json", folder=folder, **settings).result)
    checked = invoke("check", "--json", folder=folder, **settings)

    assert [plan["name"] for plan in plans] == ["api", "mail", "web"]
    assert checked.code == 67
    verdicts = {each["name"]: each for each in json.loads(checked.stdout)}
    assert {name: each.get("exit_code") for name, each in verdicts.items()} == {"api": 0, "mail": None, "web": 0}
    assert verdicts["mail"]["error"] == "mail:0.1.0 does not work where nothing is granted"
    assert "1 of 3 images failed: mail" in checked.stderr


def test_a_program_that_would_not_start_is_told_by_its_name(folder: Path) -> None:
    # Not there in Debian slim, and nowhere the loader looks.
    files = {
        "crates/mail/build.rs": """fn main() {
            let out = std::env::var("OUT_DIR").unwrap();
            std::fs::write(format!("{out}/x.c"), "int x(void) { return 1; }").unwrap();
            let made = std::process::Command::new("cc").args(["-shared", "-o"])
                .arg(format!("{out}/libx.so")).arg(format!("{out}/x.c")).status().unwrap();
            assert!(made.success());
            println!("cargo::rustc-link-search=native={out}");
            println!("cargo::rustc-link-lib=dylib=x");
        }""",
        "crates/mail/src/main.rs": """unsafe extern "C" { fn x() -> i32; }
        fn main() { unsafe { println!("{}", x()) } }""",
    }
    write_files(folder, files)
    failed = build(folder)

    assert failed.code == 67
    assert sorted(images(failed)) == ["api", "web"]
    assert "\nmail: the " in failed.stderr
    assert "libx.so" in failed.stderr


def test_what_is_said_for_one_program_is_true_of_its_image_alone(folder: Path) -> None:
    said = '[package.metadata.rustdocker]\nvariant = "minimal"\nuser = "1000:1000"\nexpose = [8080]\n'
    with (folder / "crates/mail/Cargo.toml").open("a") as manifest:
        manifest.write(said)
    with (folder / "crates/web/Cargo.toml").open("a") as manifest:
        manifest.write('[package.metadata.rustdocker]\nenv = { WHO = "web" }\n')
    made = build(folder, "--json")
    reports: list[dict[str, Any]] = json.loads(made.result)

    assert [(each["name"], each["variant"]) for each in reports] == [
        ("api", "slim"),
        ("mail", "minimal"),
        ("web", "slim"),
    ]
    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as client:
        configs = {each["name"]: client.images.get(each["image"]).attrs["Config"] for each in reports}
    assert [configs[name]["User"] for name in ("api", "mail", "web")] == [
        "65532:65532",
        "1000:1000",
        "65532:65532",
    ]
    assert [name for name, config in configs.items() if "WHO=web" in config["Env"]] == ["web"]
    assert [name for name, config in configs.items() if config.get("ExposedPorts")] == ["mail"]
    # Two calls of cargo, and the library is compiled by one of them.
    assert compiled(made, folder).count("core") == 1
    assert printed(reports[1]["image"]) == "mail 1"


@pytest.mark.alone
def test_a_fresh_machine_takes_the_dependencies_of_all_from_layers(folder: Path) -> None:
    with (folder / "crates/core/Cargo.toml").open("a") as manifest:
        manifest.write('[dependencies]\nfnv = "1"\n')
    (folder / "Cargo.lock").unlink()
    invoke_cargo = {"RUSTDOCKER_LOCKED": "false"}
    store = {"RUSTDOCKER_CACHE": "layer", "RUSTDOCKER_CACHE_TO": "./layers", "RUSTDOCKER_CACHE_FROM": "./layers"}
    first = build(folder, **store, **invoke_cargo)
    assert first.code == 0, first.stderr
    assert compiled(first, folder) == ["api", "core", "fnv", "mail", "web"]

    forget_layers()
    edit(folder, "mail/src/main.rs", "mail ", "edited ")
    fresh = build(folder, **store, **invoke_cargo)
    assert compiled(fresh, folder) == ["api", "core", "mail", "web"]
    assert printed(images(fresh)["mail"]) == "edited 1"


def test_all_are_pushed(folder: Path, tmp_path: Path) -> None:
    write_credentials(tmp_path, PASSWORD)
    pushed = invoke(
        "push",
        folder=folder,
        RUSTDOCKER_BACKEND="buildx",
        DOCKER_HOST=CURRENT_ENGINE,
        DOCKER_CONFIG=str(tmp_path),
        RUSTDOCKER_REPOSITORY=f"{TRUSTED.address}/{folder.name}/{{name}}",
    )

    names = [line.partition("@sha256:")[0] for line in pushed.result.splitlines()]
    assert names == [f"{TRUSTED.address}/{folder.name}/{name}" for name in ("api", "mail", "web")]
    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as client:
        for line in pushed.result.splitlines():
            assert client.images.get(line).id


def test_two_programs_for_one_image_are_refused_before_anything_is_built(folder: Path) -> None:
    refused = build(folder, RUSTDOCKER_TAG='["shop:1"]')

    assert refused.code == 64
    assert "two programs would become one image, shop:1" in refused.stderr
    assert "set by: the environment variable RUSTDOCKER_TAG" in refused.stderr
    assert not (folder / "target").exists()


def test_those_alone_are_built_that_a_revision_s_differ_from(folder: Path) -> None:
    def git(*words: str) -> None:
        own = ("-c", "user.name=x", "-c", "user.email=x@y.z")
        subprocess.run(["git", *own, *words], cwd=folder, check=True, capture_output=True)

    git("init", "--initial-branch=main")
    git("add", ".")
    git("commit", "--message=first")
    nothing = build(folder, "--changed-since=main")
    assert (nothing.code, nothing.stdout) == (0, "")
    assert "no program is touched" in nothing.stderr
    nowhere = {"DOCKER_HOST": "unix:///nowhere", "RUSTDOCKER_REPOSITORY": "localhost:1/{name}"}
    unpushed = invoke("push", "--changed-since=main", folder=folder, **nowhere)
    assert (unpushed.code, unpushed.stdout) == (0, "")

    git("switch", "--create", "topic")
    edit(folder, "mail/src/main.rs", "mail ", "edited ")
    git("commit", "--all", "--message=second")
    (folder / "crates/web/new.txt").write_text("not yet added")
    touched = build(folder, "--changed-since=main")
    assert sorted(images(touched)) == ["mail", "web"]
    assert compiled(touched, folder) == ["core", "mail", "web"]

    refused = build(folder, "--changed-since=nowhere")
    assert refused.code == 64
    assert "what differs from nowhere cannot be told\n  found: git says: " in refused.stderr


def test_a_workspace_that_cannot_be_read_is_told_and_no_traceback(folder: Path) -> None:
    (folder / "crates/web/Cargo.toml").write_text("[package\n")
    listed, built = invoke("--list", folder=folder), invoke("build", folder=folder)

    assert listed.code == 0
    assert built.code == 65
    assert "crates/web/Cargo.toml" in listed.stderr
    assert "crates/web/Cargo.toml" in built.stderr
