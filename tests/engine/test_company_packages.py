"""Debian's packages from a company's own server, whose certificate only this machine trusts."""

from __future__ import annotations

import http.server
import ssl
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
import trustme

from tasks.lab.engine import BRIDGE_ADDRESS
from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.images import RUST
from tests.conftest import crate, invoke, write_files
from tests.engine.base_image import base_image
from tests.engine.test_private_sources import run as image_output
from tests.engine.test_private_sources import traces, unpacked

pytestmark = pytest.mark.engine

CONTROL = """Package: company-tool
Version: 1
Architecture: all
Maintainer: A Company <packages@company.test>
Description: what only the company has
"""
READS = 'fn main() { println!("{}", include_str!("/usr/share/company-tool/text")); }\n'


def write_repository(folder: Path) -> None:
    """Write a package, and the list that apt reads of it."""
    tree = write_files(
        folder / "tree", {"DEBIAN/control": CONTROL, "usr/share/company-tool/text": "of the company"}
    )
    tree.chmod(0o755)
    (tree / "DEBIAN").chmod(0o755)
    package = folder / "company-tool.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, package], check=True, capture_output=True)
    content = package.read_bytes()
    more = f"Filename: ./company-tool.deb\nSize: {len(content)}\nSHA256: {sha256(content).hexdigest()}\n"
    (folder / "Packages").write_text(CONTROL + more)


@contextmanager
def https_server(folder: Path, ca: trustme.CA) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(BRIDGE_ADDRESS).configure_cert(context)

    class Handler(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer((BRIDGE_ADDRESS, 0), partial(Handler, directory=str(folder))) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://{BRIDGE_ADDRESS}:{server.server_address[1]}/"
        server.shutdown()


@pytest.mark.parametrize("key", ["build", "runtime"])
def test_a_server_that_this_machine_trusts_gives_them(tmp_path: Path, key: str) -> None:
    ca = trustme.CA()
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(Path("/etc/ssl/certs/ca-certificates.crt").read_bytes() + ca.cert_pem.bytes())
    repository = tmp_path / "repository"
    write_repository(repository)
    main = READS if key == "build" else 'fn main() { println!("{}", std::fs::read_to_string(PATH).unwrap()); }\n'
    name = f"of-a-company-{uuid.uuid4().hex[:8]}"
    folder = write_files(
        tmp_path / "app", crate(name, **{"src/main.rs": main.replace("PATH", '"/usr/share/company-tool/text"')})
    )
    layers = tmp_path / "layers"
    (tmp_path / "base").mkdir()
    with https_server(repository, ca) as address:
        sources = f"rm -f /etc/apt/sources.list* && echo 'deb [trusted=yes] {address} ./' > /etc/apt/sources.list"
        dockerfile = f"FROM {RUST}\nRUN rm -rf /etc/apt/sources.list.d && {sources}\n"
        with base_image(tmp_path / "base", dockerfile, key="RUSTDOCKER_BUILD_IMAGE") as image:
            settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE, **image}
            settings[f"RUSTDOCKER_{key.upper()}_PACKAGES"] = '["company-tool"]'
            settings |= {"RUSTDOCKER_CACHE": "layer", "RUSTDOCKER_CACHE_TO": str(layers)} if key == "build" else {}
            without = invoke("build", folder=folder, RUSTDOCKER_CA_BUNDLE="false", **settings)
            done = invoke("build", folder=folder, SSL_CERT_FILE=str(bundle), **settings)

    seen = traces(done.result, folder, tmp_path / "image.tar", without, done)
    stored = [blob for path in layers.rglob("*") if path.is_file() for blob in unpacked(path.read_bytes())]
    assert bool(stored) == (key == "build")
    for line in ca.cert_pem.bytes().splitlines()[1:-1]:
        assert not [content for content in (*seen, *stored) if line in content]
    assert without.code == 66
    assert "Debian's packages were not got: company-tool" in without.stderr
    assert image_output(done.result) == b"of the company\n"
