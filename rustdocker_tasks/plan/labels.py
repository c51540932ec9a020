"""What Cargo.toml says of a package, as the labels that registries and scanners read. Pure.

Source: OCI image-spec, annotations.md, "Pre-Defined Annotation Keys".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rustdocker_tasks.cargo.model import Package

_PREFIX = "org.opencontainers.image."


def cargo_labels(package: Package, title: str) -> dict[str, str]:
    """Return the labels of a package's image; what its Cargo.toml does not say has none.

    White space is one blank each: descriptions often run over several lines, and a Dockerfile has no line breaks.
    """
    about = package.about
    values = {
        "title": title,
        "version": package.version,
        "description": about.description,
        "licenses": about.license,
        "source": about.repository,
        "url": about.homepage,
        "documentation": about.documentation,
        "authors": ", ".join(about.authors),
    }
    return {f"{_PREFIX}{key}": " ".join(value.split()) for key, value in values.items() if value}
