from __future__ import annotations

import pytest

from rustdocker_tasks.host.debian_records import parse_owners


@pytest.mark.parametrize(
    ("line", "owners"),
    [
        ("libc6:amd64: /lib/x/libc.so.6", {"/lib/x/libc.so.6": "libc6:amd64"}),
        ("libstdc++6:amd64: /usr/lib/x y.so", {"/usr/lib/x y.so": "libstdc++6:amd64"}),
        ("tool: /usr/bin/tool", {"/usr/bin/tool": "tool"}),
        ("liba:amd64, libb:amd64: /usr/lib/x.so", {"/usr/lib/x.so": "liba:amd64"}),
        ("diversion by other from: /usr/lib/x.so", {}),
        ("diversion by other to: /usr/lib/x.so.old", {}),
        ("", {}),
    ],
)
def test_the_owner_of_a_file_is_read_as_dpkg_tells_it(line: str, owners: dict[str, str]) -> None:
    assert parse_owners(line) == owners
