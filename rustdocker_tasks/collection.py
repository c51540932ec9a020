"""The Invoke tasks: flags in, one function called, one result out. No decision is made here.

This module and errors.py are all that `invoke --list` loads: everything else is imported when a task runs.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

from invoke import Collection, Context, Exit, task

from rustdocker_tasks.errors import INTERRUPTED, TERMINATED, RustDockerError

if TYPE_CHECKING:
    from pathlib import Path

    from rustdocker_tasks.pipeline import Planned
    from rustdocker_tasks.settings.sources import Layer

_CONFIG_KEY = "rustdocker"
_SECONDS_TO_LISTEN = 30

_IMAGE_HELP = {
    "variant": "What kind of image: minimal or static.",
    "bin": "The binary that the image runs, where there are several.",
    "package": "The package that has the binary, in a workspace.",
    "backend": "What builds the image: auto or host.",
}
_TAG_HELP = {"tag": "A name for the image, in place of name:version; may be repeated."}
_JSON_HELP = {"json": "Print the result as JSON."}
_RUN_HELP = {
    "detach": "Leave it running, and print the container's ID.",
    "port": "Publish a port as docker does, such as 8081:8080; may be repeated.",
    "env": "Set a variable, NAME=value, or hand on NAME; may be repeated.",
    "env-file": "Read variables from a file; may be repeated.",
    "volume": "Mount a folder or volume, ./data:/data; may be repeated.",
    "args": "Arguments for the program, as one text.",
    "wait": f"Seconds that the program has to listen on its ports (default {_SECONDS_TO_LISTEN}).",
}


class _Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: to be cleaned up after like Ctrl-C."""


def collection(root: Path | str | None = None, *, name: str | None = None, **settings: object) -> Collection:
    """Return the tasks for one Cargo project.

    `root` is its folder, or one inside it; without it the folder that `invoke` runs in. `settings` are those of
    `[package.metadata.rustdocker]`, with underscores for dashes, and outrank them. They are bound to these
    tasks alone: Invoke's own configuration leaks between collections.
    """
    bound = _Bound(root, {key.replace("_", "-"): value for key, value in settings.items()})
    made = Collection(name) if name else Collection()
    for make in (_build, _static, _run, _stop, _logs, _plan, _sizes):
        made.add_task(make(bound))
    return made


class _Bound:
    """What a collection knows of its project before a task runs."""

    def __init__(self, root: Path | str | None, settings: Mapping[str, object]) -> None:
        self._root = root
        self._settings = settings

    def start(self) -> Path:
        from pathlib import Path

        return Path(self._root or ".").absolute()

    def layers(self, c: Context, flags: Mapping[str, object]) -> tuple[Layer, ...]:
        import os
        from pathlib import Path

        from rustdocker_tasks.settings.sources import Layer, Source, environment_layer

        here = Path.cwd()
        configured = _plain(c.config.get(_CONFIG_KEY) or {})
        return (
            Layer(source=Source.INVOKE, where="Invoke's configuration (rustdocker.{})", base=here, values=configured),
            Layer(source=Source.INVOKE, where="collection({}=…)", base=self.start(), values=self._settings),
            environment_layer(os.environ, base=here),
            Layer(
                source=Source.FLAG,
                where="--{}",
                base=here,
                values={key: value for key, value in flags.items() if value not in (None, [])},
                is_text=True,
            ),
        )

    def planned(self, c: Context, **flags: object) -> Planned:
        from rustdocker_tasks.pipeline import plan_image

        return plan_image(self.start(), self.layers(c, flags))


def _build(bound: _Bound) -> Any:
    @_task(help={**_IMAGE_HELP, **_TAG_HELP, **_JSON_HELP}, iterable=["tag"])
    def build(
        c: Context,
        variant: str | None = None,
        tag: list[str] | None = None,
        backend: str | None = None,
        bin: str | None = None,  # noqa: A002 - the flag is cargo's
        package: str | None = None,
        json: bool = False,
    ) -> None:
        """Build the image and load it into the engine; print its ID."""
        planned = bound.planned(c, variant=variant, tag=tag, backend=backend, bin=bin, package=package)
        _build_and_print(c, planned, json=json)

    return build


def _static(bound: _Bound) -> Any:
    help_ = {key: text for key, text in _IMAGE_HELP.items() if key != "variant"}

    @_task(help={**help_, **_TAG_HELP, **_JSON_HELP}, iterable=["tag"])
    def static(
        c: Context,
        tag: list[str] | None = None,
        backend: str | None = None,
        bin: str | None = None,  # noqa: A002 - the flag is cargo's
        package: str | None = None,
        json: bool = False,
    ) -> None:
        """Build the image with a fully static program; print its ID."""
        planned = bound.planned(c, variant="static", tag=tag, backend=backend, bin=bin, package=package)
        _build_and_print(c, planned, json=json)

    return static


