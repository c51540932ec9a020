"""The names of images: reference, base image, registry, and templates of names.

A value here is right from birth, so nobody checks it twice. Nothing here knows Cargo or an engine.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

# Source: distribution/reference, regexp.go. Lengths: reference.go, NameTotalLengthMax, and the OCI
# distribution spec's tag grammar.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]+)?"
_NAME = rf"(?:{_HOST}/)?{_COMPONENT}(?:/{_COMPONENT})*"
_REFERENCE = re.compile(rf"(?P<name>{_NAME})(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}))?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME_LENGTH = 255
_DOCKER_HUB = "docker.io"
# A scope is whose layers they are: two exports of one scope take each other's place.
_GITHUB = re.compile("gha(?::(?P<scope>[A-Za-z0-9_.-]+))?")
_FIELD = re.compile(r"\{([^{}]*)\}")


class Registry(str):
    """Where images are pushed, such as `ghcr.io/acme`: what stands before their names. ValueError otherwise."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if not re.fullmatch(rf"{_HOST}(?:/{_COMPONENT})*", str(text)):
            message = "a registry is a host name, with an optional :port and lower-case /folders"
            raise ValueError(message)
        return super().__new__(cls, text)


class ImageName(str):
    """An image's name without registry and tag, such as `shop` or `acme/shop`; ValueError otherwise."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if not re.fullmatch(rf"{_COMPONENT}(?:/{_COMPONENT})*", str(text)):
            message = "an image's name is made of lower-case letters, digits and . _ - / between them"
            raise ValueError(message)
        return super().__new__(cls, text)


class ImageReference(str):
    """An image's name with its tag, such as `ghcr.io/acme/shop:1.2`.

    Without a tag it is `latest`, as docker has it. ValueError if the text is no reference.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        match = _REFERENCE.fullmatch(text)
        if match is None or len(match["name"]) > _NAME_LENGTH:
            message = "a tag is a lower-case image name with an optional :tag"
            raise ValueError(message)
        return super().__new__(cls, f"{match['name']}:{match['tag'] or 'latest'}")

    @property
    def tag(self) -> str:
        return self.rpartition(":")[2]

    @property
    def repository(self) -> str:
        return self.rpartition(":")[0]

    @property
    def registry(self) -> str | None:
        """The registry's host, `docker.io` for docker's own; None for a bare name, which nobody can push."""
        return self.full.partition("/")[0] if "/" in self else None

    @property
    def full(self) -> str:
        """The reference with the registry that docker leaves out: `docker.io/library/shop:1.2`."""
        return _with_registry(self)


class RepositoryTemplate(str):
    """Where an image is pushed, such as `ghcr.io/acme/{name}`; ValueError for anything else."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        filled = ImageReference(_filled_with_samples(str(text)))
        if filled.repository != _filled_with_samples(str(text)):
            message = "a repository is an image's name without a tag; tags are set by `tag`"
            raise ValueError(message)
        return super().__new__(cls, text)


class TagTemplate(str):
    """A name for an image, such as `shop:{version}`, or a tag alone for its usual name, `:{git-sha}`."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        filled = _filled_with_samples(str(text))
        ImageReference(f"usual{filled}" if filled.startswith(":") else filled)
        return super().__new__(cls, text)


# The fields of both templates.
TEMPLATE_FIELDS = (
    "name",
    "package",
    "version",
    "major",
    "minor",
    "variant",
    "profile",
    "git-sha",
    "branch",
)


def template_fields(text: str) -> list[str]:
    """Return the fields that stand in braces; raise ValueError for one that there is not, or a brace alone."""
    fields = _FIELD.findall(text)
    unknown = next((field for field in fields if field not in TEMPLATE_FIELDS), None)
    if unknown is not None:
        message = f"there is no field {{{unknown}}}; the fields are {', '.join(TEMPLATE_FIELDS)}"
        raise ValueError(message)
    if re.search("[{}]", _FIELD.sub("", text)):
        message = "a brace stands alone; a field is written {version}"
        raise ValueError(message)
    return fields


def fill_template(text: str, values: Mapping[str, str]) -> str:
    """Return the text with the values of its fields."""
    return _FIELD.sub(lambda match: values[match[1]], text)


def _filled_with_samples(text: str) -> str:
    return fill_template(text, dict.fromkeys(template_fields(text), "x"))


class BaseImage(str):
    """An image to build on, such as `debian:trixie-slim` or `debian@sha256:…`; ValueError for anything else."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if text == "scratch":
            message = "scratch holds nothing to build on: the variants minimal and static need no base image"
            raise ValueError(message)
        name, at, digest = str(text).partition("@")
        if at and not _DIGEST.fullmatch(digest):
            message = "a digest is sha256: and 64 hex digits"
            raise ValueError(message)
        match = _REFERENCE.fullmatch(name)
        if match is None or len(match["name"]) > _NAME_LENGTH:
            message = "a base image is a lower-case image name with an optional :tag or @digest"
            raise ValueError(message)
        return super().__new__(cls, text)

    @property
    def registry(self) -> str:
        """The host that it is pulled from, `docker.io` where none is named."""
        return _with_registry(self).partition("/")[0]

    def mirrored(self, registry: Registry | None) -> BaseImage:
        """Return the image's name on a mirror of docker's own registry; that of another registry stays."""
        if registry is None or self.registry != _DOCKER_HUB:
            return self
        return BaseImage(f"{registry}/{_with_registry(self).removeprefix(f'{_DOCKER_HUB}/')}")


def _with_registry(name: str) -> str:
    first, slash, _ = name.partition("/")
    if slash and (first == "localhost" or "." in first or ":" in first):
        return str(name)
    return f"{_DOCKER_HUB}/{name}" if slash else f"{_DOCKER_HUB}/library/{name}"


class CacheStore(str):
    """A place for layers: an image of a registry, a folder (`./cache`, `/cache`), GitHub's (`gha`, `gha:SCOPE`).

    ValueError if the text is none. A relative folder starts at `base`.
    """

    __slots__ = ()

    def __new__(cls, text: str, base: str = "") -> Self:
        if text.startswith(("./", "../", "/")):
            folder = posixpath.normpath(posixpath.join(base, text))
            if "," in folder or '"' in folder:
                message = "a folder for layers has no comma or quote in its name"
                raise ValueError(message)
            return super().__new__(cls, folder)
        return super().__new__(cls, text if _GITHUB.fullmatch(text) else ImageReference(text))

    @property
    def folder(self) -> Path | None:
        return Path(self) if self.startswith("/") else None

    @property
    def source(self) -> dict[str, str]:
        """What buildx takes layers from. Source: the Docker docs, "Cache storage backends"."""
        if self.startswith("/"):
            return {"type": "local", "src": str(self)}
        if match := _GITHUB.fullmatch(self):
            return {"type": "gha", **({"scope": match["scope"]} if match["scope"] else {})}
        return {"type": "registry", "ref": str(self)}

    @property
    def is_github(self) -> bool:
        return _GITHUB.fullmatch(self) is not None

    @property
    def target(self) -> dict[str, str]:
        """What buildx puts all layers into; a store that is out of order is no reason for a build to fail."""
        more = {"mode": "max", "ignore-error": "true"}
        if self.startswith("/"):
            return {"type": "local", "dest": str(self), **more}
        # Registries that take images only: ECR, Harbor.
        kind = {} if self.is_github else {"image-manifest": "true", "oci-mediatypes": "true"}
        return {**self.source, **kind, **more}
