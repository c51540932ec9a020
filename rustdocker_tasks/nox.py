"""The tasks as sessions of Nox: `register()` in a noxfile.py."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from invoke.config import Config
from invoke.context import Context
from invoke.exceptions import Exit, ParseError
from invoke.parser.context import ParserContext
from invoke.parser.parser import Parser

from rustdocker_tasks.collection import collection
from rustdocker_tasks.errors import INTERRUPTED, TERMINATED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import nox
    from invoke.tasks import Task

# Nox lets all loggers tell everything: these would tell whole configurations and command lines.
_TALKATIVE = ("invoke", "python_on_whales", "docker", "urllib3")


def register(
    root: Path | str | None = None,
    *,
    tasks: Sequence[str] = ("build", "check", "push"),
    packages: Sequence[str] = (),
    bins: Sequence[str] = (),
    variants: Sequence[str] = (),
    rusts: Sequence[str] = (),
    prefix: str = "",
    **settings: Any,
) -> None:
    """Add a session for each of the tasks, called like it after `prefix`; none is run by a bare `nox`.

    With several `packages`, `bins` or `variants` there is one for each, such as `build(variant='static')`, of the
    tasks that have the flag; with `rusts`, such as 1.85, one that compiles with each.
    What follows `--` are the task's flags. `root` and `settings` are those of `collection`; without `root` it is
    the noxfile's folder. Raises KeyError for a task that there is not.
    """
    import nox

    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    known = {
        rust: collection(root, **{**settings, **({"toolchain": rust} if rust else {})}).tasks
        for rust in (*rusts, None)
    }
    for name in tasks:
        run: Any = _session(name, {rust: of_rust[name] for rust, of_rust in known.items()})
        flags = {argument.name for argument in known[None][name].get_arguments()}
        for key, values in (("package", packages), ("bin", bins), ("variant", variants), ("rust", rusts)):
            if values and (key in flags or key == "rust"):
                run = nox.parametrize(key, list(values))(run)
        nox.session(run, name=f"{prefix}{name}", python=False, default=False, tags=["docker"])


def _session(name: str, tasks: Mapping[str | None, Task[Any]]) -> Callable[..., None]:
    """Return a session that runs a task; `tasks` has it for each Rust that may be asked for."""
    parser = Parser(contexts=[ParserContext(name=name, args=tasks[None].get_arguments())])

    def run(session: nox.Session, rust: str | None = None, **chosen: str) -> None:
        words = [word for key, value in chosen.items() for word in (f"--{key}", value)]
        try:
            asked, *more = parser.parse_argv([name, *words, *session.posargs])
            if more:
                session.error(f"{more[0].name} is no flag of {name}: a session is one task")
            tasks[rust](Context(Config(lazy=True)), **asked.as_kwargs)
        except ParseError as error:
            session.error(str(error))
        except Exit as error:
            if error.code in {INTERRUPTED, TERMINATED}:
                raise KeyboardInterrupt from None
            session.error(error.message or f"{name} ended with exit code {error.code}")

    run.__doc__ = tasks[None].__doc__
    return run
