"""Collections of Invoke tasks: for one project, and for a workspace with many programs.

This module and those that it imports are all that `invoke --list` loads, but for what reads a workspace's files:
everything else is imported when a task runs.
"""

from __future__ import annotations

import logging
from contextlib import nullcontext
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, ClassVar

from invoke.collection import Collection
from invoke.exceptions import Exit
from invoke.parser.argument import Argument
from invoke.tasks import Task

from rustdocker_tasks import task_bodies as bodies
from rustdocker_tasks.bound import Bound
from rustdocker_tasks.task_flags import (
    BACKEND,
    BIN,
    CARGO_FLAGS,
    CHANGED_SINCE,
    CLEAR,
    FEATURES,
    FLAGS_OF_ALL,
    FMT_FLAGS,
    FOLLOW,
    JSON,
    MEMORY,
    NOX,
    PACKAGE,
    PORT,
    PROFILE,
    RUN_FLAGS,
    SCHEMA,
    SET,
    SETTING_FLAGS,
    SHELL_FLAGS,
    START_FLAGS,
    TARGET,
    UNCHECKED,
    VARIANT,
    WAIT,
    Flag,
    parameter,
)
from rustdocker_tasks.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from invoke.context import Context
    from typing_extensions import Unpack

    from rustdocker_tasks.bound import Body
    from rustdocker_tasks.cargo.binaries import BinaryRequest
    from rustdocker_tasks.settings.arguments import SettingArguments

_TASKS: Mapping[Body, tuple[Flag, ...]] = {
    bodies.build: (VARIANT, *SETTING_FLAGS, JSON),
    bodies.slim: (*SETTING_FLAGS, JSON),
    bodies.static: (*SETTING_FLAGS, JSON),
    bodies.run: (VARIANT, *SETTING_FLAGS, *RUN_FLAGS),
    bodies.watch: (VARIANT, *SETTING_FLAGS, PORT, *START_FLAGS),
    bodies.check: (VARIANT, *SETTING_FLAGS, *START_FLAGS, WAIT, MEMORY, JSON),
    bodies.push: (VARIANT, *SETTING_FLAGS, UNCHECKED),
    bodies.test: CARGO_FLAGS,
    bodies.clippy: CARGO_FLAGS,
    bodies.fmt: FMT_FLAGS,
    bodies.shell: SHELL_FLAGS,
    bodies.clean: (BACKEND,),
    bodies.stop: (BIN,),
    bodies.logs: (BIN, FOLLOW),
    bodies.plan: (VARIANT, *SETTING_FLAGS, JSON),
    bodies.config: (VARIANT, *SETTING_FLAGS, JSON, SCHEMA),
    bodies.dockerfile: (VARIANT, *SETTING_FLAGS),
    bodies.sizes: (BIN, PACKAGE, FEATURES, PROFILE, TARGET, BACKEND, JSON),
    bodies.inspect: (VARIANT, *SETTING_FLAGS, JSON),
    bodies.doctor: (BACKEND, JSON),
    bodies.explain: (VARIANT, *SETTING_FLAGS, JSON),
    bodies.cache: (VARIANT, *SETTING_FLAGS, CLEAR, JSON),
}

# What chooses one program is decided for a program's own collection, and none of a whole workspace's.
_FOR_ONE = ("package", "bin")
# What is no matter of one program.
_OF_THE_WHOLE = (bodies.fmt, bodies.shell, bodies.clean, bodies.doctor)
_TASKS_OF_ALL: Mapping[Body, tuple[Flag, ...]] = {
    bodies.build_all: (*FLAGS_OF_ALL, CHANGED_SINCE, JSON),
    bodies.push_all: (*FLAGS_OF_ALL, CHANGED_SINCE, UNCHECKED),
    bodies.check_all: (*FLAGS_OF_ALL, CHANGED_SINCE, *START_FLAGS, WAIT, MEMORY, JSON),
    bodies.plan_all: (*FLAGS_OF_ALL, CHANGED_SINCE, JSON),
    bodies.dockerfile_all: FLAGS_OF_ALL,
    bodies.stop: (),
    **{body: _TASKS[body] for body in (bodies.test, bodies.clippy, *_OF_THE_WHOLE)},
}
# What ends in a solve of BuildKit's, unless the host's cargo compiles.
_BUILDING = {
    *(bodies.build, bodies.slim, bodies.static, bodies.run, bodies.watch, bodies.check, bodies.push),
    *(bodies.build_all, bodies.check_all, bodies.push_all, bodies.sizes, bodies.inspect),
    *(bodies.test, bodies.clippy, bodies.fmt, bodies.shell),
}
TASKS_OF_ONE = {
    body: tuple(flag for flag in flags if flag.name not in _FOR_ONE)
    for body, flags in _TASKS.items()
    if body not in _OF_THE_WHOLE
}