def _run(bound: _Bound) -> Any:
    @_task(help={**_IMAGE_HELP, **_TAG_HELP, **_RUN_HELP}, iterable=["tag", "port", "env", "env_file", "volume"])
    def run(
        c: Context,
        variant: str | None = None,
        tag: list[str] | None = None,
        backend: str | None = None,
        bin: str | None = None,  # noqa: A002 - the flag is cargo's
        package: str | None = None,
        detach: bool = False,
        port: list[str] | None = None,
        env: list[str] | None = None,
        env_file: list[str] | None = None,
        volume: list[str] | None = None,
        args: str | None = None,
        wait: int = _SECONDS_TO_LISTEN,
    ) -> None:
        """Build the image and run it; hand on the program's exit code."""
        from rustdocker_tasks.run import RunFlags, run_image

        planned = bound.planned(c, variant=variant, tag=tag, backend=backend, bin=bin, package=package)
        flags = RunFlags(
            detach=detach,
            ports=tuple(port or ()),
            env=tuple(env or ()),
            env_files=tuple(env_file or ()),
            volumes=tuple(volume or ()),
            args=args,
            remainder=getattr(c, "remainder", ""),
            wait_seconds=wait,
        )
        if _is_dry(c, planned):
            return
        code = run_image(planned, flags, say=_say, show=print)
        if code:
            raise Exit(code=code)

    return run


def _stop(bound: _Bound) -> Any:
    @_task(help={"bin": "Only the containers of this binary."})
    def stop(c: Context, bin: str | None = None) -> None:  # noqa: A002 - the flag is cargo's
        """Stop and remove the containers that `run` started."""
        from rustdocker_tasks.run import stop_project

        stop_project(bound.start(), bin, say=_say)

    return stop


def _logs(bound: _Bound) -> Any:
    @_task(help={"bin": "The container of this binary.", "follow": "Go on until the program ends."})
    def logs(c: Context, bin: str | None = None, follow: bool = False) -> None:  # noqa: A002 - as above
        """Print what the container's program wrote."""
        from rustdocker_tasks.run import show_project_log

        show_project_log(bound.start(), bin, follow=follow)

    return logs


def _plan(bound: _Bound) -> Any:
    @_task(help={**_IMAGE_HELP, **_TAG_HELP, **_JSON_HELP}, iterable=["tag"])
    def plan(
        c: Context,
        variant: str | None = None,
        tag: list[str] | None = None,
        backend: str | None = None,
        bin: str | None = None,  # noqa: A002 - the flag is cargo's
        package: str | None = None,
        json: bool = False,
    ) -> None:
        """Print what would be built and who set what; build nothing."""
        from rustdocker_tasks.report import plan_json, plan_text

        planned = bound.planned(c, variant=variant, tag=tag, backend=backend, bin=bin, package=package)
        print((plan_json if json else plan_text)(planned.plan, planned.resolved))

    return plan


def _sizes(bound: _Bound) -> Any:
    help_ = {key: text for key, text in _IMAGE_HELP.items() if key in {"bin", "package"}}

    @_task(help={**help_, **_JSON_HELP})
    def sizes(
        c: Context,
        bin: str | None = None,  # noqa: A002 - the flag is cargo's
        package: str | None = None,
        json: bool = False,
    ) -> None:
        """Build every variant and print how large each is; load nothing."""
        from rustdocker_tasks.pipeline import measure_variants, plan_variants
        from rustdocker_tasks.report import sizes_json, sizes_text

        plans = plan_variants(bound.start(), bound.layers(c, {"bin": bin, "package": package}))
        images = measure_variants(plans, say=_say)
        print((sizes_json if json else sizes_text)(images))

    return sizes


def _build_and_print(c: Context, planned: Planned, *, json: bool) -> None:
    from rustdocker_tasks.pipeline import build_image
    from rustdocker_tasks.report import build_json

    if _is_dry(c, planned):
        return
    report = build_image(planned.plan, say=_say)
    print(build_json(report) if json else report.image)


def _is_dry(c: Context, planned: Planned) -> bool:
    """Under `invoke --dry` print the plan instead."""
    from rustdocker_tasks.report import plan_text

    if c.config.run.dry:
        _say(plan_text(planned.plan, planned.resolved))
    return bool(c.config.run.dry)


def _task(**options: Any) -> Callable[[Callable[..., None]], Any]:
    """Invoke's `task`, with long flags only, and errors as the four-part text with its exit code."""

    def decorate(body: Callable[..., None]) -> Any:
        @wraps(body)
        def run_body(*args: Any, **kwargs: Any) -> None:
            try:
                with _signals():
                    body(*args, **kwargs)
            except RustDockerError as error:
                raise Exit(str(error), error.exit_code) from error
            except _Terminated:
                raise Exit(code=TERMINATED) from None
            except KeyboardInterrupt:
                raise Exit(code=INTERRUPTED) from None

        return task(auto_shortflags=False, **options)(run_body)

    return decorate


@contextmanager
def _signals() -> Iterator[None]:
    def terminate(number: int, frame: object) -> None:
        raise _Terminated

    earlier = {number: signal.signal(number, terminate) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _plain(value: Any) -> Any:
    """Return Invoke's configuration proxy as plain data: `isinstance(proxy, dict)` is False."""
    if hasattr(value, "items"):
        return {key: _plain(item) for key, item in value.items()}
    return value
