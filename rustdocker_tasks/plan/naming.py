"""What an image is called: the templates of `tag` and `repository`, filled. Pure."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from rustdocker_tasks.errors import BadValue
from rustdocker_tasks.image import ImageName, ImageReference, fill_template, template_fields
from rustdocker_tasks.plan.model import NoGitState
from rustdocker_tasks.settings.options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rustdocker_tasks.cargo.model import Package, Target
    from rustdocker_tasks.plan.model import GitState
    from rustdocker_tasks.settings.resolve import ResolvedSettings

LENGTH_OF_COMMIT = 12  # digits of a commit, as git itself has them in large repositories
_VERSION_LENGTH = 100  # of the 128 that a tag may have


def image_tags(
    package: Package,
    binary: Target,
    resolved: ResolvedSettings,
    *,
    variant: str,
    suffix: str,
    git: GitState | NoGitState,
) -> tuple[ImageReference, ...]:
    """Return the image's names, at least one; `suffix` ends the tag where `tag` is not set.

    Raises BadValue where a template asks for what there is not, or makes no name.
    """
    settings = resolved.settings
    values = {
        "name": settings.name or _repository_part(binary.name),
        "package": package.name,
        "version": package.version,
        "variant": variant,
        "profile": settings.profile,
        **_version_parts(package.version),
        **_git_values(git),
    }
    usual = values["name"]
    fill = partial(_filled, values=values, resolved=resolved, git=git)
    if settings.repository is not None:
        usual = fill("repository", settings.repository).repository
    if not settings.tag:
        return (ImageReference(f"{usual}:{_tag_part(package.version[:_VERSION_LENGTH])}{suffix}"),)
    names = [f"{usual}{tag}" if tag.startswith(":") else tag for tag in settings.tag]
    return tuple(fill("tag", name) for name in names)


def _version_parts(version: str) -> dict[str, str]:
    major, minor, *_ = version.split(".")
    return {"major": major, "minor": minor}


def _git_values(git: GitState | NoGitState) -> dict[str, str]:
    if isinstance(git, NoGitState):
        return {}
    sha = git.commit[:LENGTH_OF_COMMIT] + ("-dirty" if git.dirty else "")
    return {"git-sha": sha, **({"branch": git.branch} if git.branch else {})}


def _filled(
    key: str, template: str, *, values: Mapping[str, str], resolved: ResolvedSettings, git: GitState | NoGitState
) -> ImageReference:
    missing = next((field for field in template_fields(template) if field not in values), None)
    repository, colon, tag = template.rpartition(":")
    if "/" in tag or not colon:
        repository, colon, tag = template, "", ""
    try:
        if missing is not None:
            reason = git.reason if isinstance(git, NoGitState) else "no branch is checked out"
            message = f"there is no {{{missing}}}: {reason}"
            raise ValueError(message)  # noqa: TRY301 - one place turns both into BadValue
        filled = fill_template(repository, {name: _repository_part(value) for name, value in values.items()})
        return ImageReference(
            filled + colon + fill_template(tag, {name: _tag_part(value) for name, value in values.items()})
        )
    except ValueError as error:
        raise BadValue(
            key, value=template, where=resolved.origin(key).where, problem=str(error), example=OPTIONS[key].example
        ) from error


def _repository_part(text: str) -> str:
    """Return the text in the characters that an image's name may have: a binary may be called `My__App`."""
    try:
        return ImageName(text)
    except ValueError:
        return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "app"


def _tag_part(text: str) -> str:
    """Return the text in the characters that a tag may have: a version may hold a `+`, a branch a `/`."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", text.replace("+", "_"))
