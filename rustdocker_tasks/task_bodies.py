"""What the tasks do: flags in, one function called, one result out, shown and returned. No decision is made here.

What a task needs is imported when it runs: `invoke --list` loads this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.exceptions import Exit

from rustdocker_tasks.bound import is_dry
from rustdocker_tasks.task_flags import MEMORY, START_FLAGS, VARIANT, WAIT
from rustdocker_tasks.terminal import Terminal, show_result, show_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke.context import Context

    from rustdocker_tasks.bound import Bound, Flags
    from rustdocker_tasks.check import CheckFlags
    from rustdocker_tasks.plan.commands import CargoCommand
    from rustdocker_tasks.results import BuildReport, FailedImage
    from rustdocker_tasks.run import RunFlags


def build(bound: Bound, c: Context, flags: Flags) -> str | None:
    """Build the image and load it into the engine; print its ID."""
    from rustdocker_tasks.pipeline import build_image
    from rustdocker_tasks.results import build_json

    planned = bound.planned(c, flags)
    if is_dry(c, planned):
        return None
    report = build_image(planned.plan, progress=Terminal())
    return show_result(build_json(report) if flags["json"] else report.image)


def build_all(bound: Bound, c: Context, flags: Flags) -> str | None:
    """Build the images of all programs in one go and load them into the engine; print their names and IDs."""
    from rustdocker_tasks.programs import build_programs
    from rustdocker_tasks.results import images_json, images_text

    planned = bound.planned_all(c, flags)
    if is_dry(c, *planned):
        return None
    made = build_programs(planned, progress=Terminal())
    return _shown_of_all((images_json if flags["json"] else images_text)(made), made)


def push_all(bound: Bound, c: Context, flags: Flags) -> str | None:
    """Build the images of all programs in one go and push them; print their names with the digests."""
    from rustdocker_tasks.push import push_programs

    planned = bound.planned_all(c, flags)
    if is_dry(c, *planned):
        return None
    pushed, made = push_programs(planned, check=_check_flags(c, flags), progress=Terminal())
    return _shown_of_all("\n".join(pushed), made)


def _shown_of_all(shown: str, made: Sequence[BuildReport | FailedImage]) -> str:
    """Print what came of several images, if there is any; fail if one of them did."""
    from rustdocker_tasks.programs import require_all

    if shown:
        show_result(shown)
    require_all(made)
    return shown


def static(bound: Bound, c: Context, flags: Flags) -> str | None:
    """Build the image with a fully static program; print its ID."""
    return build(bound, c, {**flags, VARIANT.name: "static"})


def slim(bound: Bound, c: Context, flags: Flags) -> str | None:
    """Build the image on Debian slim; print its ID."""
    return build(bound, c, {**flags, VARIANT.name: "slim"})


def run(bound: Bound, c: Context, flags: Flags) -> str | None:
    """Build the image and run it; hand on the program's exit code."""
    from rustdocker_tasks.run import run_image

    planned = bound.planned(c, flags)
    typed = _run_flags(c, flags)
    if is_dry(c, planned):
        return None
    code, container = run_image(planned, typed, progress=Terminal())
    if code:
        raise Exit(code=code)
    return show_result(container) if container else None


def watch(bound: Bound, c: Context, flags: Flags) -> None:
    """Build and run the image, and again after each change of a source; Ctrl-C ends it."""
    from rustdocker_tasks.watch import watch_image

    if c.config.run.dry:
        is_dry(c, bound.planned(c, flags))
    else:
        watch_image(lambda: bound.planned(c, flags), _run_flags(c, flags), progress=Terminal())


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
        wait=flags.get("wait", WAIT.default),
    )


def check(bound: Bound, c: Context, flags: Flags) -> str | None:
    """Build the image and start it where nothing is granted, as in Kubernetes; print what it did."""
    from rustdocker_tasks.check import CheckFlags, check_image
    from rustdocker_tasks.report import verdict_json, verdict_text

    planned = bound.planned(c, flags)
    check_flags = CheckFlags(run=_run_flags(c, flags), memory=flags["memory"])
    if is_dry(c, planned):
        return None
    verdict = check_image(planned, check_flags, progress=Terminal())
    return show_result(verdict_json(verdict) if flags["json"] else verdict_text(verdict))


def check_all(bound: Bound, c: Context, flags: Flags) -> str | None:
    """Build the images of all programs in one go, start each where nothing is granted; print what they did."""
    from rustdocker_tasks.check import CheckFlags, check_programs
    from rustdocker_tasks.report import verdicts_json, verdicts_text

    planned = bound.planned_all(c, flags)
    check_flags = CheckFlags(run=_run_flags(c, flags), memory=flags["memory"])
    if is_dry(c, *planned):
        return None
    verdicts, made = check_programs(planned, check_flags, progress=Terminal())
    return _shown_of_all((verdicts_json if flags["json"] else verdicts_text)(made, verdicts), made)