_INIT: Mapping[Body, tuple[Flag, ...]] = {bodies.init: (NOX, VARIANT, *SETTING_FLAGS, SET)}


# A task of each kind, by what it does and its flags, to make others like it.
_Kind = tuple["Body", tuple[str, ...]]
_MADE: dict[_Kind, _BoundTask] = {}


class _Argument(Argument):
    """A flag whose copy shares what nobody changes: Invoke copies those of all tasks to read a command line."""

    @classmethod
    def of(cls, argument: Argument) -> _Argument:
        made = cls.__new__(cls)
        made.__dict__.update(argument.__dict__)
        return made

    def __deepcopy__(self, _: object) -> _Argument:
        made = self.of(self)
        made._value = list(self._value) if isinstance(self._value, list) else self._value  # noqa: SLF001 - our own
        return made


class _BoundTask(Task[Any]):
    """A task that is equal to itself alone: Invoke takes two of one name and code for the same, and runs one.

    A copy of it is itself, and tasks of one kind share their arguments: Invoke copies a whole task file, which
    takes seconds with hundreds of tasks. It parses into copies, so that no value is shared.
    """

    _arguments: ClassVar[dict[_Kind, list[Argument]]] = {}
    kind: _Kind
    described: Mapping[str, str]  # what its flags are for, before a user says more

    def __deepcopy__(self, _: object) -> _BoundTask:
        return self

    def of(self, body: Callable[..., object]) -> _BoundTask:
        """Return the same with another body: Invoke looks long into a function to make a task of it."""
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        body.__signature__ = self.body.__signature__  # type: ignore[attr-defined]
        made.body = body
        # The user may add to them.
        made.pre, made.post, made.help = [], [], {**self.described}
        made.positional, made.iterable = list(self.positional), list(self.iterable)
        return made

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:  # noqa: FBT001 - Invoke's
        if self.help != self.described or self.positional or self.optional:
            return super().get_arguments(ignore_unknown_help)
        if self.kind not in self._arguments:
            made = super().get_arguments(ignore_unknown_help)
            self._arguments[self.kind] = [_Argument.of(each) for each in made]
        return self._arguments[self.kind]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Task) and self.name == other.name and self.body is other.body

    def __hash__(self) -> int:
        return hash(self.body)


def collection(
    root: Path | str | None = None, *, name: str | None = None, **settings: Unpack[SettingArguments]
) -> Collection:
    """Return the tasks for one Cargo project.

    `root` is its folder, or one inside it, as an absolute path; without it the folder that `invoke` runs in.
    `settings` are those of
    `[package.metadata.rustdocker]`, with underscores for dashes, and outrank them; None is none. They are bound to
    these tasks alone: Invoke's own configuration leaks between collections. `name` is the collection's; that of
    the image is for Cargo.toml to say.
    """
    return _collection(_bound(root, settings), _TASKS, name)


def bound_tasks(
    root: Path | str | None,
    settings: Mapping[str, object],
    *,
    of_all: bool = False,
    fixed: Mapping[str, str] | None = None,
    fixed_by: str = "",
) -> Mapping[str, Task[Any]]:
    """Return the tasks for one project, or for all programs of a workspace, by name.

    `fixed` are settings that only flags outrank, and `fixed_by` says whose they are. Raises BadValue, UnknownKey,
    NotOfOneProgram for what is no root and no setting.
    """
    from rustdocker_tasks.settings.resolve import resolve_settings

    if of_all:
        _require_of_all(settings)
    bound = _bound(root, settings).with_fixed(fixed or {}, fixed_by)
    bound.start()
    resolve_settings((bound.own_layer(),))
    return _collection(bound, _TASKS_OF_ALL if of_all else _TASKS, None).tasks


def workspace(
    root: Path | str | None = None, *, name: str | None = None, **settings: Unpack[SettingArguments]
) -> Collection:
    """Return the tasks for all programs of one Cargo workspace: `build` and `push` for all in one go.

    Each program has a collection of its own besides, `invoke shop.build`, with the tasks of `collection` but
    for those that are no matter of one program. It is called like its package or, where a package has several,
    like the program. `root` and `settings` are those of `collection`, for all programs; what is meant for one
    stands in its package's Cargo.toml. Its programs are known before Invoke's flags are, so that a task file for
    `invoke --search-root` names the root.
    Cargo's files are read at once: where they cannot be, the message goes to stderr, and the tasks for all end
    with it, so that a task file's others can be called. Raises NotOfOneProgram, BadValue for the arguments.
    """
    from rustdocker_tasks.cargo.programs import list_programs
    from rustdocker_tasks.errors import ProjectError

    _require_of_all(settings)
    bound = _bound(root, settings)
    made = _collection(bound, _TASKS_OF_ALL, name)
    try:
        programs = list_programs(bound.start(), _asked(settings))
    except ProjectError as error:
        Terminal().say(str(error))
        return made
    for program in programs:
        own = bound.for_program(package=program.package, binary=program.binary)
        made.add_collection(_collection(own, TASKS_OF_ONE, _free_name(made, program.name)))
    return made


