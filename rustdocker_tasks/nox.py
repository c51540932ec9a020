"""The tasks as sessions of Nox: `register()` in a noxfile.py."""

from __future__ import annotations

import logging
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.config import Config
from invoke.context import Context
from invoke.exceptions import Exit, ParseError
from invoke.parser.context import ParserContext
from invoke.parser.parser import Parser

from rustdocker_tasks.collection import bound_tasks
from rustdocker_tasks.errors import INTERRUPTED, TERMINATED, BadArgument, RustDockerError, nearest
from rustdocker_tasks.terminal import show_result
from rustdocker_tasks.variants import load_variants

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import nox
    from invoke.tasks import Task

_OLDEST = "rust-version"
# Nox lets all loggers tell everything: these would tell whole configurations and command lines.
_TALKATIVE = ("invoke", "python_on_whales", "docker", "urllib3")


def register(
    root: Path | str | None = None,
    *,
    tasks: Sequence[str] = ("build", "test", "check", "push"),
    packages: Sequence[str] = (),
    bins: Sequence[str] = (),
    variants: Sequence[str] = (),
    rusts: Sequence[str] = (),
    prefix: str = "",
    workspace: bool = False,
    **settings: Any,
) -> None:
    """Add a session for each of the tasks, called like it after `prefix`; none is run by a bare `nox`.

    With several `packages`, `bins` or `variants` there is one for each, such as `build(variant='static')`, of the
    tasks that have the flag; with `rusts`, such as 1.85, one that compiles with each; `rust-version` is the oldest
    that compiles all packages, or those that are named. With `workspace` they are the tasks of `workspace()`, for
    all its programs in one go. What follows `--` are the task's flags. `root` and `settings` are those of
    `collection`; without `root` it is the noxfile's folder. Ends with a message where an argument says something
    that cannot be.
    """
    import nox

    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        for argument, given, names in (
            ("tasks", tasks, bound_tasks(None, {}, of_all=workspace)),
            ("packages", packages, None),
            ("bins", bins, None),
            ("variants", variants, load_variants()),
            ("rusts", rusts, None),
        ):
            _require_names(argument, given, names)
        if workspace:
            _require_none("packages", packages)
            _require_none("bins", bins)
        meant = packages or [name for name in [settings.get("package")] if isinstance(name, str)]
        rusts = [_oldest_rust(Path(root or Path.cwd()), meant) if rust == _OLDEST else rust for rust in rusts]
        known = {
            rust: bound_tasks(
                root,
                settings,
                of_all=workspace,
                fixed={"toolchain": rust} if rust else {},
                fixed_by="register(rusts=…)",
            )
            for rust in (*rusts, None)
        }
    except RustDockerError as error:
        # Nox shows whatever else is raised while a noxfile is read with all of its calls.
        sys.exit(str(error))
    for name in tasks:
        run: Any = _session(name, {rust: of_rust[name] for rust, of_rust in known.items()})
        flags = {argument.name for argument in known[None][name].get_arguments()}
        for key, values in (("package", packages), ("bin", bins), ("variant", variants), ("rust", rusts)):
            if values and (key in flags or key == "rust"):
                run = nox.parametrize(key, list(values))(run)
        nox.session(run, name=f"{prefix}{name}", python=False, default=False, tags=["docker"])


def _require_names(argument: str, given: object, known: Collection[str] | None) -> None:
    """Raise BadArgument for what is no list of texts, or names what there is not."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise BadArgument("register", argument, value=repr(given), problem="it is no list", example=f'["{given}"]')
    for each in given:
        if not isinstance(each, str):
            problem, example = f"{type(each).__name__} is no text", f'["{each}"]'
            raise BadArgument("register", argument, value=repr(each), problem=problem, example=example)
        if known is not None and each not in known:
            problem = f"there are {', '.join(sorted(known))}"
            example = f'["{nearest(each, known) or min(known)}"]'
            raise BadArgument("register", argument, value=repr(each), problem=problem, example=example)


def _require_none(argument: str, given: Sequence[str]) -> None:
    """Raise BadArgument for what chooses single programs, where all are meant."""
    if given:
        problem = "`workspace=True` is for all programs"
        raise BadArgument("register", argument, value=repr(given[0]), problem=problem, example="[]")


def _oldest_rust(folder: Path, packages: Collection[str]) -> str:
    """Return what these packages, or all, say that they need, the newest of several.

    Raises BadArgument, ProjectError.
    """
    from rustdocker_tasks.cargo.project import load_project

    project = load_project(folder)
    compiled = [each for each in project.members if not packages or each.name in packages]
    named = [package.rust_version for package in compiled if package.rust_version]
    if not named:
        manifest = compiled[0].manifest if len(compiled) == 1 else project.root / "Cargo.toml"
        problem = f"{manifest} has no `rust-version`"
        raise BadArgument("register", "rusts", value=repr(_OLDEST), problem=problem, example='["1.85", "stable"]')
    return max(named, key=lambda text: [int(number) for number in text.split(".")])


def _configuration() -> Config:
    """Return Invoke's configuration, as it counts for a task file in this folder."""
    config = Config(project_location=Path.cwd())
    config.load_project()
    config.load_shell_env()
    return config


def _session(name: str, tasks: Mapping[str | None, Task[Any]]) -> Callable[..., None]:
    """Return a session that runs a task; `tasks` has it for each Rust that may be asked for."""
    known = ParserContext(name=name, args=tasks[None].get_arguments())
    parser = Parser(contexts=[known])

    def run(session: nox.Session, rust: str | None = None, **chosen: str) -> None:
        # No task file may be there to ask for it.
        if session.posargs[:1] in (["--help"], ["-h"]):
            show_result("\n".join(f"{flags}\n    {told}" for flags, told in known.help_tuples()))
            return
        words = [word for key, value in chosen.items() for word in (f"--{key}", value)]
        try:
            parsed = parser.parse_argv([name, *words, *session.posargs])
            asked, *more = parsed
            if more:
                session.error(f"{more[0].name} is no flag of {name}: a session is one task")
            context = Context(_configuration())
            # What follows another `--`, as Invoke 3 hands it on.
            context.remainder = parsed.remainder
            tasks[rust](context, **asked.as_kwargs)
        except ParseError as error:
            session.error(str(error))
        except Exit as error:
            if error.code in {INTERRUPTED, TERMINATED}:
                raise KeyboardInterrupt from None
            session.error(error.message or f"{name} ended with exit code {error.code}")

    run.__doc__ = tasks[None].__doc__
    return run
