"""buildx over python-on-whales: is it there, and build. Its own objects do not leave this module."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from pathlib import Path
from subprocess import CalledProcessError
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rustdocker_tasks.engine.whales import FAILED, NO_DOCKER, without_plugins
from rustdocker_tasks.errors import BuildxUnusable, NoCargo
from rustdocker_tasks.frozen import Frozen
from rustdocker_tasks.home import home
from rustdocker_tasks.printable import as_bake
from rustdocker_tasks.process import Helper, echo, is_echoed, read_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rustdocker_tasks.image import CacheStore, ImageReference

# Where docker looks for its plugins. Source: docker/cli, cli-plugins/manager/manager_unix.go.
_PLUGIN_FOLDERS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)


# Python's own places come first: Invoke puts the user's folder before them, where a json.py may lie.
_AS_WE_DO = "import sys; sys.path[:] = dict.fromkeys([*filter(None, sys.path), *sys.argv[1:]])\n"
_WAITING: ContextVar[list[Helper] | None] = ContextVar("waiting", default=None)
_ECHOED = "rustdocker runs: "
_ECHO = f"""import os, shlex, sys
call, words = sys.argv[2:], sys.argv[2 + int(sys.argv[1]):]
print({_ECHOED!r} + shlex.join(["docker", *words]).replace("\\n", "\\\\n"), file=sys.stderr, flush=True)
os.execvp(call[0], call)
"""


class BuildTarget(Frozen, frozen=True, kw_only=True):
    """One image of a build, or a folder that one fills."""

    dockerfile: Path
    stage: str | None  # None: the Dockerfile's last
    tags: tuple[ImageReference, ...] = ()
    folder: Path | None = None  # what gets the files of one that is built alone; None: the engine gets the image
    cache_from: tuple[CacheStore, ...] = ()
    cache_to: CacheStore | None = None


class BuildRequest(Frozen, frozen=True, kw_only=True):
    context: Path
    targets: tuple[BuildTarget, ...]
    secret_files: Mapping[str, Path]  # by ID
    secret_values: Mapping[str, str]
    ssh_agent: bool
    builder: str | None
    created: int  # what the images say: seconds since 1970

    @property
    def arguments(self) -> dict[str, str]:
        """Build arguments: what BuildKit reads from 0.11 on, and an older one passes over."""
        return {"SOURCE_DATE_EPOCH": str(self.created)}


class BuildResult(Frozen, frozen=True, kw_only=True):
    """How the build ended; `digests` are for each image those of configuration and manifest that buildx names."""

    succeeded: bool
    digests: tuple[tuple[str, ...], ...] = ()


def find_plugin(environment: Mapping[str, str]) -> Path | None:
    """Return the buildx plugin that docker would take, None if it has none; no process is started for it.

    Source of the order: docker/cli, cli-plugins/manager/manager.go.
    """
    own = Path(environment.get("DOCKER_CONFIG") or home() / ".docker")
    folders = [*_extra_folders(own / "config.json"), own / "cli-plugins", *map(Path, _PLUGIN_FOLDERS)]
    found = (folder / "docker-buildx" for folder in folders)
    return next((plugin for plugin in found if os.access(plugin, os.X_OK)), None)


def _extra_folders(config: Path) -> list[Path]:
    try:
        named = json.loads(config.read_bytes()).get("cliPluginsExtraDirs") or []
    except (OSError, ValueError, AttributeError):
        return []  # docker itself will say what is wrong with its file
    return [Path(folder) for folder in named]


def build(request: BuildRequest, *, on_line: Callable[[str], None], meanwhile: Callable[[], None]) -> BuildResult:
    """Build and load the images in one solve; every line of buildx's plain progress goes to `on_line`.

    `meanwhile` is called when buildx begins, and is not to wait for anything.
    Raises BuildxUnusable where docker or buildx cannot be started.
    """

    def read(line: str) -> None:
        if line.startswith(_ECHOED):
            echo(line.removeprefix(_ECHOED).rstrip("\r\n"))
        else:
            on_line(line.rstrip("\r\n"))

    with TemporaryDirectory() as name:
        folder = Path(name)
        secrets = {**request.secret_files, **dict(_written(request.secret_values, folder))}
        metadata = folder / "metadata.json"
        call = (_build_call if len(request.targets) == 1 else _bake_call)(request, secrets, metadata)
        text = json.dumps({"client_call": _echoing(_docker_call()), **call})
        code = _helper().ask(text, meanwhile=meanwhile, on_line=read)
        if code == FAILED:
            return BuildResult(succeeded=False)
        if code == NO_DOCKER:
            raise BuildxUnusable("docker cannot be started", set_by="the backend buildx")
        if code:
            message = f"the process with python-on-whales ended with {code}"
            raise RuntimeError(message)
        told = json.loads(metadata.read_bytes())
    by_target = [told] if len(request.targets) == 1 else [told[name] for name in _names(request)]
    return BuildResult(succeeded=True, digests=tuple(tuple(_digests(each)) for each in by_target))


@contextmanager
def helper_at_hand() -> Iterator[None]:
    """Have python-on-whales imported, beside what the block does, for the first build in it, where buildx is."""
    waiting: list[Helper] = []
    token = _WAITING.set(waiting)
    try:
        get_ready()
        yield
    finally:
        dismiss_helper()
        _WAITING.reset(token)


def get_ready() -> None:
    """Have it imported for the next build in such a block, and nowhere else."""
    waiting = _WAITING.get()
    # What goes wrong here does so again where it is needed.
    with suppress(OSError, RuntimeError):
        if waiting == [] and find_plugin(os.environ) is not None:
            waiting.append(_start_helper())


def dismiss_helper() -> None:
    """Have nothing wait: what is built is built on the host."""
    waiting = _WAITING.get()
    while waiting:
        waiting.pop().dismiss()


def _helper() -> Helper:
    """Return the process that waits for a build, or a new one."""
    waiting = _WAITING.get()
    return waiting.pop() if waiting else _start_helper()


def _start_helper() -> Helper:
    # As a text, since the package may lie in an archive.
    script = files("rustdocker_tasks.engine").joinpath("whales.py").read_text(encoding="utf-8")
    return Helper([*_ended_with_us(), sys.executable, "-c", f"{_AS_WE_DO}{script}", *sys.path])


def _build_call(request: BuildRequest, secrets: Mapping[str, Path], metadata: Path) -> dict[str, object]:
    """One image needs no bake, which an old buildx has not, and which takes longer to begin."""
    target = request.targets[0]
    options = {
        "file": str(target.dockerfile),
        "target": target.stage,
        "tags": list(target.tags),
        "secrets": [_secret(key, path) for key, path in secrets.items()],
        "ssh": "default" if request.ssh_agent else None,
        "build_args": request.arguments,
        "builder": request.builder,
        "cache_from": [store.source for store in target.cache_from] or None,
        "cache_to": target.cache_to.target if target.cache_to else None,
        "load": target.folder is None,
        "output": {"type": "local", "dest": str(target.folder)} if target.folder else {},
        # One manifest: an index with attestations has another digest each time.
        "provenance": False,
        "metadata_file": str(metadata),
        "progress": "plain",
    }
    return {"task": "build", "arguments": [str(request.context)], "options": options}


def _bake_call(request: BuildRequest, secrets: Mapping[str, Path], metadata: Path) -> dict[str, object]:
    file = metadata.with_name("bake.json")
    file.write_text(bake_file(request, secrets), encoding="utf-8")
    options = {
        "builder": request.builder,
        "files": str(file),
        "load": True,
        "metadata_file": str(metadata),
        "progress": "plain",
        # Asked for the file's sake, which is ours: it names nothing that a build alone would not.
        "variables": {"BUILDX_BAKE_ENTITLEMENTS_FS": "0"},
    }
    return {"task": "bake", "arguments": [_names(request)], "options": options}


def bake_file(request: BuildRequest, secrets: Mapping[str, Path]) -> str:
    """Return the build of several images as JSON for bake. Source: the Docker docs, "Bake file reference"."""

    def one(target: BuildTarget) -> dict[str, object]:
        return {
            "context": str(request.context),
            "dockerfile": str(target.dockerfile),
            **({"target": target.stage} if target.stage else {}),
            "args": request.arguments,
            "tags": list(target.tags),
            "secret": [_secret(key, path) for key, path in secrets.items()],
            "ssh": ["default"] if request.ssh_agent else [],
            "cache-from": [_attributes(store.source) for store in target.cache_from],
            "cache-to": [_attributes(target.cache_to.target)] if target.cache_to else [],
            "attest": ["type=provenance,disabled=true"],
        }

    targets = {name: one(target) for name, target in zip(_names(request), request.targets, strict=True)}
    return as_bake({"target": targets})


def target_name(number: int) -> str:
    """Return what an image is called in bake's file, and in the log of one; a build of one image has no names."""
    return f"image-{number + 1}"


