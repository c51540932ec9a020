"""A Dockerfile as objects: one class for each instruction that is used, plain values, no text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rustdocker_tasks.image_config import Healthcheck, Port, Signal, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A `--mount` of RUN, as Dockerfile frontend 1.2 knows it. Its values hold no comma, quote or space."""

    type: str
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class From:
    image: str
    stage: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A command without a shell: its words reach the program as they are."""

    words: tuple[str, ...]
    mounts: tuple[Mount, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    stage: str
    source: str
    destination: str


@dataclass(frozen=True, slots=True)
class Env:
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Label:
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StopSignal:
    signal: Signal


@dataclass(frozen=True, slots=True)
class HealthcheckCommand:
    healthcheck: Healthcheck


@dataclass(frozen=True, slots=True)
class Volume:
    folders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Workdir:
    folder: str


@dataclass(frozen=True, slots=True)
class Expose:
    port: Port


@dataclass(frozen=True, slots=True)
class RunAs:
    user: User


@dataclass(frozen=True, slots=True)
class Entrypoint:
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cmd:
    words: tuple[str, ...]


Instruction = (
    From
    | Run
    | Copy
    | Env
    | Label
    | StopSignal
    | HealthcheckCommand
    | Volume
    | Workdir
    | Expose
    | RunAs
    | Entrypoint
    | Cmd
)
Dockerfile = tuple[Instruction, ...]
