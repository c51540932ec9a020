"""What a build in containers gets of the user's sources: every file with its digest, and what is kept out."""

from __future__ import annotations

import os
from functools import cache, cached_property
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rustdocker_tasks.cargo.surroundings import cargo_home
from rustdocker_tasks.context.ignore import (
    IgnorePatterns,
    below,
    is_outside,
    literal,
    parse_ignore_file,
    require_pattern,
)
from rustdocker_tasks.errors import BrokenPattern, IgnoredManifest, UnusableSource
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.inputs.source_tree import (
    FILES_OF_OTHERS,
    MARK_OF_VENDORED,
    NAMES_OF_OTHERS,
    read_content,
    walk,
)
from rustdocker_tasks.inputs.words import words_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rustdocker_tasks.plan.context import ContextFolders

IGNORE_FILE = ".dockerignore"
# What people keep beside their sources and nobody wants in an image; the patterns are .dockerignore's.
_NEVER = tuple(f"**/{name}" for name in (*sorted(NAMES_OF_OTHERS), *FILES_OF_OTHERS))
# Files of secrets, and the names of those that show what such a file is to hold.
_ENV = ".env"
_NAMES_OF_SECRETS = (_ENV, ".envrc", ".netrc", ".git-credentials", ".pgpass", ".pypirc")
_SECRETS = (f"**/{_ENV}.*", *(f"**/{name}" for name in _NAMES_OF_SECRETS))
_EXAMPLES = {f"{_ENV}.{name}" for name in ("example", "sample", "template", "dist", "defaults")}
# Where people keep keys and tokens: a link may lead there by any name. Source: the manuals of ssh, gpg, git, curl,
# docker, the programs of AWS, Azure, Google and Kubernetes, PostgreSQL, npm and twine.
_OF_SECRETS = {
    *(".ssh", ".gnupg", ".git-credentials", ".netrc", ".docker", ".aws", ".azure", ".kube"),
    *(".pgpass", ".npmrc", ".pypirc"),
}
# Cargo's home may lie in the project, where CI keeps it: tokens, programs, and what changes with each call. What
# it has fetched is marked as no source. Source: the Cargo book, "Cargo Home".
_OF_CARGO_HOME = (
    "credentials",
    "credentials.toml",
    ".crates.toml",
    ".crates2.json",
    ".global-cache",
    ".package-cache*",
)
_TARGET = "target"
# Of a repository's own folder: what holds passwords, is large, or is for people.
_NOT_OF_GIT = ("config", "config.worktree", "hooks", "logs", "lfs", "modules", "worktrees")


class SourceFile(NamedTuple):
    """A file of the sources. `path` is relative to the context's root, with forward slashes."""

    path: str
    digest: str  # SHA-256 of the content, in hex
    executable: bool
    name: str  # on this disk
    is_plain: bool  # no link on the way to it, so that a build context brings it as it is

    @property
    def place(self) -> Path:
        return Path(self.name)

    def read(self) -> bytes:
        """Return the content; raises UnusableSource where it is not what the digest says, or gone."""
        try:
            content = self.place.read_bytes()
        except OSError as error:
            raise UnusableSource(self.place, error.strerror or str(error)) from error
        if sha256(content).hexdigest() != self.digest:
            raise UnusableSource(self.place, "it changed while it was read")
        return content


class Sources(Frozen, frozen=True, kw_only=True):
    """The sources by path, in order, and the patterns of the ignore file that lets them and nothing else pass."""

    folders: ContextFolders
    files: Mapping[str, SourceFile]
    patterns: tuple[str, ...]
    exceptions: tuple[str, ...]  # those of them that bring single files back
    secrets: tuple[str, ...]  # links to secrets, which are not sent, by path


