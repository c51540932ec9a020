"""What was found on this machine -> what keeps builds from working or from being quick, and what to type. Pure."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

from rustdocker_tasks.engine.versions import buildkit_problem
from rustdocker_tasks.errors import NotReady
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.printable import as_json, megabytes
from rustdocker_tasks.settings.options import Backend

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rustdocker_tasks.engine.request import EngineFacts

_TOO_LITTLE, _LITTLE = 10**9, 5 * 10**9  # bytes of free disk
_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "kB": 10**3, "MB": 10**6, "GB": 10**9}
# Until then the rule for mounts matched nothing. Source: BuildKit 0.31's release notes, Engine 29.6's.
_EVICTS_SINCE, _BUILDKIT_EVICTS_SINCE = (29, 6), (0, 31)
_INSTALL_BUILDX = "install docker-buildx-plugin (docker's packages) or docker-buildx (Debian's)"


class Grade(Enum):
    FINE = "ok"
    ADVICE = "note"
    FAULT = "FAULT"


class Finding(Frozen, frozen=True, kw_only=True):
    name: str
    grade: Grade
    found: str
    hint: str = ""  # what to type, or to do


class MachineReport(Frozen, frozen=True, kw_only=True):
    """What was found on this machine."""

    backend: Backend  # what is asked for
    needs_containers: bool = False  # what is asked for has a base image
    builder: str | None = None  # what is asked for
    has_builder: bool = True  # it is there
    buildkit: str | None = None  # the builder's version, where it tells
    plugin: str | None  # where buildx is
    engine: EngineFacts | None
    engine_problem: str  # why none answers
    eviction: Eviction | None
    cargo: str | None  # its version
    git: bool
    unreachable_proxies: tuple[str, ...]
    ca_bundle: str | None


class Eviction(Frozen, frozen=True, kw_only=True):
    """When the builder removes mounts that nobody used for a while."""

    after: str  # as the builder says it, such as `48h0m0s`
    above: int  # bytes of all that it keeps


def parse_eviction(text: str) -> Eviction | None:
    """Return the rule for mounts in what `docker buildx inspect` prints, None if there is none."""
    for rule in re.split(r"GC Policy rule#\d+:", text)[1:]:
        fields = dict(re.findall(r"^ *([A-Z][A-Za-z ]+): +(\S+)", rule, flags=re.MULTILINE))
        limit = re.fullmatch(r"([0-9.]+)([A-Za-z]+)", fields.get("Max Used Space", ""))
        if "exec.cachemount" in fields.get("Filters", "") and limit and limit[2] in _UNITS:
            after = fields.get("Keep Duration", "any time")
            return Eviction(after=after, above=int(float(limit[1]) * _UNITS[limit[2]]))
    return None


def parse_buildkit(text: str) -> str | None:
    """Return the version in what `docker buildx inspect` prints; 0.0.0, as some engines call theirs, is none."""
    match = re.search(r"^BuildKit version: +v?([0-9]\S*)", text, flags=re.MULTILINE)
    return match[1] if match and not match[1].startswith("0.0.0") else None


def diagnose(machine: MachineReport) -> list[Finding]:
    """Return a finding for each thing that a build needs; one that is a fault keeps builds from working."""
    return [
        _buildx(machine),
        _engine(machine),
        *_builder(machine),
        *_disk(machine),
        *_mounts(machine),
        _cargo(machine),
        Finding(name="git", grade=Grade.FINE, found="there")
        if machine.git
        else Finding(
            name="git",
            grade=Grade.ADVICE,
            found="not there",
            hint="install git, for the label with the commit",
        ),
        _proxies(machine),
        Finding(name="company CA", grade=Grade.FINE, found=machine.ca_bundle or "none"),
    ]


def _can_use_containers(machine: MachineReport) -> bool:
    engine = machine.engine
    return machine.plugin is not None and engine is not None and buildkit_problem(engine.api_version) is None


def _lack(machine: MachineReport) -> Grade:
    """How bad it is that builds in containers are impossible: without them, the local cargo is all there is."""
    needed = machine.backend is Backend.BUILDX or (
        machine.backend is Backend.AUTO and (machine.cargo is None or machine.needs_containers)
    )
    return Grade.FAULT if needed else Grade.ADVICE


def _buildx(machine: MachineReport) -> Finding:
    if machine.plugin is not None:
        return Finding(name="buildx", grade=Grade.FINE, found=machine.plugin)
    return Finding(name="buildx", grade=_lack(machine), found="docker has no such plugin", hint=_INSTALL_BUILDX)


def _engine(machine: MachineReport) -> Finding:
    engine = machine.engine
    if engine is None:
        hint = "start it, or let DOCKER_HOST or docker's context name another; without one images are archives"
        return Finding(name="engine", grade=_lack(machine), found=machine.engine_problem, hint=hint)
    problem = buildkit_problem(engine.api_version)
    if problem is not None:
        return Finding(
            name="engine", grade=_lack(machine), found=problem, hint="install Docker Engine 20.10 or later"
        )
    return Finding(name="engine", grade=Grade.FINE, found=f"{engine.version}, image store {engine.store}")


def _builder(machine: MachineReport) -> Iterator[Finding]:
    if machine.builder is not None and machine.plugin is not None:
        if machine.has_builder:
            yield Finding(name="builder", grade=Grade.FINE, found=machine.builder)
        else:
            hint = "docker buildx ls shows those that there are; docker buildx create makes one"
            found = f"there is none called {machine.builder}, or it does not answer"
            yield Finding(name="builder", grade=_lack(machine), found=found, hint=hint)


def _disk(machine: MachineReport) -> Iterator[Finding]:
    free = machine.engine.free if machine.engine else None
    if free is not None:
        levels = ((_TOO_LITTLE, Grade.FAULT), (_LITTLE, Grade.ADVICE))
        grade = next((grade for least, grade in levels if free < least), Grade.FINE)
        hint = "" if grade is Grade.FINE else "docker system prune, docker buildx prune, or invoke cache --clear"
        yield Finding(name="disk", grade=grade, found=f"{megabytes(free)} free for the engine", hint=hint)


def _mounts(machine: MachineReport) -> Iterator[Finding]:
    rule = machine.eviction
    if rule is None or machine.engine is None:
        return
    found = f"removed if unused for {rule.after} while all that is kept is more than {megabytes(rule.above)}"
    told, since = machine.engine.version, _EVICTS_SINCE
    if machine.buildkit is not None:
        told, since = machine.buildkit, _BUILDKIT_EVICTS_SINCE
    if _numbers(told)[:2] < since:
        found, grade, hint = "never removed by this builder's own rules", Grade.FINE, ""
    else:
        grade = Grade.ADVICE
        hint = "to keep them longer, set builder.gc.policy in the engine's daemon.json"
    yield Finding(name="cache mounts", grade=grade, found=found, hint=hint)


def _cargo(machine: MachineReport) -> Finding:
    if machine.cargo is not None:
        return Finding(name="cargo", grade=Grade.FINE, found=machine.cargo)
    needed = machine.backend is Backend.HOST or (
        machine.backend is Backend.AUTO and not _can_use_containers(machine)
    )
    grade = Grade.FAULT if needed else Grade.ADVICE
    hint = "install it from rustup.rs: the host backend compiles with it, and plans are exact by it"
    return Finding(name="cargo", grade=grade, found="not there", hint=hint)


def _proxies(machine: MachineReport) -> Finding:
    if not machine.unreachable_proxies:
        return Finding(name="proxies", grade=Grade.FINE, found="none that a container could not reach")
    names = ", ".join(machine.unreachable_proxies)
    hint = "name the machine by an address that containers reach, such as that of docker's bridge"
    return Finding(name="proxies", grade=Grade.ADVICE, found=f"{names}: this very machine", hint=hint)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def require_ready(findings: Sequence[Finding]) -> None:
    """Raise NotReady if one of them is a fault."""
    faults = [each.name for each in findings if each.grade is Grade.FAULT]
    if faults:
        raise NotReady(faults)


def findings_text(findings: Sequence[Finding]) -> str:
    """Return a line for each finding, and one below it for what to do."""
    rows = []
    for each in findings:
        rows.append(f"{each.grade.value:<6}{each.name:<14}{each.found}")
        rows += [f"{'':<20}{each.hint}"] if each.hint else []
    return "\n".join(rows)


def findings_json(findings: Sequence[Finding]) -> str:
    return as_json(
        [{"name": f.name, "verdict": f.grade.value, "found": f.found, "hint": f.hint or None} for f in findings]
    )
