from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from rustdocker_tasks.errors import ForeignCertificates, UnreadableFile
from rustdocker_tasks.inputs import certificates
from rustdocker_tasks.inputs.certificates import extra_certificates, public_certificates, time_zones

CA = trustme.CA().cert_pem.bytes()


def write(folder: Path, content: bytes) -> Path:
    path = folder / "ca.pem"
    path.write_bytes(content)
    return path


def test_the_public_ones_are_many_and_in_pem() -> None:
    assert public_certificates().count(b"-----BEGIN CERTIFICATE-----") > 100


class Tampered:
    """A distribution whose bundle somebody appended to, as pip's record would show it."""

    def __init__(self, path: Path) -> None:
        recorded = type("Hash", (), {"value": "AAAA"})()
        name = type(
            "File", (), {"hash": recorded, "locate": lambda _: path, "__str__": lambda _: "certifi/cacert.pem"}
        )
        self.files = [name()]


def test_a_bundle_that_was_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, CA)
    monkeypatch.setattr(certificates, "distribution", lambda _: Tampered(path))

    with pytest.raises(ForeignCertificates) as caught:
        public_certificates()

    assert caught.value.found == f"{path}: it has been changed since it was installed"


def test_extra_certificates_come_without_what_else_is_in_the_file(tmp_path: Path) -> None:
    key = trustme.CA().private_key_pem.bytes()
    path = write(tmp_path, b"# our CA\n" + key + CA)

    shipped = extra_certificates((path,), set_by="x")

    assert shipped.split() == CA.split()


@pytest.mark.parametrize(
    "content",
    [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
    ids=["empty", "other text", "broken"],
)
def test_a_file_without_a_valid_certificate_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnreadableFile, match="it holds no valid certificate in PEM form"):
        extra_certificates((write(tmp_path, content),), set_by="x")


def test_time_zones_are_compiled_files_and_no_python() -> None:
    zones = time_zones()

    assert zones["Europe/Paris"].startswith(b"TZif")
    assert not [name for name in zones if name.endswith(".py")]