class Passage:
    """Which paths of a context are sent: what no pattern keeps out, and files that are needed all the same."""

    def __init__(self, folders: ContextFolders) -> None:
        self.patterns = ignore_patterns(folders)
        self._ignored = IgnorePatterns(self.patterns)
        self._folders = folders
        self._vendored = {folders.path_of(folder): folder for folder in folders.vendored}

    # Few projects have a file that asks for these.
    @cached_property
    def _by_user(self) -> IgnorePatterns:
        return IgnorePatterns(ignore_patterns(self._folders, secrets=()))

    @cached_property
    def _named(self) -> list[IgnorePatterns]:
        return [IgnorePatterns(("**", each)) for each in _own_patterns(self._folders) if _names_secret(each)]

    def sends(self, path: str) -> bool:
        return not self._ignored.ignores(path) or self._is_needed(path)

    def is_exception(self, path: str) -> bool:
        """Whether a file is sent though a pattern keeps it out."""
        return self._ignored.ignores(path) and self._is_needed(path)

    def _is_needed(self, path: str) -> bool:
        """Whether a file is sent whatever a pattern says.

        A file less than a vendored crate's checksums name, and cargo refuses it. An example of a file of secrets
        holds none, and what the user's own ignore file brings back by its name is his to say.
        """
        if any(self._is_of_crate(path, place, folder) for place, folder in self._vendored.items()):
            return True
        name = path.rpartition("/")[2]
        if not name.startswith(_NAMES_OF_SECRETS) or self._by_user.ignores(path):
            return False
        return name in _EXAMPLES or not all(pattern.ignores(path) for pattern in self._named)

    @staticmethod
    def _is_of_crate(path: str, place: str, folder: Path) -> bool:
        crate, _, below = path.removeprefix(f"{place}/").partition("/")
        return path.startswith(f"{place}/") and bool(below) and (folder / crate / MARK_OF_VENDORED).exists()


def list_sources(folders: ContextFolders, *, others: Iterable[Path] = ()) -> Sources:
    """Return what the build may read, without the folders `others`.

    Raises UnusableSource, BrokenPattern, IgnoredManifest.
    """
    passage = Passage(folders)
    left_out = frozenset(map(str, (*_targets(folders), *others)))
    # Also those that buildx is about to make.
    found_others = [str(folder) for folder in others if folder.is_relative_to(folders.root)]
    walked = _walk_all(folders.places, left_out, on_other=found_others.append)
    secrets: list[str] = []
    files = {file.path: file for file in sorted(_read_all(walked, folders.root, passage, secrets.append))}
    more = {folders.path_of(Path(name)) for name in found_others}
    for manifest in folders.manifests:
        if folders.path_of(manifest) not in files:
            raise IgnoredManifest(manifest, _ignore_files(folders))
    # Each by its own name: BuildKit walks through all that is ignored where a negation is for more.
    exceptions = tuple(f"!{literal(path)}" for path in files if passage.is_exception(path))
    patterns = (*passage.patterns, *exceptions, *map(literal, sorted(more)))
    return Sources(
        folders=folders, files=files, patterns=patterns, exceptions=exceptions, secrets=tuple(sorted(secrets))
    )


def _read_all(
    walked: Iterable[tuple[str, os.stat_result]],
    root: Path,
    passage: Passage,
    on_secret: Callable[[str], None],
) -> Iterator[SourceFile]:
    # For each of many files: no Path is made.
    above, real_root = os.path.join(root, ""), os.path.realpath(root)

    @cache
    def is_plain_folder(folder: str) -> bool:
        return os.path.realpath(folder) == os.path.normpath(os.path.join(real_root, folder[len(above) :]))

    for name, status in walked:
        path = name[len(above) :].replace(os.sep, "/")
        if not passage.sends(path):
            continue
        content = read_content(name, status)
        if len(content) == 1:  # a pipe or a socket
            continue
        _require_usable(name, content)
        is_plain = not os.path.islink(name) and is_plain_folder(os.path.dirname(name))
        if not is_plain and _is_secret(os.path.realpath(name), real_root):
            on_secret(path)
            continue
        yield SourceFile(path, content[1:], content[0] == "x", name, is_plain)


def _is_secret(place: str, root: str) -> bool:
    """Whether a link leads to what would not be sent by its own name, or elsewhere to a place for secrets."""
    *folders, name = Path(place).parts
    if name in _NAMES_OF_SECRETS or (name.startswith(f"{_ENV}.") and name not in _EXAMPLES):
        return True
    is_of_google = (".config", "gcloud") in pairwise(folders)
    return not Path(place).is_relative_to(root) and (is_of_google or not _OF_SECRETS.isdisjoint((*folders, name)))


def named_in_rust(
    sources: Iterable[SourceFile], names: Iterable[str], *, others: Iterable[str]
) -> tuple[str, ...]:
    """Return those of the names that stand in a Rust file, as whole words, outside of the folders `others`.

    Raises UnusableSource for a file that is gone.
    """
    wanted = tuple(names)
    outside = tuple(f"{folder}/" for folder in others)
    found: set[str] = set()
    for file in sources:
        if file.path.endswith(".rs") and not file.path.startswith(outside):
            found |= words_in(file.read(), wanted)
    return tuple(sorted(found))