def push(bound: Bound, c: Context, flags: Flags) -> str | None:
    """Build the image, start it as `check` does, and push it to its registry; print its name with the digest."""
    from rustdocker_tasks.push import push_image

    planned = bound.planned(c, flags)
    if is_dry(c, planned):
        return None
    pushed = push_image(planned, check=_check_flags(c, flags), progress=Terminal())
    return show_result("\n".join(pushed))


def _check_flags(c: Context, flags: Flags) -> CheckFlags | None:
    """Return how `push` starts an image, as `check` does without a word more; None if it is not to."""
    from rustdocker_tasks.check import CheckFlags

    if flags["unchecked"]:
        return None
    usual = {flag.name: flag.default for flag in (*START_FLAGS, WAIT, MEMORY)}
    return CheckFlags(run=_run_flags(c, usual), memory=str(MEMORY.default))


def stop(bound: Bound, c: Context, flags: Flags) -> None:
    """Stop and remove the containers that `run` started."""
    from rustdocker_tasks.run import stop_project

    stop_project(bound.start(c), bound.choice(flags), dry=c.config.run.dry, say=Terminal().say)


def logs(bound: Bound, c: Context, flags: Flags) -> None:
    """Print what the container's program wrote."""
    from rustdocker_tasks.run import show_project_log

    show_project_log(bound.start(c), bound.choice(flags), follow=flags["follow"], say=Terminal().say)


def plan(bound: Bound, c: Context, flags: Flags) -> str:
    """Print what would be built and who set what; build nothing."""
    from rustdocker_tasks.pipeline import find_dependencies
    from rustdocker_tasks.report import dependency_rows, plan_json, plan_text

    planned = bound.planned(c, flags)
    found = find_dependencies(planned)
    if flags["json"]:
        return show_result(plan_json(planned.plan, planned.resolved, planned.project, found))
    rows = dependency_rows(planned.project, planned.plan, found)
    return show_result(plan_text(planned.plan, planned.resolved, rows))


def plan_all(bound: Bound, c: Context, flags: Flags) -> str:
    """Print which images would be built; with --json all that `plan` knows of each; build nothing."""
    from rustdocker_tasks.pipeline import find_dependencies
    from rustdocker_tasks.report import plans_json, plans_text

    planned = bound.planned_all(c, flags)
    for each in planned:
        if each.refused is not None:
            Terminal().say(f"{each.plan.name}: {each.refused}")
    if not flags["json"]:
        return show_result(plans_text([(each.plan, each.refused) for each in planned])) if planned else ""
    known = [(each.plan, each.resolved, each.project, find_dependencies(each)) for each in planned]
    return show_result(plans_json(known, [each.refused for each in planned]))


def config(bound: Bound, c: Context, flags: Flags) -> str:
    """Print every setting, its value and who set it; with --schema a JSON Schema for editors."""
    from rustdocker_tasks.pipeline import configure_image
    from rustdocker_tasks.report import config_json, config_rows, schema_json

    if flags["schema"]:
        return show_result(schema_json())
    resolved = configure_image(bound.start(c), bound.layers(c, flags)).resolved
    return show_result(config_json(resolved)) if flags["json"] else show_rows(config_rows(resolved))


def dockerfile(bound: Bound, c: Context, flags: Flags) -> str | None:
    """Write a Dockerfile that builds the image without this tool; print its path."""
    from rustdocker_tasks.eject import build_command, write_dockerfile
    from rustdocker_tasks.plan.container import require_container

    planned = bound.planned(c, flags)
    container = require_container(planned.plan, "a Dockerfile is for docker's own build")
    if is_dry(c, planned):
        return None
    path = write_dockerfile(planned.plan, container)
    if path.parent != container.context.root:
        Terminal().say(f"its context is another folder: {build_command(path, container)}")
    return show_result(str(path))


def dockerfile_all(bound: Bound, c: Context, flags: Flags) -> str | None:
    """Write a file for `docker buildx bake` that builds all images without this tool; print its path."""
    from rustdocker_tasks.programs import eject_programs

    planned = bound.planned_all(c, flags)
    return None if is_dry(c, *planned) else show_result(str(eject_programs(planned, say=Terminal().say)))


def sizes(bound: Bound, c: Context, flags: Flags) -> str | None:
    """Build every variant and print how large each is, and what weighs most."""
    from rustdocker_tasks.contents import sizes_json, sizes_text
    from rustdocker_tasks.pipeline import plan_variants, read_images

    planned = plan_variants(bound.start(c), bound.layers(c, flags), say=Terminal().say)
    if is_dry(c, *planned):
        return None
    images = read_images(planned, progress=Terminal())
    return show_result((sizes_json if flags["json"] else sizes_text)(images))


