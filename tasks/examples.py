"""The examples, built and run through the tasks that a user has."""

from __future__ import annotations

import sys
import urllib.request
from pathlib import Path

from invoke.context import Context
from invoke.tasks import task

from rustdocker_tasks import collection

ROOT = Path(__file__).parent.parent
HELLO = ROOT / "examples" / "hello"
WEB = ROOT / "examples" / "web"
_ADDRESS = "http://127.0.0.1:8080"


@task(auto_shortflags=False)
def demo(c: Context) -> None:
    """Build the example service, leave it running, and ask it for its greeting."""
    web = collection(root=WEB)
    web["run"](c, detach=True)
    with urllib.request.urlopen(_ADDRESS, timeout=10) as answer:
        greeting = answer.read().decode().strip()
    print(f"{_ADDRESS} answers: {greeting}")
    program = sys.argv[0]
    print(f"`{program} web.logs` shows its log, `{program} web.stop` stops it", file=sys.stderr)
