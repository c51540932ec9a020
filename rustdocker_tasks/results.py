"""What builds made -> text and JSON. Pure: nothing is printed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.printable import aligned, as_json, megabytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rustdocker_tasks.errors import RustDockerError
    from rustdocker_tasks.host.assemble import AssembledImage
    from rustdocker_tasks.plan.model import ImagePlan


class ImageContents(Frozen, frozen=True, kw_only=True):
    """What an image holds; sizes in bytes."""

    stored: int  # as a registry keeps it
    unpacked: int
    program: int
    layers: int
    libraries: tuple[str, ...]


class BuildReport(Frozen, frozen=True, kw_only=True):
    """What a build made. `image` names exactly it: an ID on the engine, or the path of an archive."""

    plan: ImagePlan
    contents: ImageContents | None  # None where another program put the image together
    digests: Mapping[str, str]  # of `config` and `manifest`, as far as they are known
    image: str
    loaded: bool
    seconds: dict[str, float]  # by step: compile, assemble, load or write
    size: int | None = None  # bytes, as the engine counts; None: nobody asked it


class FailedImage(Frozen, frozen=True, kw_only=True):
    """An image that was not made, and why."""

    plan: ImagePlan
    error: RustDockerError


def unpacked_size(assembled: AssembledImage) -> int:
    return sum(layer.unpacked_size for layer in assembled.layers)


def image_contents(assembled: AssembledImage) -> ImageContents:
    return ImageContents(
        stored=assembled.image.stored_size,
        unpacked=unpacked_size(assembled),
        program=assembled.program_size,
        layers=len(assembled.layers),
        libraries=assembled.libraries,
    )


def build_json(report: BuildReport) -> str:
    return as_json(_build_values(report))


def _build_values(report: BuildReport) -> dict[str, object]:
    contents = report.contents
    measured: dict[str, object] = {}
    if contents is not None:
        measured["bytes"] = {
            "stored": contents.stored,
            "unpacked": contents.unpacked,
            "program": contents.program,
        }
        measured["libraries"] = contents.libraries
    return {
        "image": report.image,
        "loaded": report.loaded,
        "tags": report.plan.tags,
        "variant": report.plan.variant.name,
        "backend": report.plan.backend.value,
        **{f"{name}_digest": value for name, value in report.digests.items()},
        **measured,
        **({"size": report.size} if report.size is not None else {}),
        "seconds": {step: round(seconds, 3) for step, seconds in report.seconds.items()},
    }


def images_text(made: Sequence[BuildReport | FailedImage]) -> str:
    """Return the table of several images: a row for each with its name, ID and size."""
    return aligned([(each.plan.tags[0], _made(each)) for each in made])


def _made(image: BuildReport | FailedImage) -> str:
    if isinstance(image, FailedImage):
        return "not made"
    size = image.contents.unpacked if image.contents is not None else image.size
    return f"{image.image}  {megabytes(size):>9}" if size is not None else image.image


def images_json(made: Sequence[BuildReport | FailedImage]) -> str:
    return as_json(
        [
            {"name": each.plan.name, "tags": each.plan.tags, "image": None, "error": each.error.what}
            if isinstance(each, FailedImage)
            else {"name": each.plan.name, **_build_values(each)}
            for each in made
        ]
    )
