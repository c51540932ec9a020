"""What build scripts in containers learn of the repository, where its folder is sent."""

from __future__ import annotations

import json
import shlex
import subprocess
import uuid
from contextlib import closing
from pathlib import Path

import docker
import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tests.conftest import MANIFEST, TASKS, TASKS_OF_ALL, Outcome, clean_environment, invoke, write_files

pytestmark = pytest.mark.engine

SCRIPT = """use std::process::Command;
fn git(words: &str) -> String {
    let out = Command::new("git").args(words.split(' ')).output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().replace('\\n', ";")
}
fn main() {
    for (name, words) in [("DESCRIBED", "describe --tags --dirty"), ("BRANCH", "branch --show-current"),
                          ("CHANGED", "status --porcelain"), ("ORIGIN", "config remote.origin.url")] {
        println!("cargo:rustc-env={name}={}", git(words));
    }
    println!("cargo:rerun-if-changed=build.rs");
}
"""
MAIN = (
    'fn main() { println!("{}|{}|{}|{}", env!("DESCRIBED"), env!("BRANCH"), env!("CHANGED"), env!("ORIGIN")); }\n'
)
CA = "/etc/ssl/certs/ca-certificates.crt"  # of the machine
SECRET = "a-password-in-the-address"


def git(*words: str, folder: Path) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


