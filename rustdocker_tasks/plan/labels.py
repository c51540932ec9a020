"""What Cargo.toml and git say of a package, as the labels that registries and scanners read. Pure.

Source: OCI image-spec, annotations.md, "Pre-Defined Annotation Keys".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.plan.model import GitState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rustdocker_tasks.cargo.model import Package
    from rustdocker_tasks.plan.model import NoGitState

_PREFIX = "org.opencontainers.image."


def image_labels(package: Package, title: str, git: GitState | NoGitState) -> dict[str, str]:
    """Return the labels of a package's image; what Cargo.toml and git do not say has none.

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
        "revision": git.revision if isinstance(git, GitState) else None,
    }
    return {f"{_PREFIX}{key}": " ".join(value.split()) for key, value in values.items() if value}


def without_commit(labels: Mapping[str, str], git: GitState | NoGitState) -> dict[str, str]:
    """Return the labels for what outlives the commit at hand, such as a Dockerfile: without that commit's name."""
    revision = git.revision if isinstance(git, GitState) else None
    return {name: value for name, value in labels.items() if (name, value) != (f"{_PREFIX}revision", revision)}
