"""What an engine can do, by the version of its API. Pure."""

from __future__ import annotations

_OF_20_10 = (1, 41)


def buildkit_problem(api_version: str) -> str | None:
    """Return why an engine cannot build our Dockerfiles, None if it can.

    RUN --mount came with Engine 20.10. Source: docker's documentation, "Docker Engine API", version matrix.
    """
    if _numbers(api_version) >= _OF_20_10:
        return None
    return f"the engine is older than 20.10 (API {api_version}), and its builds have no mounts"


def isolates_steps(api_version: str) -> bool:
    """Return whether a step of a build can do without network: Engine 20.10 refuses RUN --network."""
    return _numbers(api_version) > _OF_20_10


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
