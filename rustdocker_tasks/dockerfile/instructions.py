"""A Dockerfile as objects: one class for each instruction that is used, plain values, no text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rustdocker_tasks.image_config import Healthcheck, Port, Signal, User


class Mount(Frozen, frozen=True, kw_only=True):
    """A `--mount` of RUN, as Dockerfile frontend 1.2 knows it. Its values hold no quote, backslash or dollar."""

    type: str
    options: Mapping[str, str]


class From(Frozen, frozen=True, kw_only=True):
    image: str
    stage: str | None = None


class Run(Frozen, frozen=True, kw_only=True):
    """A command without a shell: its words reach the program as they are."""

    words: tuple[str, ...]
    mounts: tuple[Mount, ...] = ()
    is_isolated: bool = False  # it has no network; Dockerfile frontend of Engine 23


class Copy(Frozen, frozen=True, kw_only=True):
    stage: str
    source: str
    destination: str


class Env(Frozen, frozen=True):
    variables: Mapping[str, str]


class Label(Frozen, frozen=True):
    labels: Mapping[str, str]


class StopSignal(Frozen, frozen=True):
    signal: Signal


class HealthcheckCommand(Frozen, frozen=True):
    healthcheck: Healthcheck


class Volume(Frozen, frozen=True):
    folders: tuple[str, ...]


class Workdir(Frozen, frozen=True):
    folder: str


class Expose(Frozen, frozen=True):
    port: Port


class RunAs(Frozen, frozen=True):
    user: User


class Entrypoint(Frozen, frozen=True):
    words: tuple[str, ...]


class Cmd(Frozen, frozen=True):
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
