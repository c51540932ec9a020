"""The Invoke tasks: flags in, one function called, one result out. No decision is made here.

This module is all that `invoke --list` loads: everything else is imported when a task runs.
"""

from __future__ import annotations

import logging
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, NamedTuple

from invoke.collection import Collection
from invoke.exceptions import Exit
from invoke.tasks import Task

from rustdocker_tasks.terminal import Terminal, show_result, show_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from invoke.context import Context

    from rustdocker_tasks.pipeline import Planned
    from rustdocker_tasks.run import RunFlags
    from rustdocker_tasks.settings.sources import Layer

    Flags = Mapping[str, Any]
    Body = Callable[["_Bound", Context, Flags], None]

_CONFIG_KEY = "rustdocker"


class Flag(NamedTuple):
    """A flag of a task. A list as default means that the flag may be repeated."""

    name: str
    help: str
    default: object = None


# Flags that are settings, by the setting's own name and with its own help.
VARIANT = Flag("variant", "What kind of image: simple, slim, minimal or static.")
SETTING_FLAGS = (
    Flag("tag", "Names for the image, or tags of its usual name, in place of :{version}; templates.", []),
    Flag("bin", "The binary that the image runs."),
    Flag("package", "The package that has the binary."),
    Flag("features", "Features of the package to switch on.", []),
    Flag("profile", "Cargo's profile to compile with."),
    Flag("target", "The target triple to compile for, in place of the usual one."),
    Flag("backend", "What builds the image: auto, buildx or host."),
)
_BIN, _PACKAGE = SETTING_FLAGS[1:3]
_JSON = Flag("json", "Print the result as JSON.", default=False)
_SCHEMA = Flag("schema", "Print a JSON Schema of Cargo.toml's tables instead.", default=False)
_CLEAR = Flag("clear", "Remove what is kept of this project.", default=False)
_START_FLAGS = (
    Flag("env", "Set a variable, NAME=value, or hand on NAME; may be repeated.", []),
    Flag("env-file", "Read variables from a file; may be repeated.", []),
    Flag("volume", "Mount a folder or volume, ./data:/data; may be repeated.", []),
    Flag("args", "Arguments for the program, as one text."),
    Flag("wait", "Seconds that the program has to listen on its ports.", "30"),
)
_RUN_FLAGS = (
    Flag("detach", "Leave it running, and print the container's ID.", default=False),
    Flag("port", "Publish a port as docker does, such as 8081:8080; may be repeated.", []),
    *_START_FLAGS,
)
_MEMORY = Flag("memory", "How much the program gets, as docker writes it.", "512M")
_FOLLOW = Flag("follow", "Go on until the program ends.", default=False)


