"""Plans and results -> text and JSON. Pure: nothing is printed here."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rustdocker_tasks.host.assemble import AssembledImage
    from rustdocker_tasks.plan.model import ImagePlan
    from rustdocker_tasks.settings.resolve import ResolvedSettings

_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """What a build made. `image` names exactly it: an ID on the engine, or the path of an archive."""

    plan: ImagePlan
    assembled: AssembledImage
    image: str
    loaded: bool
    seconds: dict[str, float]  # by step: compile, assemble, load or write


def megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:.1f} MB"


def unpacked_size(assembled: AssembledImage) -> int:
    return sum(layer.unpacked_size for layer in assembled.layers)


def plan_line(plan: ImagePlan) -> str:
    backend = f"backend {plan.backend.value} ({plan.backend_reason})"
    return f"{plan.name} {plan.version}, variant {plan.variant.name}, {backend}"


def plan_text(plan: ImagePlan, resolved: ResolvedSettings) -> str:
    """Return the plan for reading: what would be built, and who set each value that is not the default."""
    rows = _plan_rows(plan, resolved)
    # A line break in a value must not look like a row of ours.
    return "\n".join(f"{name:<16}{value}".replace("\n", "\\n") for name, value in rows)


def _plan_rows(plan: ImagePlan, resolved: ResolvedSettings) -> list[tuple[str, str]]:
    rows = [
        ("image", ", ".join(plan.tags)),
        ("variant", f"{plan.variant.name}: {plan.variant.summary}"),
        ("backend", f"{plan.backend.value}: {plan.backend_reason}"),
        ("linkage", plan.linkage_reason),
        ("program", f"{plan.name} {plan.version} ({plan.compile.manifest})"),
        ("features", ", ".join(plan.compile.features) or "the default ones"),
        (
            "lock file",
            "as it is (--locked)" if plan.compile.locked else "missing: cargo will write Cargo.lock",
        ),
        ("user", plan.config.user),
        ("expose", ", ".join(plan.config.expose) or "nothing"),
        # Values may be secret; names are what one needs to see.
        ("env", ", ".join(plan.config.env) or "nothing of yours"),
        ("args", shlex.join(plan.config.args) or "none"),
        ("certificates", ", ".join(["certifi", *map(str, plan.ca_certificates)])),
    ]
    origins = [("set by", f"{key}: {origin.where}") for key, origin in sorted(resolved.origins.items())]
    return rows + origins


def plan_json(plan: ImagePlan, resolved: ResolvedSettings) -> str:
    return _json(
        {
            "tags": plan.tags,
            "variant": plan.variant.name,
            "backend": plan.backend.value,
            "linkage": plan.linkage_reason,
            "name": plan.name,
            "version": plan.version,
            "manifest": str(plan.compile.manifest),
            "features": plan.compile.features,
            "target_triple": plan.compile.target_triple,
            "locked": plan.compile.locked,
            "user": plan.config.user,
            "expose": plan.config.expose,
            "env": sorted(plan.config.env),
            "args": plan.config.args,
            "ca_certificates": [str(path) for path in plan.ca_certificates],
            "origins": {key: origin.where for key, origin in sorted(resolved.origins.items())},
        }
    )


def build_json(report: BuildReport) -> str:
    assembled = report.assembled
    return _json(
        {
            "image": report.image,
            "loaded": report.loaded,
            "tags": report.plan.tags,
            "variant": report.plan.variant.name,
            "backend": report.plan.backend.value,
            "config_digest": assembled.image.config_digest,
            "manifest_digest": assembled.image.manifest_digest,
            "bytes": {
                "stored": assembled.image.stored_size,
                "unpacked": unpacked_size(assembled),
                "program": assembled.program_size,
            },
            "libraries": assembled.libraries,
            "seconds": {step: round(seconds, 3) for step, seconds in report.seconds.items()},
        }
    )


def size_rows(images: Sequence[tuple[ImagePlan, AssembledImage]]) -> list[dict[str, object]]:
    """Return one row for each image, sizes in bytes."""
    return [
        {
            "variant": plan.variant.name,
            "stored": assembled.image.stored_size,
            "unpacked": unpacked_size(assembled),
            "program": assembled.program_size,
            "layers": len(assembled.layers),
        }
        for plan, assembled in images
    ]


def sizes_text(images: Sequence[tuple[ImagePlan, AssembledImage]]) -> str:
    """Return the table of `sizes`; the share is that of the largest image, as stored."""
    rows = size_rows(images)
    largest = max(assembled.image.stored_size for _, assembled in images)
    lines = [f"{'variant':<10}{'stored':>10}{'unpacked':>11}{'program':>10}{'layers':>8}{'share':>7}"]
    for row, (_, assembled) in zip(rows, images, strict=True):
        stored, unpacked, program = (
            megabytes(size)
            for size in (assembled.image.stored_size, unpacked_size(assembled), assembled.program_size)
        )
        share = f"{assembled.image.stored_size / largest:.0%}"
        lines.append(f"{row['variant']:<10}{stored:>10}{unpacked:>11}{program:>10}{row['layers']:>8}{share:>7}")
    return "\n".join(lines)


def sizes_json(images: Sequence[tuple[ImagePlan, AssembledImage]]) -> str:
    return _json(size_rows(images))


def _json(value: object) -> str:
    return json.dumps(value, indent=2)
