from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rustdocker_tasks.inputs.credentials import find_credentials, find_known_hosts
from rustdocker_tasks.plan.secrets import GitCredential, RegistryToken

CORP = RegistryToken("my-corp")
SERVER = GitCredential("https://git.acme.com")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "cargo"))
    monkeypatch.delenv(CORP.variable, raising=False)
    (tmp_path / "cargo").mkdir()
    return tmp_path


def test_a_token_is_the_variable_s_else_that_of_cargo_s_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_credentials([CORP]) == {}
    (home / "cargo/credentials.toml").write_text('[registries.my-corp]\ntoken = "of the file"\n')
    assert find_credentials([CORP]) == {"registry-my-corp": "of the file"}
    (home / "cargo/credentials").write_text('[registries.my-corp]\ntoken = "of the older"\n')
    assert find_credentials([CORP]) == {"registry-my-corp": "of the older"}
    monkeypatch.setenv(CORP.variable, "of the variable")
    assert find_credentials([CORP]) == {"registry-my-corp": "of the variable"}


def test_a_registry_that_a_variable_names_may_be_spelt_otherwise_in_cargo_s_file(home: Path) -> None:
    (home / "cargo/credentials.toml").write_text('[registries.My_Corp]\ntoken = "of the file"\n')

    assert find_credentials([CORP]) == {"registry-my-corp": "of the file"}


@pytest.mark.parametrize("text", ["no TOML", "[registries]\nmy-corp = 1\n", "[registries.other]\ntoken = 'x'\n"])
def test_a_file_that_says_nothing_of_it_is_no_error_of_ours(home: Path, text: str) -> None:
    (home / "cargo/credentials.toml").write_text(text)

    assert find_credentials([CORP]) == {}


@pytest.mark.cargo
def test_git_is_asked_and_asks_nobody(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_COUNT", "GIT_ASKPASS", "SSH_ASKPASS"):
        monkeypatch.delenv(name, raising=False)
    assert find_credentials([SERVER]) == {}
    (home / "store").write_text("https://me:s3cret@git.acme.com\n")
    words = ["git", "config", "--global", "credential.helper", f"store --file={home / 'store'}"]
    subprocess.run(words, check=True)

    assert find_credentials([SERVER, GitCredential("https://other.com")]) == {
        SERVER.id: "https://git.acme.com\nusername=me\npassword=s3cret\n"
    }


@pytest.mark.cargo
@pytest.mark.parametrize("prefix", ["https://git.acme.com/", "https://git.acme.com/shop/"])
def test_what_git_is_told_to_put_into_an_address_opens_it(monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    monkeypatch.delenv("GIT_CONFIG_COUNT", raising=False)
    rewritten = prefix.replace("://", "://x-access-token:s3%2Fcret@")
    words = ["git", "config", "--global", f"url.{rewritten}.insteadOf", prefix]
    subprocess.run(words, check=True)
    secret = GitCredential("https://git.acme.com", ("https://git.acme.com/open.git", f"{prefix}hidden.git"))

    # Of another server.
    subprocess.run(
        [*words[:3], "url.https://me:hidden@git.acme.com/o.insteadOf", "https://other.com/"], check=True
    )

    assert find_credentials([secret, GitCredential("https://other.com", ("https://other.com/a",))]) == {
        secret.id: "https://git.acme.com\nusername=x-access-token\npassword=s3/cret\n"
    }


@pytest.mark.cargo
def test_a_helper_may_be_for_some_of_a_server_s_repositories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GIT_CONFIG_COUNT", raising=False)
    helper = "!f() { echo username=me; echo password=s3cret; }; f"
    subprocess.run(
        ["git", "config", "--global", "credential.https://git.acme.com/team.helper", helper], check=True
    )
    addresses = ("https://git.acme.com/open/a.git", "https://git.acme.com/team/b.git")
    secret = GitCredential("https://git.acme.com", addresses)

    assert find_credentials([secret]) == {secret.id: "https://git.acme.com\nusername=me\npassword=s3cret\n"}


def test_known_hosts_are_those_of_the_user(home: Path) -> None:
    assert find_known_hosts() is None
    (home / ".ssh").mkdir()
    (home / ".ssh/known_hosts").write_text("x")

    assert find_known_hosts() == home / ".ssh/known_hosts"
