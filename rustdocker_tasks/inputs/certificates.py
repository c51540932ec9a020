"""The certificates and time zones of an image: from PyPI's `certifi` and `tzdata`, never from this machine."""

from __future__ import annotations

import os
import re
import ssl
from base64 import urlsafe_b64encode
from functools import cache
from hashlib import sha256
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

from rustdocker_tasks.errors import ForeignCertificates, UnreadableFile

_BUNDLE = "certifi/cacert.pem"
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def public_certificates() -> bytes:
    """Return Mozilla's certificates in PEM, as certifi published them.

    Debian's own certifi package is a link to the machine's bundle, and people append a company's CA to the
    file: the hash that pip recorded at installation tells. Raises ForeignCertificates.
    """
    for file in distribution("certifi").files or ():
        if str(file) == _BUNDLE:
            path = Path(str(file.locate()))
            if file.hash is None:
                raise ForeignCertificates(str(path), "its published hash is not recorded")
            content = path.read_bytes()
            if urlsafe_b64encode(sha256(content).digest()).rstrip(b"=").decode() != file.hash.value:
                raise ForeignCertificates(str(path), "it has been changed since it was installed")
            return content
    raise ForeignCertificates("certifi", f"the package has no {_BUNDLE}")


def extra_certificates(paths: tuple[Path, ...], *, set_by: str) -> bytes:
    """Return the certificates in the user's PEM files, and nothing else that may stand there, such as a key."""
    found = []
    for path in paths:
        try:
            text = path.read_text(encoding="ascii", errors="replace")
        except OSError as error:
            problem = error.strerror or str(error)
            raise UnreadableFile("ca-certificates", path, where=set_by, problem=problem) from error
        certificates = _CERTIFICATE.findall(text)
        if not certificates or not all(_is_certificate(pem) for pem in certificates):
            raise UnreadableFile(
                "ca-certificates", path, where=set_by, problem="it holds no valid certificate in PEM form"
            )
        found += certificates
    return "".join(pem + "\n" for pem in found).encode()


def _is_certificate(pem: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except ssl.SSLError:
        return False
    return True


@cache
def time_zones() -> dict[str, bytes]:
    """Return the compiled zone files by name, such as `Europe/Paris`."""
    root = str(files("tzdata") / "zoneinfo")
    zones = {}
    # Six hundred small files: the package's own list of them takes as long to read as they do.
    for folder, _, names in os.walk(root):
        for name in names:
            if not name.endswith((".py", ".pyc")):
                path = os.path.join(folder, name)  # noqa: PTH118
                with open(path, "rb", buffering=0) as file:  # noqa: PTH123
                    zones[path.removeprefix(f"{root}/")] = file.read()
    return dict(sorted(zones.items()))
