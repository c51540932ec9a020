"""A folder of layers, as buildx keeps it: an OCI layout."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_INDEX = "index.json"
_ASIDE = "index.json.damaged"


def set_damaged_index_aside(folder: Path) -> bool:
    """Rename the index of a folder if it is no JSON, and return whether it was.

    An export that was cut off leaves such a one, and BuildKit would end the next build with an error after all is
    compiled. Layers that no index names are put there again.
    """
    index = folder / _INDEX
    try:
        found = json.loads(index.read_bytes())
    except OSError:
        return False  # not there yet, or buildx will say why it cannot be read
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return False
    index.replace(folder / _ASIDE)
    return True
