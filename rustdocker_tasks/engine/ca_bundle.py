"""Where this machine keeps the certificates that it trusts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLES = ("CARGO_HTTP_CAINFO", "SSL_CERT_FILE")
# Debian and Alpine; Fedora; openSUSE; macOS and the BSDs. Source: Go's crypto/x509, root_linux.go and root_bsd.go.
_PLACES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def find_ca_bundle(environment: Mapping[str, str]) -> Path | None:
    """Return the file with the machine's certificates in PEM, None where there is none."""
    named = [environment[name] for name in _VARIABLES if environment.get(name)]
    return next((Path(place) for place in (*named, *_PLACES) if Path(place).is_file()), None)
