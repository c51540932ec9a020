"""What an image holds beside program and libraries; gathered before anything is compiled."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from rustdocker_tasks.errors import ImageError, PathTaken, SettingsError
from rustdocker_tasks.inputs.archive import with_parents
from rustdocker_tasks.inputs.assets import asset_entries
from rustdocker_tasks.inputs.certificates import extra_certificates, public_certificates, time_zones
from rustdocker_tasks.inputs.root_files import PROGRAMS, support_entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rustdocker_tasks.image_config import ImageConfig
    from rustdocker_tasks.inputs.root_files import Entry
    from rustdocker_tasks.plan.model import ImagePlan


def gather_support_files(plan: ImagePlan) -> tuple[Entry, ...]:
    """Return certificates, time zones, users, folders and assets.

    Raises ForeignCertificates, UnreadableFile, and PathTaken where two things would stand at one path.
    """
    extra = extra_certificates(plan.ca_certificates, set_by=plan.ca_certificates_set_by)
    certificates = public_certificates() + extra
    own = list(support_entries(plan.config, certificates=certificates, zones=time_zones()))
    assets = list(asset_entries(plan.assets, set_by=plan.assets_set_by))
    taken = find_taken(own, assets, programs=[PROGRAMS / name for name in plan.compile.binaries])
    if taken is not None:
        path, by, is_of_assets = taken
        is_of_volumes = any(PurePosixPath(each).is_relative_to(path) for each in plan.config.volumes)
        of_folders = plan.volumes_set_by if is_of_volumes else plan.workdir_set_by
        raise PathTaken(path, by=by, set_by=plan.assets_set_by if is_of_assets else of_folders)
    return in_volumes_owned((*own, *assets), plan.config)


class Gathered(NamedTuple):
    """What the images of several plans hold besides, and of which it cannot be had."""

    supports: tuple[tuple[ImagePlan, tuple[Entry, ...]], ...]
    failed: tuple[tuple[ImagePlan, ImageError | SettingsError], ...]


def gather_each(plans: Iterable[ImagePlan]) -> Gathered:
    """Return what each image holds besides: a file that one lacks is no reason for the others to fail."""
    supports: list[tuple[ImagePlan, tuple[Entry, ...]]] = []
    failed: list[tuple[ImagePlan, ImageError | SettingsError]] = []
    for plan in plans:
        try:
            supports.append((plan, gather_support_files(plan)))
        except (ImageError, SettingsError) as error:
            failed.append((plan, error))
    return Gathered(tuple(supports), tuple(failed))


def in_volumes_owned(entries: Sequence[Entry], config: ImageConfig) -> tuple[Entry, ...]:
    """Return the entries, with all that lies in a volume owned by the user, as the volume itself is."""
    volumes = {PurePosixPath(each) for each in config.volumes}
    if not volumes:
        return tuple(entries)
    user = config.user

    def owned(entry: Entry) -> Entry:
        inside = not volumes.isdisjoint(entry.path.parents)
        return replace(entry, uid=user.uid, gid=user.gid) if inside else entry

    return tuple(map(owned, with_parents(entries)))


def find_taken(
    own: Sequence[Entry], assets: Sequence[Entry], *, programs: Sequence[PurePosixPath]
) -> tuple[PurePosixPath, str, bool] | None:
    """Return a path that two things would have, which two, and whether one is an asset; None if there is none.

    An asset may take the place of a file of ours, such as /etc/passwd.
    """
    contents: dict[PurePosixPath, bytes | None] = {}
    for asset in assets:
        if asset.path in programs:
            return asset.path, "an asset and the program", True
        if contents.setdefault(asset.path, asset.content) != asset.content:
            return asset.path, "two assets", True
    of_assets = {parent for path in contents for parent in (path, *path.parents)}
    files = {*contents, *programs, *(entry.path for entry in own if entry.content is not None)}
    # There are hundreds of time zones, in a dozen folders.
    nearest = {path.parent for path in files}
    folders = {folder for each in nearest for folder in (each, *each.parents)}
    folders |= {entry.path for entry in own if entry.content is None}
    path = min(files & folders, default=None)
    return None if path is None else (path, "a file and a folder", path in of_assets)
