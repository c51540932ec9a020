"""Dockerfile objects -> text. All quoting is here and nowhere else."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from rustdocker_tasks.dockerfile.instructions import (
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    HealthcheckCommand,
    Label,
    Run,
    RunAs,
    StopSignal,
    Volume,
    Workdir,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rustdocker_tasks.dockerfile.instructions import Dockerfile, Instruction, Mount
    from rustdocker_tasks.image_config import Healthcheck

_PLAIN_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_NEEDS_QUOTES = re.compile(r'[\s"]')
_FOR_A_SHELL = re.compile(r"[\\$\"']|\s$")
# A first line of another form can name a frontend to be loaded; after an ordinary comment none can.
FIRST_LINE = "# Made by rustdocker-tasks: `invoke dockerfile` writes it anew."


def render(dockerfile: Dockerfile) -> str:
    """Return the Dockerfile's text, a line for each instruction and each mount."""
    lines = [f"{FIRST_LINE}\n"]
    for instruction in dockerfile:
        if isinstance(instruction, From) and len(lines) > 1:
            lines.append("")
        lines.append(_line(instruction))
    return "\n".join(lines) + "\n"


def _line(instruction: Instruction) -> str:  # noqa: C901, PLR0911, PLR0912 - one return for each class
    match instruction:
        case From(image=image, stage=stage):
            return f"FROM {image} AS {stage}" if stage else f"FROM {image}"
        case Run(words=words, mounts=mounts, is_isolated=is_isolated):
            network = ["--network=none"] if is_isolated else []
            return " \\\n    ".join(["RUN", *network, *map(_mount, mounts), _words(words)])
        case Copy(stage=stage, source=source, destination=destination):
            return f"COPY --from={stage} {source} {destination}"
        case Env(variables=variables):
            return _pairs("ENV", variables)
        case Label(labels=labels):
            return _pairs("LABEL", labels)
        case StopSignal(signal=signal):
            return f"STOPSIGNAL {signal}"
        case HealthcheckCommand(healthcheck=healthcheck):
            return _healthcheck(healthcheck)
        case Volume(folders=folders):
            # In spite of the JSON, BuildKit reads each as a word of a shell.
            return f"VOLUME {_words([_word(folder) for folder in folders])}"
        case Workdir(folder=folder):
            return f"WORKDIR {_quoted(folder)}"
        case Expose(port=port):
            return f"EXPOSE {port}"
        case RunAs(user=user):
            return f"USER {user}"
        case Entrypoint(words=words):
            return f"ENTRYPOINT {_words(words)}"
        case Cmd(words=words):
            return f"CMD {_words(words)}"


def _healthcheck(healthcheck: Healthcheck) -> str:
    flags = {
        "interval": healthcheck.interval,
        "timeout": healthcheck.timeout,
        "start-period": healthcheck.start_period,
        "retries": healthcheck.retries,
    }
    given = [f"--{name}={value}" for name, value in flags.items() if value is not None]
    return " ".join(["HEALTHCHECK", *given, "CMD", _words(healthcheck.command)])


def _pairs(keyword: str, values: Mapping[str, str]) -> str:
    pairs = [f"{_name(name)}={_quoted(value)}" for name, value in values.items()]
    return " \\\n    ".join([f"{keyword} {pairs[0]}", *pairs[1:]])


def _words(words: Sequence[str]) -> str:
    """The exec form: JSON, in which nothing is expanded.

    Its characters stand as they are, but for those that JSON or a Dockerfile gives a meaning.
    """
    return json.dumps(list(words), ensure_ascii=True)


def _mount(mount: Mount) -> str:
    """CSV, in a word that may be quoted. Source: BuildKit, frontend/dockerfile/parser/split_command.go."""
    fields = [f"type={mount.type}", *(f"{k}={v}" if v else k for k, v in mount.options.items())]
    text = ",".join(f'"{field}"' if "," in field else field for field in fields)
    return f"--mount='{text}'" if _NEEDS_QUOTES.search(text) else f"--mount={text}"


def _name(text: str) -> str:
    return text if _PLAIN_NAME.fullmatch(text) else _quoted(text)


def _word(text: str) -> str:
    return _escaped(text) if _FOR_A_SHELL.search(text) else text


def _quoted(text: str) -> str:
    """A line break ends any instruction."""
    if "\n" in text or "\r" in text:
        message = "a line break cannot stand in a Dockerfile's text"
        raise ValueError(message)
    return _escaped(text)


def _escaped(text: str) -> str:
    """A backslash, a quote and a dollar mean something between quotes."""
    for character in ("\\", '"', "$"):
        text = text.replace(character, f"\\{character}")
    return f'"{text}"'
