"""Which libraries come along, by what a loader lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from rustdocker_tasks.errors import LibraryNotFound
from rustdocker_tasks.host import program as module
from rustdocker_tasks.host.program import Program, find_libraries
from tests.conftest import write_files


def listed(folder: Path, monkeypatch: pytest.MonkeyPatch, listing: str) -> Program:
    monkeypatch.setattr(module, "read_output", lambda *_, **__: listing)
    interpreter = write_files(folder, {"ld-linux-x86-64.so.2": ""}) / "ld-linux-x86-64.so.2"
    return Program(
        path=folder / "app", architecture="amd64", architecture_variant=None, interpreter=interpreter, needed=()
    )


@pytest.mark.parametrize(
    ("file", "services"), [("libc-2.31.so", {"libnss_files.so.2", "libnss_dns.so.2"}), ("libc.so.6", set())]
)
def test_an_old_glibc_brings_what_it_resolves_names_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, services: set[str]
) -> None:
    write_files(tmp_path, {file: "", "libnss_files.so.2": "", "libnss_dns.so.2": ""})
    if file != "libc.so.6":
        (tmp_path / "libc.so.6").symlink_to(file)
    program = listed(tmp_path, monkeypatch, f"\tlibc.so.6 => {tmp_path}/libc.so.6 (0x01)\n")

    found = {library.destination.name for library in find_libraries(program)}

    assert found == {"libc.so.6", "ld-linux-x86-64.so.2", *services}


def test_a_library_that_is_brought_in_another_way_need_not_be_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, {"libc.so.6": ""})
    listing = f"\tlibc.so.6 => {tmp_path}/libc.so.6 (0x01)\n\tlibfoo.so => not found\n"
    program = listed(tmp_path, monkeypatch, listing)

    with pytest.raises(LibraryNotFound):
        find_libraries(program)

    found = find_libraries(program, brought=frozenset({"libfoo.so"}))
    assert {library.destination.name for library in found} == {"libc.so.6", "ld-linux-x86-64.so.2"}