class _BoundTask(Task[Any]):
    """A task that is equal to itself alone: Invoke takes two of one name and code for the same, and runs one."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Task) and self.name == other.name and self.body is other.body

    def __hash__(self) -> int:
        return hash(self.body)


def collection(root: Path | str | None = None, *, name: str | None = None, **settings: object) -> Collection:
    """Return the tasks for one Cargo project.

    `root` is its folder, or one inside it, as an absolute path; without it the folder that `invoke` runs in.
    `settings` are those of
    `[package.metadata.rustdocker]`, with underscores for dashes, and outrank them. They are bound to these
    tasks alone: Invoke's own configuration leaks between collections.
    """
    bound = _Bound(root, {key.replace("_", "-"): value for key, value in settings.items()})
    made = Collection(name) if name else Collection()
    for body, flags in _TASKS.items():
        made.add_task(_task(bound, body, flags))
    return made


class _Bound:
    """What a collection knows of its project before a task runs."""

    def __init__(self, root: Path | str | None, settings: Mapping[str, object]) -> None:
        self._root = root
        self._settings = settings

    def start(self) -> Path:
        from pathlib import Path

        from rustdocker_tasks.errors import BadValue

        if self._root is None:
            return Path.cwd()
        if not isinstance(self._root, str | Path) or not Path(self._root).is_absolute():
            # `invoke` also runs from the folders below its task file: a relative one could be another project.
            raise BadValue(
                "root",
                value=str(self._root),
                where="collection(root=…)",
                problem="it is no absolute path",
                example='Path(__file__).parent / "services/shop"',
            )
        return Path(self._root)

    def layers(self, c: Context, flags: Flags) -> tuple[Layer, ...]:
        import os
        from pathlib import Path

        from rustdocker_tasks.errors import BadValue
        from rustdocker_tasks.settings.sources import Layer, Source, environment_layer

        here = Path.cwd()
        names = {flag.name for flag in (VARIANT, *SETTING_FLAGS)}
        configured = _plain(c.config.get(_CONFIG_KEY) or {})
        if not isinstance(configured, dict):
            raise BadValue(
                _CONFIG_KEY,
                value=str(configured),
                where="Invoke's configuration",
                problem="it is no table of settings",
                example="rustdocker: {expose: [8080]}",
            )
        return (
            Layer(
                source=Source.INVOKE,
                where=lambda path: f"Invoke's configuration ({'.'.join((_CONFIG_KEY, *path))})",
                base=here,
                values=configured,
            ),
            Layer(
                source=Source.INVOKE,
                where=lambda path: f"collection({'.'.join(path).replace('-', '_')}=…)",
                base=self.start(),
                values=self._settings,
            ),
            environment_layer(os.environ, base=here),
            Layer(
                source=Source.FLAG,
                where=lambda path: f"--{path[-1]}",
                base=here,
                values={key: value for key, value in flags.items() if key in names and value not in (None, [])},
                is_text=True,
            ),
        )

    def planned(self, c: Context, flags: Flags) -> Planned:
        from rustdocker_tasks.pipeline import plan_image

        return plan_image(self.start(), self.layers(c, flags))


def _build(bound: _Bound, c: Context, flags: Flags) -> None:
    """Build the image and load it into the engine; print its ID."""
    from rustdocker_tasks.pipeline import build_image
    from rustdocker_tasks.report import build_json

    planned = bound.planned(c, flags)
    if not _is_dry(c, planned):
        report = build_image(planned.plan, progress=Terminal())
        show_result(build_json(report) if flags["json"] else report.image)


def _static(bound: _Bound, c: Context, flags: Flags) -> None:
    """Build the image with a fully static program; print its ID."""
    _build(bound, c, {**flags, VARIANT.name: "static"})


def _slim(bound: _Bound, c: Context, flags: Flags) -> None:
    """Build the image on Debian slim; print its ID."""
    _build(bound, c, {**flags, VARIANT.name: "slim"})


def _run(bound: _Bound, c: Context, flags: Flags) -> None:
    """Build the image and run it; hand on the program's exit code."""
    from rustdocker_tasks.run import run_image

    planned = bound.planned(c, flags)
    typed = _run_flags(c, flags)
    if not _is_dry(c, planned) and (code := run_image(planned, typed, progress=Terminal(), show=show_result)):
        raise Exit(code=code)


def _run_flags(c: Context, flags: Flags) -> RunFlags:
    from rustdocker_tasks.run import RunFlags

    return RunFlags(
        detach=flags.get("detach", False),
        ports=tuple(flags.get("port", ())),
        env=tuple(flags["env"]),
        env_files=tuple(flags["env-file"]),
        volumes=tuple(flags["volume"]),
        args=flags["args"],
        remainder=getattr(c, "remainder", ""),  # of Invoke 3.0 on
        wait=flags["wait"],
    )


def _check(bound: _Bound, c: Context, flags: Flags) -> None:
    """Build the image and start it where nothing is granted, as in Kubernetes; print what it did."""
    from rustdocker_tasks.report import verdict_json, verdict_text
    from rustdocker_tasks.run import check_image

    planned = bound.planned(c, flags)
    if not _is_dry(c, planned):
        verdict = check_image(planned, _run_flags(c, flags), flags["memory"], progress=Terminal())
        show_result(verdict_json(verdict) if flags["json"] else verdict_text(verdict))


