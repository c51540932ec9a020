"""What a type checker says of a user's task file."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api

# It takes seconds, as what asks cargo does.
pytestmark = pytest.mark.cargo

HEAD = """from pathlib import Path

from invoke.context import Context
from invoke.tasks import task

from rustdocker_tasks import collection, workspace

ROOT = Path(__file__).parent
"""
RIGHT = """
shop = collection(
    ROOT / "shop",
    name="shop",
    expose=[8080, "53/udp"],
    env={"RUST_LOG": "info"},
    locked=False,
    user=1000,
    variant=None,
    assets=[{"source": "templates", "destination": "/srv/templates"}],
    ca_certificates=(ROOT / "ca.pem", "other.pem"),
    healthcheck={"command": ["/usr/local/bin/shop", "--check"]},
)
ns = workspace(ROOT, repository="ghcr.io/acme/{name}")
ns.add_collection(shop)


@task(pre=[shop["build"]])
def release(c: Context) -> None:
    shop["push"](c)
"""


def errors_of(folder: Path, text: str) -> list[str]:
    """Return what mypy finds, strictly."""
    (folder / "tasks.py").write_text(HEAD + text)
    told, failure, code = api.run(["--strict", f"--cache-dir={folder / 'cache'}", str(folder / "tasks.py")])
    assert code in {0, 1}, failure
    return [line.rpartition("error: ")[2] for line in told.splitlines() if "error: " in line]


def test_settings_are_known_with_their_types(tmp_path: Path) -> None:
    assert errors_of(tmp_path, RIGHT) == []

    wrong = ("expos=[8080]", 'locked="no"', "env=[1]")
    found = errors_of(tmp_path, "".join(f"collection(ROOT, {each})\n" for each in wrong))
    assert [error.partition(";")[0] for error in found] == [
        'Unexpected keyword argument "expos" for "collection"',
        'Argument "locked" to "collection" has incompatible type "str"',
        'Argument "env" to "collection" has incompatible type "list[int]"',
    ]
