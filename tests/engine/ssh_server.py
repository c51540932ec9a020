"""A git server over ssh that lets one key in."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import asyncssh

from tasks.lab.engine import BRIDGE_ADDRESS


@contextmanager
def ssh_server(folder: Path, authorized: Path) -> Iterator[tuple[int, str]]:
    """Serve the repositories below a folder to who has the key; hand over the port and the known host's line."""
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    ports: Queue[int] = Queue()
    ended = threading.Event()

    async def serve() -> None:
        server = await asyncssh.listen(
            BRIDGE_ADDRESS,
            0,
            server_host_keys=[host_key],
            authorized_client_keys=str(authorized),
            process_factory=handle,
            encoding=None,
        )
        async with server:
            ports.put(server.get_port())
            await asyncio.to_thread(ended.wait)

    async def handle(process: asyncssh.SSHServerProcess[bytes]) -> None:
        # `git-upload-pack '/path'`
        program, _, path = (process.command or "").partition(" ")
        git = await asyncio.create_subprocess_exec(
            "git",
            program.removeprefix("git-"),
            str(folder / path.strip("'").lstrip("/")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert git.stdin is not None
        assert git.stdout is not None
        asking = asyncio.create_task(copy(process.stdin, git.stdin))
        await copy(git.stdout, process.stdout)
        asking.cancel()
        process.exit(await git.wait())

    async def copy(source: Any, sink: Any) -> None:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        port = ports.get(timeout=10)
        yield port, f"[{BRIDGE_ADDRESS}]:{port} {host_key.export_public_key().decode().strip()}\n"
    finally:
        ended.set()
        thread.join(10)
