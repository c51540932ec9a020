"""Debian's packages, by names that are right from birth."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

# Source: Debian Policy 5.6.1 (names), 5.6.12 (versions); apt-get(8) for what may follow a name.
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+(?::[a-z0-9]+)?(?:=[A-Za-z0-9.+:~-]+|/[a-z][a-z-]*)?")


class DebianPackage(str):
    """The name of a package, such as `libssl-dev`, perhaps with `=version`; ValueError otherwise."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        # apt-get takes a last - or + for "remove" and "install".
        if not _PACKAGE.fullmatch(text) or (text.endswith(("-", "+")) and not text.endswith("++")):
            message = "a package of Debian has a name of lower-case letters, digits and + . - within"
            raise ValueError(message)
        return super().__new__(cls, text)
