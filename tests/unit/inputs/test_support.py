"""What two things of an image cannot both have: a path."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from rustdocker_tasks.image_config import ContainerPath, ImageConfig, User
from rustdocker_tasks.inputs.root_files import Entry, support_entries
from rustdocker_tasks.inputs.support import find_taken, in_volumes_owned

PROGRAM = PurePosixPath("/usr/local/bin/shop")


def entry(path: str, content: bytes = b"x") -> Entry:
    return Entry(path=PurePosixPath(path), mode=0o644, content=content)


def taken(*assets: Entry, **folders: object) -> tuple[str, str, bool] | None:
    own = list(support_entries(ImageConfig(**folders), certificates=b"", zones={"UTC": b""}))  # type: ignore[arg-type]
    found = find_taken(own, assets, programs=[PROGRAM])
    return (str(found[0]), *found[1:]) if found else None


@pytest.mark.parametrize(
    ("assets", "found"),
    [
        ([entry("/etc")], ("/etc", "a file and a folder", True)),
        ([entry("/srv/x"), entry("/srv/x/y")], ("/srv/x", "a file and a folder", True)),
        ([entry("/etc/passwd/x")], ("/etc/passwd", "a file and a folder", True)),
        ([entry("/tmp")], ("/tmp", "a file and a folder", True)),
        ([entry(str(PROGRAM))], (str(PROGRAM), "an asset and the program", True)),
        ([entry("/srv/x"), entry("/srv/x", b"other")], ("/srv/x", "two assets", True)),
        ([entry("/srv/x"), entry("/srv/x"), entry("/srv/y/z")], None),
        ([entry("/etc/passwd")], None),
    ],
)
def test_an_asset_takes_no_path_that_something_else_needs(
    assets: list[Entry], found: tuple[str, str, bool] | None
) -> None:
    assert taken(*assets) == found


def test_a_folder_of_the_program_s_is_no_file_of_ours() -> None:
    certificates = "/etc/ssl/certs/ca-certificates.crt"

    assert taken(volumes=(ContainerPath("/etc/passwd"),)) == ("/etc/passwd", "a file and a folder", False)
    assert taken(workdir=ContainerPath(certificates)) == (certificates, "a file and a folder", False)
    assert taken(entry("/data/seed"), volumes=(ContainerPath("/data"),)) is None


def test_what_lies_in_a_volume_is_the_user_s() -> None:
    config = ImageConfig(
        user=User("7:8"), volumes=(ContainerPath("/data"),), workdir=ContainerPath("/data/work/here")
    )
    own = [*support_entries(config, certificates=b"", zones={}), entry("/data/seed/db"), entry("/srv/x")]

    owners = {str(each.path): (each.uid, each.gid) for each in in_volumes_owned(own, config)}

    for path in ("/data", "/data/work", "/data/work/here", "/data/seed", "/data/seed/db"):
        assert owners[path] == (7, 8), path
    for path in ("/srv", "/srv/x", "/etc/passwd"):
        assert owners[path] == (0, 0), path
