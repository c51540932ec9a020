"""buildx's plain progress -> what the user sees of it, what is being done now, and why a build failed. Pure.

Source: buildkit, util/progress/progressui/printer.go: `#3 [build 2/3] RUN …`, `#3 1.234 a line of its output`,
`#3 DONE 1.2s`, `#3 ERROR: …`, and after all steps `ERROR: …`.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rustdocker_tasks.progress import Step

if TYPE_CHECKING:
    from collections.abc import Iterable

# Lines of our own scripts start so; see dockerfile/*.sh.
_MARK = "rustdocker: "
_FOR_THE_USER = "rustdocker says: "
_NOT_AS_LISTED = f"{_MARK}not as listed: "
_NOT_MADE = f"{_MARK}not made: "
_OF_A_VERTEX = re.compile(r"#(\d+) (.*)")
_OUTPUT = re.compile(r"\d+\.\d+ ?(.*)")
_DONE = re.compile(r"DONE (\d+\.\d+)s")
_ERROR = re.compile(r"ERROR: (.*)")
# Bake's: `[image-2 rustdocker-build 3/3] RUN …`.
_OF_A_TARGET = re.compile(r"\[(image-\d+)[ \]]")
_CACHED = "CACHED"
_SENT = re.compile(r"transferring context: (\d+(?:\.\d+)?)([kMG]?B)\b.*")
_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}
_COMPILING = re.compile(r"\s+Compiling (\S+ v\S+).*")
_TOOK = re.compile(rf"{_MARK}took (\d+\.\d+) (\S+)")
_UNSEEN = "      Timing report saved to "
_TAKEN = re.compile(r"importing cache manifest from (.*)")
_PUT = re.compile(r"exporting cache to .*")
_NONE_YET = re.compile(r"WARNING: local cache import at (.*) not found due to err: .*")
# Cargo writes the first word of a line by itself, in twelve columns. Where another step speaks in between, buildx
# ends the line there, and brings it again, whole, when it comes back to the step.
_CUT = re.compile(r"(?=.{12}(?:#|$)) +[A-Z][a-z]+(?:#\d+ \.\.\.)?")
_SHOWN = 5  # lines of docker's own, where buildx did not even start
_REMEMBERED = 5_000  # lines; a build script that fails can write hundreds
_DEPENDENCIES = "compile dependencies"
# What BuildKit calls its work -> what we call it. A step that runs one of our scripts is called after that.
_STEPS = (
    (re.compile(r"\[internal\] load build context"), "send sources"),
    (re.compile(r"\[internal\] load metadata|\[[^]]*\] FROM "), "get base image"),
    (re.compile(r'RUN .*"sh", "/(?:[^"]*/)?prepare\b'), "prepare"),
    (re.compile(r'RUN .*"sh", "/(?:[^"]*/)?packages\b'), "get packages"),
    (re.compile(r'RUN .*"sh", "/(?:[^"]*/)?fetch\b'), "fetch"),
    (re.compile(r'RUN .*"sh", "/(?:[^"]*/)?dependencies\b'), _DEPENDENCIES),
    (re.compile(r'RUN .*"sh", "/(?:[^"]*/)?compile\b'), "compile"),
    (re.compile(r'RUN .*"sh", "/(?:[^"]*/)?command\b'), "run"),
    (re.compile(r'RUN .*"sh", "/(?:[^"]*/)?files\b|COPY --from'), "assemble"),
    (re.compile("exporting to (?:oci|docker|image)|importing to"), "load"),
)
# Cargo's own: `Building [====>     ] 45/167: serde, syn(build.rs)`.
_COUNTED = re.compile(r"\s*Building \[[=> ]*\] (\d+)/(\d+)(?:: (.*))?")
# What stands before the reason, of buildx 0.29 and of the BuildKit in Engine 20.10.
_LEAD = re.compile(
    r"^(?:(?:failed to build|failed to solve|failed to create LLB definition|"
    r"rpc error: code = \w+ desc = failed to solve with frontend dockerfile\.v0): )+"
)
# The engine's garbage collection takes a layer of an image while that is unpacked. Source: moby/buildkit #6521,
# mended by #6558 of March 2026; seen with Engine 28.5.
_LOST_LAYER = re.compile(r"failed to prepare extraction snapshot .* parent snapshot \S+ does not exist: not found")
# A step's words, which hold the values of `build-env`.
_WORDS = re.compile(r'process ".*" did not complete')


@dataclass(slots=True)
class Told:
    """What the steps of one target said: an image of a bake, or all of a build."""

    noticed: str = ""  # what our scripts noticed last
    not_made: dict[str, str] = field(default_factory=dict)  # programs that failed, and what was noticed of each
    output: deque[str] = field(
        default_factory=lambda: deque(maxlen=_REMEMBERED)
    )  # the last lines of the steps' own


@dataclass(slots=True)
class BuildLog:
    """What a build said so far. `stubs` are packages that are none yet where the dependencies are compiled."""

    stubs: frozenset[str] = frozenset()
    not_as_listed: list[str] = field(
        default_factory=list
    )  # paths of sources that the context brought in an old state
    told: dict[str, Told] = field(default_factory=dict)  # by target, an empty word where there is but one
    errors: list[str] = field(default_factory=list)  # what buildx said at the end
    step: Step | None = None  # what is being done now
    seconds: dict[str, float] = field(default_factory=dict)  # by step, without those that the cache answered
    cached: list[str] = field(default_factory=list)  # steps that the cache answered
    compiled: list[str] = field(default_factory=list)  # crates, with their versions
    took: dict[str, float] = field(default_factory=dict)  # seconds of the slowest crates
    sent: int = 0  # bytes of the context
    _other: deque[str] = field(default_factory=lambda: deque(maxlen=_SHOWN))  # the last lines of docker's own
    _names: dict[str, str] = field(default_factory=dict)  # of the steps, by BuildKit's number
    _targets: dict[str, str] = field(default_factory=dict)  # of the steps
    _stores: dict[str, str] = field(default_factory=dict)  # what it means if that step fails

    def feed(self, line: str) -> list[str]:
        """Take in a line and return the lines to show of it."""
        of_a_vertex = _OF_A_VERTEX.fullmatch(line)
        if of_a_vertex is None:
            if error := _ERROR.fullmatch(line):
                self.errors.append(error[1])
            elif line.strip():
                self._other.append(line)
            none_yet = _NONE_YET.fullmatch(line)
            return [f"there are no layers in {none_yet[1]} yet"] if none_yet else []
        number, text = of_a_vertex.groups()
        if output := _OUTPUT.fullmatch(text):
            return [] if _CUT.fullmatch(output[1]) else self._feed_output(number, output[1])
        if number not in self._names:
            self._begin(number, text)
            return []
        if (error := _ERROR.fullmatch(text)) and number in self._stores:
            return [f"{self._stores[number]}: {error[1]}"]
        self._feed_fact(self._names[number], text)
        return []

    def _begin(self, number: str, text: str) -> None:
        """Take in the first words of a step."""
        target = _OF_A_TARGET.match(text)
        self._targets[number] = target[1] if target else ""
        self._names[number] = next((name for pattern, name in _STEPS if pattern.search(text)), "")
        self._show(number)
        if taken := _TAKEN.fullmatch(text):
            self._stores[number] = f"no layers were taken from {taken[1]}"
        elif _PUT.fullmatch(text):
            self._stores[number] = "no layers were left for other machines"

    def _feed_fact(self, name: str, text: str) -> None:
        """Take in what BuildKit says of a step that people have a name for."""
        if sent := _SENT.fullmatch(text):
            self.sent = int(float(sent[1]) * _UNITS[sent[2]])
        elif name and text == _CACHED:
            self.cached.append(name)
        elif name and (done := _DONE.fullmatch(text)):
            self.seconds[name] = self.seconds.get(name, 0.0) + float(done[1])

    def _feed_output(self, number: str, text: str) -> list[str]:
        *overwritten, last = text.split("\r")
        if _COUNTED.fullmatch(last.rstrip()):
            # BuildKit hands on what a step wrote before its line is whole, and ends it there.
            overwritten, last = [*overwritten, last], ""
        for piece in overwritten:
            if counted := _COUNTED.fullmatch(piece.rstrip()):
                done, total, names = counted.groups(default="")
                self._show(number, done=int(done), total=int(total), detail=names)
            elif piece.strip():
                self._show(number, detail=piece.strip())
        if overwritten and not last.strip():
            return []
        if overwritten and (error := _ERROR.fullmatch(last)):
            # buildx itself speaks, where a step was cut off in the middle of a line.
            self.errors.append(error[1])
            return []
        told = self.told.setdefault(self._targets.get(number, ""), Told())
        return self._feed_line(told, last, of_dependencies=self._names.get(number) == _DEPENDENCIES)

    def _feed_line(self, told: Told, line: str, *, of_dependencies: bool) -> list[str]:
        """Take in a whole line of a step: for the user, for us, or for nobody."""
        if line.startswith(_NOT_AS_LISTED):
            self.not_as_listed.append(line.removeprefix(_NOT_AS_LISTED))
        elif line.startswith(_NOT_MADE):
            told.not_made[line.removeprefix(_NOT_MADE)] = told.noticed
        elif took := _TOOK.fullmatch(line):
            self.took[took[2]] = float(took[1])
        elif line.startswith(_MARK):
            told.noticed = line.removeprefix(_MARK)
        elif not line.startswith(_UNSEEN):
            if compiling := _COMPILING.fullmatch(line):
                # Of a package in a folder cargo tells which.
                if of_dependencies and compiling[1].split()[0] in self.stubs and " (/" in line:
                    return []
                self.compiled.append(compiling[1])
            told.output.append(line)
            return [line.removeprefix(_FOR_THE_USER)]
        return []

    def _show(self, number: str, *, done: int | None = None, total: int | None = None, detail: str = "") -> None:
        if name := self._names.get(number):
            self.step = Step(name=name, done=done, total=total, detail=detail)

    def told_of(self, targets: Iterable[str]) -> Told | None:
        """Return what the scripts noticed for one of the targets, None if they noticed nothing.

        A step that several targets have is told of one of them.
        """
        told = (self.told.get(target) for target in targets)
        return next((each for each in told if each is not None and (each.not_made or each.noticed)), None)

    @property
    def lost_layer(self) -> bool:
        """Whether the engine dropped a layer of the image that it made, which it would not do again."""
        return any(_LOST_LAYER.search(error) for error in self.errors)

    @property
    def reason(self) -> str:
        """Why the build failed, in buildx's own words but for those of a step."""
        reasons = (_WORDS.sub("a step did not complete", _LEAD.sub("", error)) for error in self.errors)
        return "\n".join(reasons) or "\n".join(self._other) or "buildx gave no reason"