def _push(bound: _Bound, c: Context, flags: Flags) -> None:
    """Build the image and push it to its registry; print its name with the digest."""
    from rustdocker_tasks.push import push_image

    planned = bound.planned(c, flags)
    if not _is_dry(c, planned):
        show_result("\n".join(push_image(planned.plan, progress=Terminal())))


def _stop(bound: _Bound, c: Context, flags: Flags) -> None:
    """Stop and remove the containers that `run` started."""
    from rustdocker_tasks.run import stop_project

    stop_project(bound.start(), flags["bin"], dry=c.config.run.dry, say=Terminal().say)


def _logs(bound: _Bound, _: Context, flags: Flags) -> None:
    """Print what the container's program wrote."""
    from rustdocker_tasks.run import show_project_log

    show_project_log(bound.start(), flags["bin"], follow=flags["follow"])


def _plan(bound: _Bound, c: Context, flags: Flags) -> None:
    """Print what would be built and who set what; build nothing."""
    from rustdocker_tasks.pipeline import find_dependencies
    from rustdocker_tasks.report import dependency_rows, plan_json, plan_text

    planned = bound.planned(c, flags)
    found = find_dependencies(planned)
    if flags["json"]:
        show_result(plan_json(planned.plan, planned.resolved, planned.project, found))
    else:
        show_result(
            plan_text(planned.plan, planned.resolved, dependency_rows(planned.project, planned.plan, found))
        )


def _config(bound: _Bound, c: Context, flags: Flags) -> None:
    """Print every setting, its value and who set it; with --schema a JSON Schema for editors."""
    from rustdocker_tasks.pipeline import configure_image
    from rustdocker_tasks.report import config_json, config_rows, schema_json

    if flags["schema"]:
        show_result(schema_json())
        return
    resolved = configure_image(bound.start(), bound.layers(c, flags)).resolved
    if flags["json"]:
        show_result(config_json(resolved))
    else:
        show_rows(config_rows(resolved))


def _dockerfile(bound: _Bound, c: Context, flags: Flags) -> None:
    """Write a Dockerfile that builds the image without this tool; print its path."""
    from rustdocker_tasks.eject import build_command, write_dockerfile
    from rustdocker_tasks.plan.container import require_container

    planned = bound.planned(c, flags)
    container = require_container(planned.plan, "a Dockerfile is for docker's own build")
    if not _is_dry(c, planned):
        path = write_dockerfile(planned.plan, container)
        if path.parent != container.context.root:
            Terminal().say(f"its context is another folder: {build_command(path, container)}")
        show_result(str(path))


def _sizes(bound: _Bound, c: Context, flags: Flags) -> None:
    """Build every variant and print how large each is."""
    from rustdocker_tasks.pipeline import measure_variants, plan_variants
    from rustdocker_tasks.report import sizes_json, sizes_text

    planned = plan_variants(bound.start(), bound.layers(c, flags))
    if not any(_is_dry(c, each) for each in planned):
        images = measure_variants([each.plan for each in planned], progress=Terminal())
        show_result((sizes_json if flags["json"] else sizes_text)(images))


def _explain(bound: _Bound, c: Context, flags: Flags) -> None:
    """Print why the last build in containers did what it did: what changed, was compiled, came from the cache."""
    from rustdocker_tasks.explain import last_build
    from rustdocker_tasks.explanation import encode, explanation_text

    told = last_build(bound.planned(c, flags).plan)
    show_result(encode(told).decode() if flags["json"] else explanation_text(told))