def _names(request: BuildRequest) -> list[str]:
    return [target_name(number) for number in range(len(request.targets))]


def _secret(identity: str, path: Path) -> str:
    return f"id={identity},src={path}"


def _attributes(values: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in values.items())


def run_interactively(
    image: str,
    words: Sequence[str],
    *,
    mounts: Sequence[Sequence[str]],
    environment: Mapping[str, str],
    workdir: str,
    tty: bool,
) -> tuple[str, int]:
    """Run a container of the image in front of the user, and remove it; return what it wrote, and its exit code.

    With `tty` it has the user's terminal, and what it wrote is known to nobody else. Its stderr is the user's.
    """
    with without_plugins():
        from python_on_whales import DockerClient
        from python_on_whales.exceptions import DockerException

    docker = DockerClient()
    try:
        told = docker.run(
            image,
            list(words),
            mounts=[list(each) for each in mounts],
            envs=dict(environment),
            workdir=workdir,
            interactive=True,
            tty=tty,
            remove=True,
        )
    except DockerException as error:
        return error.stdout or "", error.return_code
    return str(told or ""), 0


def inspect_builder(name: str | None) -> str:
    """Return what `docker buildx inspect` prints of a builder, None for the current one; "" where it fails."""
    try:
        return read_output((*_docker_call(), "buildx", "inspect", *([name] if name else [])), quiet=True)
    except (CalledProcessError, NoCargo):
        return ""


