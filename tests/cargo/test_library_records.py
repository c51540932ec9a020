"""The records of packages in an image of the host backend, by the dpkg of the machine."""

from __future__ import annotations

import subprocess
from hashlib import md5
from pathlib import Path

import pytest

from rustdocker_tasks.host.debian_records import record_entries
from rustdocker_tasks.host.program import Library, find_libraries, read_program

pytestmark = pytest.mark.cargo


def test_each_library_has_its_package_s_record_digest_and_licence() -> None:
    libraries = find_libraries(read_program(Path("/bin/sh").resolve()))
    files = {str(entry.path): (entry.content or b"").decode() for entry in record_entries(libraries)}
    libc = next(library for library in libraries if library.source.name.startswith("libc.so"))
    version = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Version}", "libc6"], capture_output=True, text=True, check=True
    ).stdout

    assert f"\nVersion: {version}\n" in files["/var/lib/dpkg/status.d/libc6"]
    digest = md5(libc.source.read_bytes(), usedforsecurity=False).hexdigest()
    lines = files["/var/lib/dpkg/status.d/libc6.md5sums"].splitlines()
    assert f"{digest}  {str(libc.destination)[1:]}" in lines
    assert len(lines) == len(libraries)
    assert "/usr/share/doc/libc6/copyright" in files
    assert "ID=debian" in files["/etc/os-release"].splitlines()


def test_a_library_of_no_package_has_no_record(tmp_path: Path) -> None:
    own = tmp_path / "libown.so"
    own.write_bytes(b"own")

    assert list(record_entries([Library(source=own, destination=Path("/usr/lib/libown.so"))])) == []
