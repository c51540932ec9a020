"""A Dockerfile as objects: one class for each instruction that is used, plain values, no text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rustdocker_tasks.image_config import Healthcheck, Port, Signal, User


class Mount(Record, frozen=True, kw_only=True):
    """A `--mount` of RUN, as Dockerfile frontend 1.2 knows it. Its values hold no comma, quote or space."""

    type: str
    options: Mapping[str, str]


class From(Record, frozen=True, kw_only=True):
    image: str
    stage: str | None = None


class Run(Record, frozen=True, kw_only=True):
    """A command without a shell: its words reach the program as they are."""

    words: tuple[str, ...]
    mounts: tuple[Mount, ...] = ()


class Copy(Record, frozen=True, kw_only=True):
    stage: str
    source: str
    destination: str


class Env(Record, frozen=True):
    variables: Mapping[str, str]


class Label(Record, frozen=True):
    labels: Mapping[str, str]


class StopSignal(Record, frozen=True):
    signal: Signal


class HealthcheckCommand(Record, frozen=True):
    healthcheck: Healthcheck


class Volume(Record, frozen=True):
    folders: tuple[str, ...]


class Workdir(Record, frozen=True):
    folder: str


class Expose(Record, frozen=True):
    port: Port


class RunAs(Record, frozen=True):
    user: User


class Entrypoint(Record, frozen=True):
    words: tuple[str, ...]


class Cmd(Record, frozen=True):
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
