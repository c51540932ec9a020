"""What a task is called with, by Invoke or from a user's own task -> the values of its flags. Pure."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rustdocker_tasks.errors import BadFlag, NoSuchFlag, nearest
from rustdocker_tasks.task_flags import parameter

if TYPE_CHECKING:
    from rustdocker_tasks.task_flags import Flag

# Flags that are one text and hold several words, as a shell reads them.
_WORDS = "args"


def flag_values(
    task: str, flags: Sequence[Flag], positional: Sequence[object], values: Mapping[str, object]
) -> dict[str, object]:
    """Return the value of each flag by its name: text, True or False, or a list of texts.

    Numbers and paths become text, one value a list of one, a mapping entries like `NAME=value`, and a list of
    words the text of `args`. Raises NoSuchFlag, BadFlag.
    """
    if positional:
        raise NoSuchFlag(task, found=f"{positional[0]!r}, without a name", nearest=None)
    known = {parameter(flag): flag for flag in flags}
    for name in values.keys() - known.keys():
        raise NoSuchFlag(task, found=f"{name}=…", nearest=nearest(name, known))
    return {flag.name: _value(flag, values.get(name, flag.default)) for name, flag in known.items()}


def _value(flag: Flag, value: object) -> object:
    if isinstance(flag.default, list):
        return _texts(flag, value)
    if isinstance(flag.default, bool):
        if value is None or isinstance(value, bool):
            return flag.default if value is None else value
        raise _bad(flag, value, "it is neither True nor False", "True")
    if value is None:
        return flag.default
    if flag.name == _WORDS and isinstance(value, Sequence) and not isinstance(value, str):
        return shlex.join(_text(flag, each) for each in value)
    return _text(flag, value)


def _texts(flag: Flag, value: object) -> list[str]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [f"{_text(flag, key)}={_text(flag, each)}" for key, each in value.items()]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_text(flag, each) for each in value]
    return [_text(flag, value)]


def _text(flag: Flag, value: object) -> str:
    if isinstance(value, str | os.PathLike):
        return os.fspath(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise _bad(flag, value, f"{type(value).__name__} is no text", '"…"')


def _bad(flag: Flag, value: object, problem: str, example: str) -> BadFlag:
    return BadFlag(f"--{flag.name}", value=repr(value), problem=problem, example=f"{parameter(flag)}={example}")
