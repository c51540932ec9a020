"""What images hold, how much of what, and why: layers -> text and JSON. Pure."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.inputs.root_files import CERTIFICATES, PROGRAMS, USERS, ZONES
from rustdocker_tasks.plan.created import as_date
from rustdocker_tasks.plan.tools import who_asks_for
from rustdocker_tasks.printable import as_json, megabytes
from rustdocker_tasks.variants import Base

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rustdocker_tasks.engine.saved_image import SavedLayer
    from rustdocker_tasks.image_config import Asset
    from rustdocker_tasks.plan.model import ImagePlan

_BAR = 30  # characters of the largest
_OF_SIZES, _OF_INSPECT = 3, 12  # heaviest files that are named
_DOCUMENTATION = re.compile(r"usr/share/doc/([^/]+)/")
_RECORD = re.compile(r"var/lib/dpkg/status\.d/(.+?)(\.md5sums)?")


class ReadImage(Frozen, frozen=True, kw_only=True):
    """An image that was built, and its layers, the lowest first; sizes in bytes."""

    plan: ImagePlan
    image: str  # its ID, or "" for one that no engine has
    layers: tuple[SavedLayer, ...]

    @property
    def stored(self) -> int:
        """As a registry keeps it."""
        return sum(layer.stored for layer in self.layers)

    @property
    def unpacked(self) -> int:
        return sum(layer.unpacked for layer in self.layers)

    @property
    def files(self) -> Mapping[str, int]:
        """All files by path, as a container sees them; one that a layer removes is there all the same."""
        return {path: size for layer in self.layers for path, size in layer.files.items()}

    @property
    def twice(self) -> int:
        """What is stored and never seen, as a higher layer has the same path."""
        return self.unpacked - sum(self.files.values())

    @property
    def program(self) -> int:
        return self.files.get(_program(self.plan), 0)

    def heaviest(self, number: int, *, without_base: bool = False) -> list[tuple[str, int]]:
        """Return the largest files with their sizes."""
        files = self.files
        if without_base:
            own = _own_layers(self)
            files = {path: size for path, size in files.items() if _is_ours(self, path, own)}
        return Counter(files).most_common(number)


def _program(plan: ImagePlan) -> str:
    return str(PROGRAMS / plan.name).lstrip("/")


def layer_names(image: ReadImage) -> list[str]:
    """Return for each layer what it holds."""
    own, base = _own_layers(image), _base(image.plan)
    return [own.get(number, base) for number in range(len(image.layers))]


def _base(plan: ImagePlan) -> str:
    build = plan.container
    if build is None or plan.variant.base is Base.NONE:
        return "other files"
    return f"base image {build.build_image if plan.variant.base is Base.RUST else build.runtime_image}"


def _path(path: PurePosixPath) -> str:
    return str(path).lstrip("/")


def reason_for(image: ReadImage, path: str) -> str:
    """Return why a file is in the image."""
    return next(_reasons(image, path))


def _reasons(image: ReadImage, path: str) -> Iterator[str]:
    """What may be said of a file, the most telling first."""
    plan = image.plan
    if path in (programs := [_path(PROGRAMS / name) for name in plan.compile.binaries]):
        which = "the program" if path == programs[0] else "another program, of `extra-bins`"
        yield f"{which}, {plan.compile.profile} of {plan.compile.package} {plan.version}"
    yield from _reasons_by_assets(plan, [a for a in plan.assets if path == _path(PurePosixPath(a.destination))])
    if path == _path(CERTIFICATES):
        yield ", ".join(["certificates of certifi", *(each.name for each in plan.ca_certificates)])
    if _is_within(path, _path(ZONES)):
        yield "time zones of tzdata"
    if path in map(_path, USERS):
        yield "the users there are"
    if path == "etc/os-release":
        yield "the system that scanners take its packages to be of"
    if record := _RECORD.fullmatch(path):
        yield f"what scanners read of {record[1]}"
    if not _is_ours(image, path, _own_layers(image)):
        yield _base(plan)
    if documentation := _DOCUMENTATION.match(path):
        yield f"the licence of {documentation[1]}"
    owner = _owners(image).get(path)
    if owner:
        yield _reason_for_library(image, path, owner)
    # What lies in a folder that is an asset's may have come another way: of /usr all others know better.
    within = [each for each in plan.assets if _is_within(path, _path(PurePosixPath(each.destination)))]
    yield from _reasons_by_assets(plan, within)
    yield _reason_for_library(image, path, owner)


def _reasons_by_assets(plan: ImagePlan, assets: Sequence[Asset]) -> Iterator[str]:
    if assets:
        yield f"{' or '.join(each.source.name for each in assets)}, set as `assets` by {plan.assets_set_by}"


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _is_ours(image: ReadImage, path: str, own: Mapping[int, str]) -> bool:
    """Whether the highest layer that has the path is one of `own`, or there is no base."""
    highest = max(number for number, layer in enumerate(image.layers) if path in layer.files)
    return image.plan.variant.base is Base.NONE or highest in own


def _own_layers(image: ReadImage) -> dict[int, str]:
    """Return what our layers are called, by number: the highest that have what a base may have too.

    Certificates lie elsewhere where their folder is a link of the base's.
    """
    program, certificates, zones = _program(image.plan), _path(CERTIFICATES), _path(ZONES)
    libraries = "libraries, " if image.plan.container is None else ""
    files = f"{libraries}certificates, time zones, users, assets"
    own = {}
    for number, layer in enumerate(image.layers):
        is_of_files = certificates in layer.files or any(_is_within(path, zones) for path in layer.files)
        # The variant that keeps all gets no such files.
        if is_of_files and image.plan.variant.base is not Base.RUST:
            own[files] = number
        if program in layer.files:
            own["the program"] = number
    return {number: name for name, number in own.items()}


def _reason_for_library(image: ReadImage, path: str, owner: str | None) -> str:
    build = image.plan.container
    asked = who_asks_for(PurePosixPath(path).name, build.packages if build else ())
    keeps_all = image.plan.variant.base is Base.RUST
    unowned = (
        "left by the build, as this variant keeps all" if keeps_all else "a library of the machine that compiled"
    )
    what = f"of {owner}" if owner else unowned
    if PurePosixPath(path).name.startswith("ld-linux"):
        return f"the loader, {what}"
    return f"{what} (asked for by {asked})" if asked else what


def _owners(image: ReadImage) -> dict[str, str]:
    """Return which package of Debian a file is of, by the records in the image."""
    records = {name: text for layer in image.layers for name, text in layer.records.items()}
    owners = {}
    for name, text in records.items():
        match = _RECORD.fullmatch(name)
        if match and match[2]:
            version = _version(records.get(name.removesuffix(".md5sums"), ""))
            paths = (line.partition("  ")[2] for line in text.splitlines())
            owners.update(dict.fromkeys(paths, f"{match[1]} {version}".rstrip()))
    return owners


def _version(record: str) -> str:
    return next((line.partition(": ")[2] for line in record.splitlines() if line.startswith("Version: ")), "")


def sizes_text(images: Sequence[ReadImage]) -> str:
    """Return the table of `sizes`, whose bars and shares are of the largest, then layers and heaviest files."""
    largest = max(image.stored for image in images)
    lines = [f"{'variant':<10}{'stored':>10}{'unpacked':>11}{'program':>10}{'layers':>8}{'share':>7}"]
    for image in images:
        stored, unpacked, program = map(megabytes, (image.stored, image.unpacked, image.program))
        share = image.stored / largest
        # At least a sliver: nothing at all would look like no image.
        bar = "█" * max(1, round(share * _BAR))
        numbers = f"{stored:>10}{unpacked:>11}{program:>10}{len(image.layers):>8}{share:>7.0%}"
        lines.append(f"{image.plan.variant.name:<10}{numbers} {bar}")
    for image in images:
        lines += ["", image.plan.variant.name, *_layer_rows(image), *_file_rows(image, image.heaviest(_OF_SIZES))]
    return "\n".join(lines)


def _layer_rows(image: ReadImage) -> Iterator[str]:
    for name, layer in zip(layer_names(image), image.layers, strict=True):
        yield f"  {megabytes(layer.stored):>10}{megabytes(layer.unpacked):>11}  {name}"
    if image.twice:
        yield f"  {'':>10}{megabytes(image.twice):>11}  of that twice, in a higher layer again"


def _file_rows(image: ReadImage, files: Sequence[tuple[str, int]]) -> Iterator[str]:
    for path, size in files:
        yield f"  {'':>10}{megabytes(size):>11}  /{path}: {reason_for(image, path)}"


def sizes_json(images: Sequence[ReadImage]) -> str:
    return as_json([_size_row(image, image.heaviest(_OF_SIZES)) for image in images])


def _size_row(image: ReadImage, files: Sequence[tuple[str, int]]) -> dict[str, object]:
    return {
        "variant": image.plan.variant.name,
        "stored": image.stored,
        "unpacked": image.unpacked,
        "program": image.program,
        "twice": image.twice,
        "layers": [
            {"what": name, "stored": layer.stored, "unpacked": layer.unpacked}
            for name, layer in zip(layer_names(image), image.layers, strict=True)
        ],
        "heaviest": [{"path": f"/{path}", "bytes": size, "why": reason_for(image, path)} for path, size in files],
    }


def inspect_text(image: ReadImage) -> str:
    """Return what is in the image and why, for reading."""
    plan, config = image.plan, image.plan.config
    rows = [
        ("image", f"{', '.join(plan.tags)} {image.image}".rstrip()),
        ("variant", f"{plan.variant.name}: {plan.variant.summary}"),
        ("size", f"{megabytes(image.stored)} stored, {megabytes(image.unpacked)} unpacked"),
        ("program", f"/{_program(plan)} {' '.join(config.args)}".rstrip()),
        ("linkage", plan.linkage_reason),
        ("user", config.user),
        ("expose", ", ".join(config.expose) or "nothing"),
        ("env", ", ".join(config.env) or "nothing of yours"),
        ("created", as_date(plan.created)),
    ]
    lines = [f"{name:<16}{value}".replace("\n", "\\n") for name, value in rows]
    files = _file_rows(image, image.heaviest(_OF_INSPECT, without_base=True))
    return "\n".join([*lines, "", "layers", *_layer_rows(image), "", "heaviest files", *files])


def inspect_json(image: ReadImage) -> str:
    plan = image.plan
    return as_json(
        {
            "image": image.image or None,
            "tags": plan.tags,
            **_size_row(image, image.heaviest(_OF_INSPECT, without_base=True)),
            "user": plan.config.user,
            "expose": plan.config.expose,
            "labels": plan.config.labels,
        }
    )
