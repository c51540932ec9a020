"""What opens registries, in the scripts that run cargo."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.conftest import REPOSITORY

pytestmark = pytest.mark.cargo

SCRIPT = REPOSITORY / "rustdocker_tasks/dockerfile/cargo.sh"


def test_what_runs_after_the_doors_are_closed_has_no_token() -> None:
    script = f"set -eu\n. {SCRIPT}\nclose_doors\nenv\n"
    secrets = {"CARGO_REGISTRIES_ACME_TOKEN": "s3cr3t", "SSH_AUTH_SOCK": "/s3cr3t"}
    done = subprocess.run(
        ["sh", "-c", script],
        env={"PATH": os.environ["PATH"], "KEPT": "yes", **secrets},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "KEPT=yes" in done.stdout
    assert "s3cr3t" not in done.stdout