class Repository:
    """A repository with a project in it, `services/api`, and files that a build is not sent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = folder / "services/api"
        name = f"git-{uuid.uuid4().hex[:8]}"
        files = {
            "Cargo.toml": MANIFEST.format(name=name),
            "build.rs": SCRIPT,
            "src/main.rs": MAIN,
            "tasks.py": TASKS,
            "notes/a": "kept out",
            ".dockerignore": "notes\n",
            ".gitignore": "target\n",
        }
        write_files(self.project, files)
        write_files(folder, {"README.md": "of the repository"})
        subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=self.project, check=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("remote", "add", "origin", f"https://me:{SECRET}@example.com/{name}.git")
        self.commit("one")
        self.git("tag", "v1")

    def git(self, *words: str) -> None:
        git(*words, folder=self.folder)

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={message}")

    def invoke(self, *words: str, **environment: str) -> Outcome:
        settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE, **environment}
        return invoke(*words, folder=self.project, **settings)

    def printed(self, **environment: str) -> list[str]:
        image = self.invoke("build", RUSTDOCKER_GIT_FOLDER="true", **environment).result
        with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as client:
            printed: bytes = client.containers.run(image, remove=True)
            return printed.decode().strip().split("|")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


@pytest.mark.parametrize("cache", ["mount", "layer"])
def test_commits_tags_branches_and_edits_are_seen(repository: Repository, cache: str) -> None:
    settings = {"RUSTDOCKER_CACHE": cache}

    clean = repository.printed(**settings)
    write_files(repository.project, {"src/main.rs": MAIN + "// edited\n", "src/new.rs": ""})
    edited = repository.printed(**settings)
    repository.commit("two")
    committed = repository.printed(**settings)
    repository.git("tag", "v2")
    tagged = repository.printed(**settings)
    repository.git("checkout", "--quiet", "-b", "other")
    other = repository.printed(**settings)

    # What was not sent, in the project and beside it, is no deletion; the origin's address has a password in it.
    assert clean == ["v1", "main", "", ""]
    assert edited == ["v1-dirty", "main", "M services/api/src/main.rs;?? services/api/src/new.rs", ""]
    assert committed[0].startswith("v1-1-g")
    assert "dirty" not in committed[0]
    assert (tagged[0], other[:2]) == ("v2", ["v2", "other"])


@pytest.mark.parametrize("name", [".git/HEAD", ".git/index"])
def test_a_script_that_names_the_repository_to_cargo_runs_again_after_a_commit(tmp_path: Path, name: str) -> None:
    prefix = f"git-{uuid.uuid4().hex[:8]}"
    script = f'fn main() {{ println!("cargo:rerun-if-changed=../{name}"); }}\n'
    members = ("one", "two")
    files = {f"{each}/Cargo.toml": MANIFEST.format(name=f"{prefix}-{each}") for each in members}
    files |= {f"{each}/src/main.rs": "fn main() {}\n" for each in members}
    files |= {"Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["one", "two"]\n', "one/build.rs": script}
    folder = write_files(tmp_path, {**files, "tasks.py": TASKS_OF_ALL, ".gitignore": "target\n"})
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=folder, check=True)
    for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message=one")):
        git(*words, folder=folder)

    def compiled() -> list[str]:
        done = invoke("build", folder=folder, RUSTDOCKER_GIT_FOLDER="true", **BUILDX)
        assert done.code == 0, done.stderr
        return sorted(name.rpartition("-")[2] for name in done.compiled)

    assert compiled() == ["one", "two"]
    write_files(folder, {"two/src/main.rs": 'fn main() { println!("edited"); }\n'})
    edited = compiled()
    git("commit", "--quiet", "--all", "--message=two", folder=folder)

    assert edited == ["two"]
    assert "one" in compiled()


def test_simple_does_not_hold_it(repository: Repository) -> None:
    image = repository.invoke("build", "--variant=simple", RUSTDOCKER_GIT_FOLDER="true").result

    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as client:
        assert client.containers.run(image, remove=True).startswith(b"v1|main|")
        found = client.containers.run(
            image, ["-c", "find /app -name .git -o -name repository"], entrypoint="sh", remove=True
        )
    assert found == b""


def test_a_written_dockerfile_has_it_too(repository: Repository) -> None:
    told = repository.invoke("dockerfile", RUSTDOCKER_GIT_FOLDER="true")
    command = shlex.split(told.stderr.strip().rpartition("its context is another folder: ")[2])
    repository.commit("with a Dockerfile")
    repository.git("tag", "v2")

    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as client:
        for _ in range(2):
            build = [*command, "--load", "--tag=ejected:git", f"--secret=id=ca-bundle,src={CA}"]
            environment = clean_environment(DOCKER_HOST=CURRENT_ENGINE)
            subprocess.run(build, env=environment, check=True, capture_output=True)
            assert client.containers.run("ejected:git", remove=True).startswith(b"v2|main||")


def test_unasked_it_is_not_sent_and_crates_that_look_for_it_are_named(repository: Repository) -> None:
    subprocess.run(["cargo", "add", "--quiet", "--build", "git-version@0.3"], cwd=repository.project, check=True)
    done = repository.invoke("build")

    assert "git-version will find no repository: `git-folder = true` sends its folder" in done.stderr
    assert done.code == 66  # the script of this project asks for git itself, which the image does not have


def test_where_none_can_be_sent_the_cause_is_told(repository: Repository, tmp_path: Path) -> None:
    repository.git("worktree", "add", str(tmp_path / "tree"))

    found = invoke("plan", folder=tmp_path / "tree/services/api", RUSTDOCKER_GIT_FOLDER="true", **BUILDX)
    elsewhere = write_files(
        tmp_path / "none", {"Cargo.toml": MANIFEST.format(name="a"), "src/main.rs": "", "tasks.py": TASKS}
    )
    none = invoke("plan", folder=elsewhere, RUSTDOCKER_GIT_FOLDER="true", **BUILDX)

    assert (found.code, none.code) == (64, 64)
    assert "the .git of this repository lies elsewhere, as that of a worktree or a submodule does" in found.stderr
    assert "not a git repository" in none.stderr


BUILDX = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE}


def test_what_this_shell_sets_for_cargo_is_told(repository: Repository) -> None:
    done = repository.invoke("build", RUSTFLAGS="-Cdebuginfo=1", RUSTDOCKER_GIT_FOLDER="true")

    assert done.code == 0
    assert (
        "the variable RUSTFLAGS does not count in containers: `build-env` is what cargo gets there" in done.stderr
    )
    assert json.loads(repository.invoke("plan", "--json").result)["build_env"] == []
