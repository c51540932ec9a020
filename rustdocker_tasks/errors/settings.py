"""A flag, variable or key says something that cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustdocker_tasks.errors.base import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path, PurePosixPath


class UnknownKey(SettingsError):
    def __init__(self, key: str, *, where: str, known: Sequence[str], nearest: str | None) -> None:
        super().__init__(
            f"there is no setting `{key}`",
            found=key,
            set_by=where,
            hint=f"did you mean `{nearest}`?" if nearest else f"the settings are: {', '.join(known)}",
        )


class MisplacedKey(SettingsError):
    """A setting in a table that cannot have it, or outside of the table that it is part of."""

    def __init__(self, key: str, *, where: str, table: str | None = None, belongs: str | None = None) -> None:
        super().__init__(
            f"`{key}` cannot stand in the table `{table}`, which counts only after it is chosen"
            if table
            else f"`{key}` is a part of `{belongs}`, and no setting by itself",
            found=key,
            set_by=where,
            hint="write it in the table around" if table else f"write it as {belongs}.{key}",
        )


class MisplacedTable(SettingsError):
    def __init__(self, table: str, *, where: str, right: str) -> None:
        super().__init__(
            f"nobody reads the table [{table}]",
            found=f"[{table}]",
            set_by=where,
            hint=f"write it as [{right}]",
        )


class SameImage(SettingsError):
    def __init__(self, tag: str, *, programs: tuple[str, str], set_by: str) -> None:
        super().__init__(
            f"two programs would become one image, {tag}",
            found=f"{' and '.join(programs)} have it among their tags",
            set_by=set_by,
            hint="give each its own, for example with {name} in `tag` or `repository`",
        )


class BadValue(SettingsError):
    def __init__(self, key: str, *, value: str, where: str, problem: str, example: str) -> None:
        super().__init__(
            f"`{key}` cannot take this value: {problem}",
            found=value,
            set_by=where,
            hint=f"write it like {example}",
        )


class SeveralBadSettings(SettingsError):
    """Several at once, so that they can be mended at once."""

    def __init__(self, errors: Sequence[SettingsError]) -> None:
        self._errors = errors
        super().__init__(
            f"{len(errors)} settings are wrong",
            found="\n".join(error.what for error in errors),
            set_by="\n".join(dict.fromkeys(error.set_by for error in errors)),
            hint="\n".join(error.hint for error in errors),
        )

    def __str__(self) -> str:
        return "\n".join(map(str, self._errors))


class BadFlag(SettingsError):
    def __init__(self, flag: str, *, value: str, problem: str, example: str) -> None:
        super().__init__(
            f"{flag} cannot take this value: {problem}",
            found=value,
            set_by=flag,
            hint=f"write it like {example}",
        )


class BadArgument(SettingsError):
    def __init__(self, function: str, argument: str, *, value: str, problem: str, example: str) -> None:
        super().__init__(
            f"`{argument}` of {function}() cannot take this value: {problem}",
            found=value,
            set_by=f"{function}({argument}=…)",
            hint=f"write it like {argument}={example}",
        )


class NoSuchFlag(SettingsError):
    def __init__(self, task: str, *, found: str, nearest: str | None) -> None:
        super().__init__(
            f"the task `{task}` has no such argument",
            found=found,
            set_by="the task that calls it",
            hint=f"did you mean {nearest}=…?"
            if nearest
            else f"`invoke --help {task}` lists its flags; "
            "they are called by name, and other settings stand in collection(…)",
        )


class NoRevision(SettingsError):
    def __init__(self, revision: str, *, problem: str) -> None:
        super().__init__(
            f"what differs from {revision} cannot be told",
            found=problem,
            set_by="--changed-since",
            hint="name a commit, a branch or a tag of this repository (`git branch --all` lists branches), "
            "or build all without it",
        )


class NotOfOneProgram(SettingsError):
    def __init__(self, key: str, *, value: str) -> None:
        super().__init__(
            f"`{key}` chooses one program, and a workspace's tasks are for all",
            found=value,
            set_by=f"workspace({key}=…)",
            hint=f"take collection(root, {key}=…) for one, or its own collection of the workspace's",
        )


class NoRepository(SettingsError):
    def __init__(self, tag: str, *, set_by: str) -> None:
        super().__init__(
            f"the image's name {tag} says no registry to push to",
            found=tag,
            set_by=set_by,
            hint='set repository = "ghcr.io/you/{name}" in [package.metadata.rustdocker] '
            f"(docker.io/you is Docker Hub), or name it whole: --tag ghcr.io/you/{tag}",
        )


class PathTaken(SettingsError):
    def __init__(self, path: PurePosixPath, *, by: str, set_by: str) -> None:
        super().__init__(
            "two things of the image would have one path",
            found=f"{path}: {by}",
            set_by=set_by,
            hint="give one of them another path in the image",
        )


class UnreadableFile(SettingsError):
    def __init__(self, key: str, path: Path, *, where: str, problem: str) -> None:
        super().__init__(
            f"the file that `{key}` names cannot be used: {problem}",
            found=str(path),
            set_by=where,
            hint="name a file that holds what is asked for; "
            "a relative path starts at the folder of the file that sets it",
        )
