"""A service in Python, beside those in Rust."""

from __future__ import annotations

import os
from http.server import BaseHTTPRequestHandler, HTTPServer


def greeting(name: str) -> str:
    """Return what a visitor of that name is told."""
    return f"Hello, {name or 'stranger'}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Greet who is named in the path."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(greeting(self.path.strip("/")).encode())


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Handler).serve_forever()