def _written(values: Mapping[str, str], folder: Path) -> Iterator[tuple[str, Path]]:
    """Put each secret into a file of the folder, which is the user's alone: an argument is for all to see."""
    for identity, value in values.items():
        path = folder / identity
        path.write_text(value, encoding="utf-8")
        yield identity, path


def _docker_call() -> list[str]:
    """Return how to start docker so that its build ends with us, even if we are killed.

    Otherwise it goes on, and holds the lock of the target folder's mount. Linux only, with util-linux of 2.33 on.
    The plugin is started as docker does: docker itself first starts each of its plugins to ask what it is, which
    takes a tenth of a second. Source: docker/cli, cli-plugins/manager/manager.go, ReexecEnvvar.
    """
    prefix = _ended_with_us()
    plugin = find_plugin(os.environ) if prefix else None
    if plugin is None:
        return ["docker"]
    return [*prefix, "env", "DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND=docker", str(plugin)]


def _ended_with_us() -> list[str]:
    """Return what a command begins with so that its process ends with the one that starts it, if that can be."""
    setpriv = _setpriv() if sys.platform == "linux" else None
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


@cache
def _setpriv() -> str | None:
    """Return where setpriv is, None where it has not what we need of it: BusyBox has one, RHEL 8 an old one."""
    setpriv = shutil.which("setpriv")
    try:
        knows = setpriv is not None and "--pdeathsig" in read_output((setpriv, "--help"), quiet=True)
    except (CalledProcessError, NoCargo):
        return None
    return setpriv if knows else None


def _echoing(call: list[str]) -> list[str]:
    """Return how to start docker so that it first writes what it was called with, if that is to be shown.

    python-on-whales makes the command, and tells nobody.
    """
    if not is_echoed():
        return call
    return [sys.executable, "-c", _ECHO, str(len(call)), *call]


def _digests(metadata: Mapping[str, object]) -> Iterable[str]:
    for key in ("containerimage.config.digest", "containerimage.digest"):
        if key in metadata:
            yield str(metadata[key])
