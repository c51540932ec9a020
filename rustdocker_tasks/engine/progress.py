"""buildx's plain progress -> what the user sees of it, and why a build failed. Pure.

Source: buildkit, util/progress/progressui/printer.go: `#3 [build 2/3] RUN …`, `#3 1.234 a line of its output`,
`#3 ERROR: …`, and after all steps `ERROR: …`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# Lines of our own scripts start so; see dockerfile/*.sh.
_MARK = "rustdocker: "
_FOR_THE_USER = "rustdocker says: "
_NOT_AS_LISTED = f"{_MARK}not as listed: "
_OUTPUT = re.compile(r"#\d+ \d+\.\d+ ?(.*)")
_ERROR = re.compile(r"ERROR: (.*)")
# What stands before the reason, of buildx 0.29 and of the BuildKit in Engine 20.10.
_LEAD = re.compile(
    r"^(?:(?:failed to build|failed to solve|failed to create LLB definition|"
    r"rpc error: code = \w+ desc = failed to solve with frontend dockerfile\.v0): )+"
)


@dataclass(slots=True)
class BuildLog:
    """What a build said so far."""

    not_as_listed: list[str] = field(
        default_factory=list
    )  # paths of sources that the context brought in an old state
    marks: list[str] = field(default_factory=list)  # what our scripts noticed
    errors: list[str] = field(default_factory=list)  # what buildx said at the end

    def feed(self, line: str) -> str | None:
        """Take in a line and return what to show of it, None for nothing."""
        output = _OUTPUT.fullmatch(line)
        if output is None:
            if error := _ERROR.fullmatch(line):
                self.errors.append(error[1])
            return None
        text = output[1]
        if text.startswith(_NOT_AS_LISTED):
            self.not_as_listed.append(text.removeprefix(_NOT_AS_LISTED))
            return None
        if text.startswith(_MARK):
            self.marks.append(text.removeprefix(_MARK))
            return None
        return text.removeprefix(_FOR_THE_USER)

    @property
    def reason(self) -> str:
        """Why the build failed, in buildx's own words."""
        return "\n".join(_LEAD.sub("", error) for error in self.errors) or "buildx gave no reason"
