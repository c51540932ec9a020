"""A registry of crates and a git server that answer only those who know a secret."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tasks.lab.engine import BRIDGE_ADDRESS
from tests.conftest import MANIFEST, write_files

CRATE, VERSION, REPOSITORY = "hidden-crate", "1.0.0", "hidden-repository"
USER = "somebody"


@dataclass(frozen=True)
class PrivateServer:
    """Where it answers, and what opens it."""

    address: str
    token: str  # of the registry
    password: str  # of git
    breaking: threading.Event  # while it is set, downloads end in the middle


class _Handler(BaseHTTPRequestHandler):
    """Answers for one server; a subclass says for which."""

    protocol_version = "HTTP/1.1"
    timeout = 5
    folder: Path
    token: str
    basic: str
    crate: bytes
    breaking: threading.Event

    def do_GET(self) -> None:
        if self.path.startswith(f"/{REPOSITORY}"):
            self._git(b"")
        elif self.headers.get("Authorization") != self.token:
            self._answer(401, b"who are you?\n", challenge='Cargo login_url="http://x"')
        else:
            self._registry()

    def do_POST(self) -> None:
        self._git(
            b"".join(self._chunks()) if "chunked" in self.headers.get("Transfer-Encoding", "") else self._body()
        )

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()

    def _registry(self) -> None:
        root = f"http://{self.headers['Host']}"
        config = {"dl": f"{root}/dl", "api": root, "auth-required": True}
        digest = hashlib.sha256(self.crate).hexdigest()
        entry = {"name": CRATE, "vers": VERSION, "deps": [], "features": {}, "yanked": False, "cksum": digest}
        answers = {
            "/index/config.json": json.dumps(config).encode(),
            f"/index/hi/dd/{CRATE}": json.dumps(entry).encode(),
            f"/dl/{CRATE}/{VERSION}/download": self.crate,
        }
        if self.path.endswith("/download") and self.breaking.is_set():
            self._break_off(self.crate)
        else:
            self._answer(200 if self.path in answers else 404, answers.get(self.path, b""))

    def _break_off(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.close_connection = True

    def _git(self, body: bytes) -> None:
        if self.headers.get("Authorization") != self.basic:
            self._answer(401, b"who are you?\n", challenge='Basic realm="git"')
            return
        path, _, query = self.path.partition("?")
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=environment, capture_output=True, check=True
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        kind = next((line[14:] for line in head.split(b"\r\n") if line.startswith(b"Content-Type: ")), b"")
        self._answer(200, content, kind=kind.decode())

    def _answer(self, status: int, content: bytes, *, challenge: str = "", kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def private_server(folder: Path, *, token: str, password: str) -> Iterator[PrivateServer]:
    """Serve a crate and a repository, each with a library whose `text()` tells where it is from."""
    make_repository(folder)
    basic = "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()
    breaking = threading.Event()
    known = {"folder": folder, "token": token, "basic": basic, "crate": _packed(), "breaking": breaking}
    server = ThreadingHTTPServer((BRIDGE_ADDRESS, 0), type("Handler", (_Handler,), known))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        address = f"{BRIDGE_ADDRESS}:{server.server_port}"
        yield PrivateServer(address=address, token=token, password=password, breaking=breaking)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _packed() -> bytes:
    """The archive of the crate."""
    files = {
        "Cargo.toml": MANIFEST.format(name=CRATE).replace("0.1.0", VERSION),
        "src/lib.rs": 'pub fn text() -> &\'static str { "registry" }\n',
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"{CRATE}-{VERSION}/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return packed.getvalue()


def make_repository(folder: Path) -> None:
    """Make a bare repository with a library in it."""
    files = {
        "Cargo.toml": MANIFEST.format(name=REPOSITORY),
        "src/lib.rs": 'pub fn text() -> &\'static str { "git" }\n',
    }
    work = write_files(folder / "work", files)
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b.c")
    for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message=one")):
        subprocess.run([*git, *words], cwd=work, check=True)
    subprocess.run([*git, "clone", "--quiet", "--bare", work, folder / REPOSITORY], check=True)