def _asked(settings: Mapping[str, object]) -> BinaryRequest:
    """Return which features are switched on; what is wrong with them is for the tasks to say."""
    from rustdocker_tasks.cargo.binaries import BinaryRequest
    from rustdocker_tasks.cargo.features import named_features

    return BinaryRequest(
        features=named_features(settings.get("features")),
        default_features=settings.get("default_features") is not False,
    )


def _require_of_all(settings: Mapping[str, object]) -> None:
    """Raise NotOfOneProgram for what chooses one."""
    from rustdocker_tasks.errors import NotOfOneProgram

    for key in _FOR_ONE:
        if isinstance(chosen := settings.get(key), str):
            raise NotOfOneProgram(key, value=chosen)


def _free_name(made: Collection, name: str) -> str:
    """Return the name, or one like it where a task or another program has it: Invoke takes `_` for `-`."""
    while made.transform(name) in {*made.tasks, *map(made.transform, made.collections)}:
        name += "-program"
    return name


def program_collection() -> Collection:
    """Return the tasks of the program `rustdocker`, for the project in the folder that it runs in."""
    return _collection(_bound(None, {}), {**_TASKS, **_INIT}, None)


def _bound(root: Path | str | None, settings: Mapping[str, object]) -> Bound:
    # None is what is not said, as for a task's flag.
    return Bound(root, {key.replace("_", "-"): value for key, value in settings.items() if value is not None})


def _collection(bound: Bound, tasks: Mapping[Body, tuple[Flag, ...]], name: str | None) -> Collection:
    made = Collection(name) if name else Collection()
    for body, flags in tasks.items():
        made.add_task(_task(bound, body, flags))
    return made


def _head_start() -> AbstractContextManager[None]:
    # What builds imports it anyway, and other tasks need not.
    from rustdocker_tasks.engine.buildx import helper_at_hand

    return helper_at_hand()


def _task(bound: Bound, body: Body, flags: tuple[Flag, ...]) -> Task[Any]:
    """Return an Invoke task for `body`: long flags only, errors as their four parts with an exit code."""

    def run_body(c: Context, *positional: object, **values: object) -> str | None:
        from rustdocker_tasks.errors import INTERRUPTED, TERMINATED, Unexpected
        from rustdocker_tasks.garbage import collected_rarely
        from rustdocker_tasks.interrupts import Terminated, raised_on_signals
        from rustdocker_tasks.process import echoed
        from rustdocker_tasks.task_values import flag_values

        say = Terminal().say if c.config.run.echo else None
        try:
            with raised_on_signals(), collected_rarely(), echoed(say):
                given = flag_values(run_body.__name__, flags, positional, values)
                is_to_build = body in _BUILDING and not c.config.run.dry and bound.may_use_buildx(given)
                with _head_start() if is_to_build else nullcontext():
                    return body(bound, c, given)
        except Exception as error:
            if isinstance(error, Exit) or logging.getLogger("invoke").isEnabledFor(logging.DEBUG):
                raise
            raise Unexpected(error) from error
        except Terminated:
            raise Exit(code=TERMINATED) from None
        except KeyboardInterrupt:
            raise Exit(code=INTERRUPTED) from None

    run_body.__name__ = body.__name__.removesuffix("_all")
    run_body.__doc__ = body.__doc__
    kind = (body, tuple(flag.name for flag in flags))
    if kind in _MADE:
        return _MADE[kind].of(run_body)
    # Invoke reads a task's flags from its signature; the type of a default says what a flag takes.
    parameters = [Parameter("c", Parameter.POSITIONAL_OR_KEYWORD)]
    for flag in flags:
        default = None if flag.default == [] else flag.default
        parameters.append(Parameter(parameter(flag), Parameter.KEYWORD_ONLY, default=default))
    run_body.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    made = _BoundTask(
        run_body,
        help={flag.name: flag.help for flag in flags},
        iterable=[parameter(flag) for flag in flags if flag.default == []],
        auto_shortflags=False,
    )
    made.kind, made.described = kind, {**made.help}
    # Nobody gets this one: what a user changes of a task is no matter of the next.
    _MADE[kind] = made
    return made.of(run_body)
