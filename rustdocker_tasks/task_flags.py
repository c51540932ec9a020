"""The flags of the tasks, each declared once."""

from __future__ import annotations

from typing import NamedTuple


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
    Flag("profile", "Cargo's profile to compile with; small and smallest are there too."),
    Flag("target", "The target triple to compile for, in place of the usual one."),
    Flag("backend", "What builds the image: auto, buildx or host."),
)
_, BIN, PACKAGE, FEATURES, PROFILE, TARGET, BACKEND = SETTING_FLAGS
# Those that make sense for several programs at once.
FLAGS_OF_ALL = (VARIANT, PROFILE, TARGET, BACKEND)
CHANGED_SINCE = Flag("changed-since", "Only the programs that differ from those of a git revision, such as main.")
CARGO_ARGS = Flag("args", "More arguments for cargo, as one text.")
SHELL_FLAGS = (PACKAGE, BACKEND, Flag("args", "Arguments for the shell, such as -c 'cargo tree'."))
CARGO_FLAGS = (PACKAGE, FEATURES, PROFILE, TARGET, BACKEND, CARGO_ARGS)
FMT_FLAGS = (
    PACKAGE,
    BACKEND,
    Flag("check", "Change nothing: fail where something is not formatted.", default=False),
    CARGO_ARGS,
)
JSON = Flag("json", "Print the result as JSON.", default=False)
SCHEMA = Flag("schema", "Print a JSON Schema of Cargo.toml's tables instead.", default=False)
CLEAR = Flag("clear", "Remove what is kept of this project.", default=False)
START_FLAGS = (
    Flag("env", "Set a variable, NAME=value, or hand on NAME; may be repeated.", []),
    Flag("env-file", "Read variables from a file; may be repeated.", []),
    Flag("volume", "Mount a folder or volume, ./data:/data; may be repeated.", []),
    Flag("args", "Arguments for the program, as one text."),
)
WAIT = Flag("wait", "Seconds that the program has to listen on its ports, or to end if it has none.", "30")
PORT = Flag("port", "Publish a port as docker does, such as 8081:8080; may be repeated.", [])
RUN_FLAGS = (
    Flag("detach", "Leave it running once it listens, and print the container's ID.", default=False),
    PORT,
    *START_FLAGS,
    WAIT,
)
MEMORY = Flag("memory", "How much memory the program gets, as docker writes it.", "512M")
UNCHECKED = Flag("unchecked", "Push without starting the image first.", default=False)
NOX = Flag("nox", "Write a noxfile.py, for Nox.", default=False)
SET = Flag("set", "Another setting to write, such as 'expose=[8080]'; a path starts at Cargo.toml.", [])
FOLLOW = Flag("follow", "Go on until the program ends.", default=False)


def parameter(flag: Flag) -> str:
    return flag.name.replace("-", "_")
