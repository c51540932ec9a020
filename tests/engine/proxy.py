"""A company's proxy: it asks for a password, and alone knows where the company's own servers are."""

from __future__ import annotations

import base64
import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tasks.lab.engine import BRIDGE_ADDRESS

_USER = "employee"


@dataclass(frozen=True)
class Proxy:
    """Its address with the password in it, and the addresses that it was asked for."""

    address: str
    asked: list[str] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    """Hands on plain HTTP; a subclass says to whom, and who may ask."""

    protocol_version = "HTTP/1.1"
    timeout = 5
    asked: list[str]
    basic: str
    server_of: dict[str, str]  # the real address by host

    def do_GET(self) -> None:
        self._hand_on(None)

    def do_POST(self) -> None:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b"".join(self._chunks())
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        self._hand_on(body)

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()

    def _hand_on(self, body: bytes | None) -> None:
        if self.headers.get("Proxy-Authorization") != self.basic:
            self._answer(407, b"", [("Proxy-Authenticate", 'Basic realm="company"')])
            return
        self.asked.append(self.path)
        url = urlsplit(self.path)
        connection = http.client.HTTPConnection(self.server_of[url.netloc])
        kept = {
            name: value
            for name, value in self.headers.items()
            if not name.lower().startswith(("proxy-", "transfer-encoding", "content-length", "connection"))
        }
        path = f"{url.path}?{url.query}" if url.query else url.path
        connection.request(self.command, path, body=body, headers=kept)
        answer = connection.getresponse()
        content = answer.read()
        skipped = {"content-length", "transfer-encoding", "connection", "date", "server"}
        self._answer(answer.status, content, [(k, v) for k, v in answer.getheaders() if k.lower() not in skipped])
        connection.close()

    def _answer(self, status: int, content: bytes, headers: list[tuple[str, str]]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def company_proxy(password: str, server_of: dict[str, str]) -> Iterator[Proxy]:
    """Serve a proxy that opens to this password; `server_of` are the addresses of hosts that only it knows."""
    basic = "Basic " + base64.b64encode(f"{_USER}:{password}".encode()).decode()
    asked: list[str] = []
    known = {"asked": asked, "basic": basic, "server_of": server_of}
    server = ThreadingHTTPServer((BRIDGE_ADDRESS, 0), type("Handler", (_Handler,), known))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Proxy(f"http://{_USER}:{password}@{BRIDGE_ADDRESS}:{server.server_port}", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
