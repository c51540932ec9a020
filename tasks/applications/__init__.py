"""Public applications, checked out beside the project: built as they are in every variant, and started."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from invoke.context import Context
from invoke.tasks import task

from tasks.lab.engine import HOST

TABLE = Path(__file__).parent / "RESULTS.md"
VARIANTS = ("slim", "minimal", "static")
_SECONDS = 5  # that a server has to show that it goes on
# From 126 on codes are those of engines and signals: the program itself did not begin, or was killed.
_LAST_OF_ITS_OWN = 125


@dataclass(frozen=True)
class Application:
    """How an application is asked to show that it starts. `settings` are what an error named."""

    task: str = "build"  # of several programs, that of the one
    arguments: Sequence[str] = ("--version",)
    settings: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)  # of the program
    says: str = ""  # is in what it writes


# By the names of their repositories.
APPLICATIONS = {
    "bore": Application(says="bore"),
    "mini-redis": Application(task="mini-redis-server.build", says="mini-redis"),
    "ripgrep": Application(says="ripgrep"),
    "rage": Application(says="rage"),
    "discord-mods-bot": Application(
        arguments=(),
        environment={
            **dict.fromkeys(("TAGS", "CRATES", "EVAL"), "false"),
            "DISCORD_TOKEN": "none",
            "MOD_ID": "1",
            "TALK_ID": "1",
            "RUST_LOG": "info",
            "DATABASE_URL": "postgres://nobody@127.0.0.1/none",
        },
        says="starting...",
    ),
    "sniffglue": Application(says="sniffglue"),
    "netavark": Application(task="netavark.build", says="netavark"),
    "wastebin": Application(task="wastebin.build", arguments=(), says="database migrated"),
}


@task(
    auto_shortflags=False,
    help={
        "folder": "Where the checkouts are, each in a folder called like its repository.",
        "only": "Names of applications, separated by commas; the table is then left alone.",
    },
)
def applications(_: Context, folder: str, only: str = "") -> None:
    """Build public applications in every variant, start them, and write the table of what happened."""
    names = [name for name in only.split(",") if name] or list(APPLICATIONS)
    rows = {name: _row(Path(folder).resolve() / name, APPLICATIONS[name]) for name in names}
    if not only:
        TABLE.write_text(_table(rows), encoding="utf-8")


def _row(folder: Path, application: Application) -> list[str]:
    row = [subprocess.check_output(["git", "log", "-1", "--format=%h"], cwd=folder, text=True).strip()]
    row.append(_init(folder))
    for variant in VARIANTS:
        row.append(_build_and_start(folder, application, variant))
        print(f"{folder.name:<20}{variant:<10}{row[-1]}", flush=True)
    return row


def _init(folder: Path) -> str:
    """Return what `rustdocker init` makes in a tree with a file that git does not know, and makes once."""
    (folder / "tasks.py").unlink(missing_ok=True)
    note = folder / "a note of the user's"
    note.write_text("kept\n", encoding="utf-8")
    states = [_state(folder)]
    for _ in range(2):
        words = [str(Path(sys.executable).with_name("rustdocker")), "init"]
        subprocess.run(words, cwd=folder, check=True, capture_output=True)
        states.append(_state(folder))
    note.unlink()
    before, once, twice = states
    made = sorted(once.keys() - before.keys())
    unchanged = {name: text for name, text in once.items() if name not in made} == before
    return f"makes {', '.join(made)}" if unchanged and once == twice else "FAILED: it changed other files"


def _state(folder: Path) -> dict[str, bytes]:
    """Return the content of each file that git does not have, or has otherwise, by path."""
    words = ["git", "ls-files", "-z", "--modified", "--others", "--exclude-standard"]
    names = subprocess.check_output(words, cwd=folder, text=True).split("\0")
    return {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}


def _build_and_start(folder: Path, application: Application, variant: str) -> str:
    """Return what happened: `starts`, or the first line of the error."""
    environment = {
        **os.environ,
        **application.settings,
        "RUSTDOCKER_BACKEND": "buildx",
        "RUSTDOCKER_CACHE": "mount",
        "RUSTDOCKER_VARIANT": variant,
        "DOCKER_HOST": HOST,
    }
    words = [sys.executable, "-m", "invoke", application.task]
    built = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if built.returncode:
        return _reason(built.stderr)
    image = built.stdout.strip()
    try:
        return _start(image, application)
    finally:
        _docker("image", "rm", "--force", image)


def _start(image: str, application: Application) -> str:
    """Start the image, and look at what it wrote when it ended, or after some seconds."""
    variables = [f"--env={name}={value}" for name, value in application.environment.items()]
    container = _docker("run", "--detach", *variables, image, *application.arguments).stdout.strip()
    try:
        deadline = time.monotonic() + _SECONDS
        state = "true"
        while state.startswith("true") and time.monotonic() < deadline:
            time.sleep(0.2)
            state = _docker("inspect", "--format={{.State.Running}} {{.State.ExitCode}}", container).stdout
        logs = _docker("logs", container)
    finally:
        _docker("rm", "--force", container)
    told, code = logs.stdout + logs.stderr, int(state.split()[1])
    if code <= _LAST_OF_ITS_OWN and application.says.lower() in told.lower():
        return "starts"
    return f"FAILED ({code}): {told.strip()[:200]!r}"


def _docker(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", "--host", HOST, *words], capture_output=True, text=True, check=False)


def _reason(text: str) -> str:
    """Return the first line of the error that stands at the end of what a task wrote, with what was found."""
    lines = text.splitlines()
    found = max((number for number, line in enumerate(lines) if line.startswith("  found: ")), default=None)
    if found is None:
        return f"FAILED: {text[-500:]}"
    return f"{lines[found - 1]} ({lines[found].removeprefix('  found: ')})"


def _table(rows: Mapping[str, Sequence[str]]) -> str:
    cargo = subprocess.check_output(["cargo", "--version"], text=True).split()[1]
    day = datetime.now(tz=timezone.utc).date()
    lines = [
        "# Public applications, built as they are and started",
        "",
        f"Written by `invoke applications DIR` on {day}, on Debian trixie with Rust {cargo}, or the Rust that the",
        "application pins. No file of theirs was changed: `rustdocker init` wrote a task file, which was called.",
        "The settings are those that an error named. `init` ran twice, in a tree with a file of the user's: the",
        "second time it made nothing, and no time anything else.",
        "",
        f"| application | commit | settings | task | init | {' | '.join(VARIANTS)} |",
        f"|---|---|---|---|---|{'---|' * len(VARIANTS)}",
    ]
    for name, (commit, *row) in rows.items():
        application = APPLICATIONS[name]
        settings = ", ".join(f"`{key}={value}`" for key, value in application.settings.items()) or "none"
        lines.append(f"| {name} | {commit} | {settings} | `invoke {application.task}` | {' | '.join(row)} |")
    return "\n".join(lines) + "\n"