def inspect(bound: Bound, c: Context, flags: Flags) -> str | None:
    """Build the image and print what is in it, and why."""
    from rustdocker_tasks.contents import inspect_json, inspect_text
    from rustdocker_tasks.pipeline import read_image

    planned = bound.planned(c, flags)
    if is_dry(c, planned):
        return None
    image = read_image(planned.plan, progress=Terminal())
    return show_result((inspect_json if flags["json"] else inspect_text)(image))


def init(bound: Bound, c: Context, flags: Flags) -> str:
    """Write a tasks.py with the tasks, or a noxfile.py, and the settings asked for; show it, overwrite nothing."""
    from rustdocker_tasks.init import write_project_files

    written = write_project_files(
        bound.start(c),
        bound.asked(flags),
        for_nox=flags["nox"],
        dry=c.config.run.dry,
        say=Terminal().say,
    )
    return show_result("\n".join(map(str, written)))


def doctor(bound: Bound, c: Context, flags: Flags) -> str:
    """Print what of this machine keeps builds from working or being quick, and what to type; fail on a fault."""
    from rustdocker_tasks.diagnosis import diagnose, findings_json, findings_text, require_ready
    from rustdocker_tasks.doctor import examine, find_settings

    findings = diagnose(examine(find_settings(bound.start(c), bound.layers(c, flags))))
    shown = show_result((findings_json if flags["json"] else findings_text)(findings))
    require_ready(findings)
    return shown


def explain(bound: Bound, c: Context, flags: Flags) -> str:
    """Print why the last build in containers did what it did: what changed, was compiled, came from the cache."""
    from rustdocker_tasks.explain import last_build
    from rustdocker_tasks.explanation import encode, explanation_text

    told = last_build(bound.planned(c, flags).plan)
    return show_result(encode(told).decode() if flags["json"] else explanation_text(told))


def cache(bound: Bound, c: Context, flags: Flags) -> str:
    """Print what builds in containers keep on mounts; with --clear remove what is kept of this project."""
    from rustdocker_tasks.cache import clear_mounts, kept_mounts
    from rustdocker_tasks.plan.container import require_container
    from rustdocker_tasks.printable import megabytes
    from rustdocker_tasks.report import mounts_json, mounts_text

    problem = "it keeps nothing but your own target folder, which `invoke clean` empties"
    container = require_container(bound.planned(c, flags).plan, problem)
    if flags["clear"] and not c.config.run.dry:
        Terminal().say(f"removed: {megabytes(clear_mounts(container))}")
    kept = kept_mounts(container)
    return show_result((mounts_json if flags["json"] else mounts_text)(kept))


def test(bound: Bound, c: Context, flags: Flags) -> None:
    """Run `cargo test` where images are built: in a container of the build image, or here."""
    from rustdocker_tasks.plan.commands import TEST

    _run_command(bound, c, flags, TEST)


def clippy(bound: Bound, c: Context, flags: Flags) -> None:
    """Run `cargo clippy` for all targets where images are built."""
    from rustdocker_tasks.plan.commands import CLIPPY

    _run_command(bound, c, flags, CLIPPY)


def fmt(bound: Bound, c: Context, flags: Flags) -> None:
    """Format the sources with the rustfmt of the build image, or of this machine."""
    from rustdocker_tasks.plan.commands import FMT

    _run_command(bound, c, flags, FMT)


def _run_command(bound: Bound, c: Context, flags: Flags, command: CargoCommand) -> None:
    from rustdocker_tasks.commands import plan_command, run_command
    from rustdocker_tasks.plan.commands import CommandWords, command_line
    from rustdocker_tasks.run_flags import program_arguments

    check = ("--check",) if flags.get("check") else ()
    added = CommandWords(
        words=(*check, *(program_arguments(flags["args"], "") or ())),
        last=program_arguments(None, getattr(c, "remainder", "")) or (),
    )
    planned = plan_command(bound.start(c), bound.layers(c, flags), command, added)
    if c.config.run.dry:
        Terminal().say(command_line(planned.plan))
    else:
        run_command(planned, progress=Terminal())


def shell(bound: Bound, c: Context, flags: Flags) -> None:
    """Open a shell in the build image, with the project's folder mounted read-only."""
    from rustdocker_tasks.run_flags import program_arguments
    from rustdocker_tasks.shell import open_shell

    words = program_arguments(flags["args"], getattr(c, "remainder", "")) or ()
    if c.config.run.dry:
        Terminal().say("would open a shell in the build image")
        return
    written, code = open_shell(bound.start(c), bound.layers(c, flags), words, progress=Terminal())
    if written:
        show_result(written.rstrip("\n"))
    if code:
        raise Exit(code=code)


def clean(bound: Bound, c: Context, flags: Flags) -> None:
    """Remove what builds of the project left: mounts of the engine, or cargo's target folder; no image."""
    from rustdocker_tasks.commands import clean_project

    clean_project(bound.start(c), bound.layers(c, flags), dry=c.config.run.dry, say=Terminal().say)