def _cache(bound: _Bound, c: Context, flags: Flags) -> None:
    """Print what builds in containers keep on mounts; with --clear remove what is kept of this project."""
    from rustdocker_tasks.cache import clear_mounts, kept_mounts
    from rustdocker_tasks.report import megabytes, mounts_json, mounts_text

    plan = bound.planned(c, flags).plan
    if flags["clear"] and not c.config.run.dry:
        Terminal().say(f"removed: {megabytes(clear_mounts(plan))}")
    kept = kept_mounts(plan)
    show_result((mounts_json if flags["json"] else mounts_text)(kept))


_TASKS: Mapping[Body, tuple[Flag, ...]] = {
    _build: (VARIANT, *SETTING_FLAGS, _JSON),
    _slim: (*SETTING_FLAGS, _JSON),
    _static: (*SETTING_FLAGS, _JSON),
    _run: (VARIANT, *SETTING_FLAGS, *_RUN_FLAGS),
    _check: (VARIANT, *SETTING_FLAGS, *_START_FLAGS, _MEMORY, _JSON),
    _push: (VARIANT, *SETTING_FLAGS),
    _stop: (_BIN,),
    _logs: (_BIN, _FOLLOW),
    _plan: (VARIANT, *SETTING_FLAGS, _JSON),
    _config: (VARIANT, *SETTING_FLAGS, _JSON, _SCHEMA),
    _dockerfile: (VARIANT, *SETTING_FLAGS),
    _sizes: (_BIN, _PACKAGE, _JSON),
    _explain: (VARIANT, *SETTING_FLAGS, _JSON),
    _cache: (VARIANT, *SETTING_FLAGS, _CLEAR, _JSON),
}


def _task(bound: _Bound, body: Body, flags: tuple[Flag, ...]) -> Task[Any]:
    """Return an Invoke task for `body`: long flags only, errors as their four parts with an exit code."""

    def run_body(c: Context, **values: Any) -> None:
        from rustdocker_tasks.errors import INTERRUPTED, TERMINATED, RustDockerError, Unexpected
        from rustdocker_tasks.garbage import collected_rarely
        from rustdocker_tasks.interrupts import Terminated, raised_on_signals

        try:
            with raised_on_signals(), collected_rarely():
                body(bound, c, {flag.name: values.get(_parameter(flag), flag.default) for flag in flags})
        except RustDockerError as error:
            raise Exit(str(error), error.exit_code) from error
        except Exception as error:
            if isinstance(error, Exit) or logging.getLogger("invoke").isEnabledFor(logging.DEBUG):
                raise
            unexpected = Unexpected(error)
            raise Exit(str(unexpected), unexpected.exit_code) from error
        except Terminated:
            raise Exit(code=TERMINATED) from None
        except KeyboardInterrupt:
            raise Exit(code=INTERRUPTED) from None

    # Invoke reads a task's flags from its signature; the type of a default says what a flag takes.
    parameters = [Parameter("c", Parameter.POSITIONAL_OR_KEYWORD)]
    for flag in flags:
        default = None if flag.default == [] else flag.default
        parameters.append(Parameter(_parameter(flag), Parameter.KEYWORD_ONLY, default=default))
    run_body.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    run_body.__name__ = body.__name__.removeprefix("_")
    run_body.__doc__ = body.__doc__
    return _BoundTask(
        run_body,
        help={flag.name: flag.help for flag in flags},
        iterable=[_parameter(flag) for flag in flags if flag.default == []],
        auto_shortflags=False,
    )


def _parameter(flag: Flag) -> str:
    return flag.name.replace("-", "_")


def _is_dry(c: Context, planned: Planned) -> bool:
    """Print the plan under `invoke --dry`, and say that this is all."""
    from rustdocker_tasks.report import plan_text

    if c.config.run.dry:
        Terminal().say(plan_text(planned.plan, planned.resolved))
    return bool(c.config.run.dry)


def _plain(value: Any) -> Any:
    """Return Invoke's configuration proxy as plain data: `isinstance(proxy, dict)` is False."""
    if hasattr(value, "items"):
        return {str(key): _plain(item) for key, item in value.items()}
    return value