def ignore_patterns(folders: ContextFolders, *, secrets: Sequence[str] = _SECRETS) -> tuple[str, ...]:
    """Return the patterns that keep out all that is not asked for, those of the user's .dockerignore, and ours.

    Docker reads the one in the context's root; each folder's own counts for what lies in it.
    """
    places = [place for place in folders.places if place.exists()]
    asked = () if places == [folders.root] else ("*", *(f"!{literal(folders.path_of(place))}" for place in places))
    own = _own_patterns(folders)
    kept = [f"!{literal(folders.path_of(place))}" for place in folders.kept]
    targets = map(folders.path_of, _targets(folders))
    # What a negation lets through of the folders around is kept out again, one by one.
    around = _around(folders.root, places) if asked and any(pattern.startswith("!") for pattern in own) else ()
    return (
        *asked,
        *own,
        *kept,
        *map(literal, map(folders.path_of, around)),
        *_NEVER,
        *secrets,
        *_of_cargo_home(folders),
        *map(literal, targets),
        *_of_git(folders),
    )


def _own_patterns(folders: ContextFolders) -> list[str]:
    """Return those of the user's ignore files, as patterns for the context's root."""
    return [
        below(folders.path_of(path.parent), pattern)
        for path in _ignore_files(folders)
        for pattern in _read_patterns(path)
        if not is_outside(pattern)
    ]


def _names_secret(pattern: str) -> bool:
    return pattern.startswith("!") and pattern.rpartition("/")[2].lstrip("!").startswith(_NAMES_OF_SECRETS)


def _targets(folders: ContextFolders) -> Iterator[Path]:
    return (folder / _TARGET for folder in (folders.project, *folders.beside))


def _around(root: Path, places: Iterable[Path]) -> Iterator[Path]:
    """What lies beside the sources, and beside the folders on the way to them."""
    on_the_way = {parent for place in places for parent in place.parents if parent.is_relative_to(root)}
    kept = {*places, *on_the_way}
    for folder in sorted(on_the_way):
        yield from sorted(entry for entry in folder.iterdir() if entry not in kept)


def _of_cargo_home(folders: ContextFolders) -> Iterator[str]:
    yield from (f"**/.cargo/{name}" for name in _OF_CARGO_HOME)
    home = cargo_home()
    if home.is_relative_to(folders.root):
        yield from (f"{literal(folders.path_of(home))}/{name}" for name in (*_OF_CARGO_HOME, "bin"))


def _of_git(folders: ContextFolders) -> Iterator[str]:
    if folders.git is not None:
        place = literal(folders.path_of(folders.git))
        yield f"!{place}"
        yield from (f"{place}/{name}" for name in _NOT_OF_GIT)


def _ignore_files(folders: ContextFolders) -> list[Path]:
    every = dict.fromkeys((folders.root, folders.project, *folders.beside))
    return [path for folder in every if os.path.lexists(path := folder / IGNORE_FILE)]


def _read_patterns(path: Path) -> tuple[str, ...]:
    try:
        patterns = parse_ignore_file(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableSource(path, "it cannot be read") from error
    for pattern in patterns:
        try:
            require_pattern(pattern)
        except ValueError as error:
            raise BrokenPattern(path, pattern, problem=str(error)) from error
    return patterns


def _walk_all(
    places: Iterable[Path], left_out: frozenset[str], *, on_other: Callable[[str], None]
) -> Iterator[tuple[str, os.stat_result]]:
    for place in places:
        if place.is_dir():
            yield from walk(str(place), left_out, on_other=on_other)
        elif place.exists():
            yield str(place), place.stat()


def render_list(sources: Sources) -> bytes:
    """Return the list that the build compares with what it has: digest, mode, path."""
    return render_rows((file.digest, file.executable, file.path) for file in sources.files.values())


def render_rows(files: Iterable[tuple[str, bool, str]]) -> bytes:
    """Return a list of files, given by digest, whether they are executable, and path."""
    rows = (f"{digest} {'x' if executable else '-'} {path}\n" for digest, executable, path in files)
    return "".join(rows).encode("utf-8", "surrogateescape")


def read_digests(content: bytes) -> dict[str, str]:
    """Return the digests of a list by path."""
    rows = content.decode("utf-8", "surrogateescape").split("\n")[:-1]
    return {path: digest for digest, _, path in (row.split(" ", 2) for row in rows)}


def short_digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:16]


def _require_usable(name: str, content: str) -> None:
    if not content:
        raise UnusableSource(Path(name), "it cannot be read")
    if any(character in name for character in "\n\r"):
        raise UnusableSource(Path(name), "a list of files cannot hold this name")
