"""The engine over the docker SDK: load, run, stop, logs. The SDK's own objects do not leave this module."""

from __future__ import annotations

import re
import shutil
from contextlib import closing, contextmanager, suppress
from tempfile import TemporaryFile
from threading import Thread
from typing import IO, TYPE_CHECKING, Any, cast
from warnings import catch_warnings, simplefilter

from rustdocker_tasks.engine.addresses import engine_host, is_networked, port_bindings, tcp_addresses
from rustdocker_tasks.engine.request import EngineFacts, Health, Running, RunRequest
from rustdocker_tasks.engine.saved_image import read_layers
from rustdocker_tasks.errors import (
    EngineError,
    EngineGone,
    LoadFailed,
    NoCredentials,
    PortTaken,
    PushFailed,
    RunFailed,
)
from rustdocker_tasks.interrupts import deferred

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import docker

    from rustdocker_tasks.engine.saved_image import SavedLayer
    from rustdocker_tasks.image import ImageReference

_FOR_EVER = 10**9  # seconds; the SDK's own "no limit" is not a number
_CONFLICT = 409  # HTTP
_SECONDS_TO_STOP = 10  # as `docker stop`
# Nanoseconds. An image's own interval is for a service's life, and who waits for it to start asks more often.
_ASKED_OFTEN = {"interval": 500_000_000, "start_period": 1_000_000}
# Engine 20.10 to 28 and their proxies: "Bind for 127.0.0.1:80 failed: port is already allocated",
# "listen tcp4 127.0.0.1:80: bind: address already in use".
_TAKEN = re.compile(r":(\d+)(?: failed: port is already allocated|: bind: address already in use)")


class Daemon:
    """A connection to an engine that has answered. Every method raises EngineGone if it no longer does."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client
        # The low-level API is mostly untyped in the SDK's own stubs.
        self._api: Any = client.api

    @property
    def api_version(self) -> str:
        """The version of its API, such as `1.51`."""
        return str(self._api.api_version)

    def describe(self) -> EngineFacts:
        """Return the engine's version, its store, and how much of its disk is free."""
        with _wrapped(EngineGone):
            told = self._client.info()
        is_here = not is_networked(self._api.base_url)
        free = None
        # Not all may look into the engine's folder.
        with suppress(OSError):
            free = shutil.disk_usage(told.get("DockerRootDir") or "").free if is_here else None
        status = dict(told.get("DriverStatus") or ())
        is_containerd = "containerd" in status.get("driver-type", "")
        return EngineFacts(
            version=str(told.get("ServerVersion")),
            api_version=self.api_version,
            store="containerd" if is_containerd else str(told.get("Driver")),
            free=free,
        )

    def load(self, archive: bytes, *, label: str, identities: Sequence[str]) -> str:
        """Load the archive and return the image's ID on this engine, one of `identities`; or raise LoadFailed."""
        with _wrapped(lambda problem: LoadFailed(label, problem=problem)):
            for answer in self._api.load_image(archive):
                problem = answer.get("error") or answer.get("message")
                if problem:
                    raise LoadFailed(label, problem=str(problem).strip())
        return self.find_image(identities, label=label)

    def find_image(self, identities: Sequence[str], *, label: str) -> str:
        """Return the ID of the image that has one of these digests, or raise LoadFailed.

        It is that of the configuration on the classic store, that of the manifest on containerd's.
        """
        import docker.errors

        with _wrapped(lambda problem: LoadFailed(label, problem=problem)):
            for identity in identities:
                try:
                    return str(self._api.inspect_image(identity)["Id"])
                except docker.errors.ImageNotFound:
                    continue
        raise LoadFailed(label, problem="it took the archive, but does not have the image")

    def find_images(self, wanted: Sequence[tuple[ImageReference, Sequence[str]]]) -> list[tuple[str, int | None]]:
        """Return the IDs of images that were given these tags, each with one of its digests; or raise LoadFailed.

        To ask for each takes the engine longer than to list them. With each of several comes its size in bytes, as
        the engine counts.
        """
        with _wrapped(EngineGone):
            listed = self._api.images(filters={"reference": [tag for tag, _ in wanted]}) if len(wanted) > 1 else []
        known = {str(image["Id"]): int(image["Size"]) for image in listed}
        found = []
        for tag, identities in wanted:
            identity = next((each for each in identities if each in known), None)
            identity = identity or self.find_image(identities, label=tag)
            found.append((identity, known.get(identity)))
        return found

    def require_credentials(self, registry: str) -> None:
        """Raise NoCredentials where docker's configuration names a program for them that does not answer."""
        import docker.auth
        import docker.credentials
        import docker.errors

        # What was written to it since is to count as well.
        self._api.reload_config()
        with catch_warnings():
            # The SDK warns of a program that is not there, and then fails.
            simplefilter("ignore")
            try:
                docker.auth.load_config().resolve_authconfig(registry)
            except docker.errors.DockerException as error:
                if isinstance(error.__cause__, docker.credentials.StoreError):
                    raise NoCredentials(registry, problem=str(error.__cause__)) from error

    def push(self, tag: ImageReference) -> str:
        """Push what the tag names on this engine; return the digest that the registry has it under.

        Credentials are those of docker's configuration. Raises PushFailed with the engine's words.
        """
        digest = None
        with _wrapped(lambda problem: PushFailed(tag, problem=problem)):
            for event in self._api.push(tag.repository, tag=tag.tag, stream=True, decode=True):
                if "error" in event:
                    raise PushFailed(tag, problem=str(event["error"]))
                digest = event.get("aux", {}).get("Digest", digest)
            # containerd's store says it only in words for people; there the image itself has that digest.
            known = self._api.inspect_image(tag)["RepoDigests"] if digest is None else []
        digests = [entry.partition("@")[2] for entry in known if entry.startswith(f"{tag.repository}@")]
        if digest is None and not digests:
            raise PushFailed(tag, problem="the engine names no digest")
        return str(digest or digests[0])

    def tag(self, image: str, tag: ImageReference) -> None:
        """Give the image the tag."""
        with _wrapped(EngineGone):
            self._api.tag(image, tag.repository, tag.tag)

    def read_layers(self, image: str) -> tuple[SavedLayer, ...]:
        """Return what an image's layers hold, the lowest first."""
        with _wrapped(EngineGone), TemporaryFile() as archive:
            for chunk in self._api.get_image(image):
                archive.write(chunk)
            archive.seek(0)
            return read_layers(archive)

    def build_cache(self) -> list[Any]:
        """Return the engine's records of what its builder keeps."""
        # The SDK's own `df` asks for images and containers too, which takes longer, and fails while others build.
        with _wrapped(EngineGone):
            address = f"{self._api.base_url}/v{self._api.api_version}/system/df"
            answer = self._api.get(address, params={"type": "build-cache"})
            answer.raise_for_status()
            return list(answer.json().get("BuildCache") or [])

    def remove_build_cache(self, records: Sequence[str]) -> None:
        """Remove what the builder keeps under these IDs of its own."""
        with _wrapped(EngineGone):
            for record in records:
                self._api.prune_builds(filters={"id": record}, all=True)

    def remove_volume(self, name: str) -> None:
        """Remove the volume, unless it is not there or a container has it."""
        import docker.errors

        with _wrapped(EngineGone), suppress(docker.errors.APIError):
            self._api.remove_volume(name)

    def remove_image(self, image: str) -> None:
        """Remove the image, unless something else uses it."""
        import docker.errors

        with _wrapped(EngineGone), suppress(docker.errors.APIError):
            self._api.remove_image(image)

    def create(self, request: RunRequest) -> None:
        """Create a container; raises RunFailed. What it leaves then is for `remove`."""
        with deferred(), _wrapped(lambda problem: RunFailed(request.label, problem=problem)):
            self._client.containers.create(
                request.image,
                list(request.arguments) if request.arguments is not None else None,
                # Without a word more the engine would take the image's own arguments.
                entrypoint=[request.program] if request.arguments == () else None,
                name=request.name,
                environment=dict(request.environment),
                labels=dict(request.labels),
                ports=cast("Any", port_bindings(request.ports, engine_host(self._api.base_url))),
                volumes=list(request.volumes),
                healthcheck=_ASKED_OFTEN if request.health else None,
                **(request.limits.options if request.limits else {}),
            )

    def start(self, request: RunRequest) -> Running:
        """Start the container of `request`; raises PortTaken, RunFailed."""
        taken = {str(port.host_port): port for port in request.ports}

        def refused(problem: str) -> EngineError:
            match = _TAKEN.search(problem)
            if match and match[1] in taken:
                port = taken[match[1]]
                number = int(match[1])
                return PortTaken(number, container_port=port.short, set_by=port.set_by, other=number + 1)
            return RunFailed(request.label, problem=problem)

        with deferred(), _wrapped(refused):
            container = self._client.containers.get(request.name)
            container.start()
            container.reload()
            addresses = tcp_addresses(container.ports, engine_host(self._api.base_url))
            return Running(identity=str(container.id), name=request.name, addresses=addresses)

    def exit_code(self, name: str) -> int | None:
        """Return the exit code of the container's program, None while it runs."""
        with _wrapped(EngineGone):
            state = self._api.inspect_container(name)["State"]
        return None if state["Running"] else int(state["ExitCode"])

    def health(self, name: str) -> Health:
        """Return what the engine knows of the healthcheck of a container, which has one."""
        with _wrapped(EngineGone):
            told = self._api.inspect_container(name)["State"].get("Health")
        if told is None:
            return Health(succeeds=False, told="this engine runs no healthcheck")
        last = (told["Log"] or [None])[-1]
        wrote = last["Output"].strip().splitlines()[-1:] if last else []
        ended = ": ".join([f"exit code {last['ExitCode']}", *wrote]) if last else None
        return Health(succeeds=told["Status"] == "healthy", told=ended)

    def wait(self, name: str) -> int:
        """Wait until the container's program ends, and return its exit code."""
        with _wrapped(EngineGone):
            return int(self._api.wait(name)["StatusCode"])

    def ask_to_end(self, name: str, signal: str) -> None:
        """Send the container's program a signal, if it still runs."""
        import docker.errors

        with _wrapped(EngineGone), suppress(docker.errors.APIError):
            self._api.kill(name, signal)

    def remove(self, name: str, *, seconds: int = _SECONDS_TO_STOP) -> int | None:
        """Stop the container as `docker stop` does, kill it after some seconds, and remove it.

        Return the exit code with which its program was stopped, None if it had ended before or is not there.
        """
        import docker.errors

        with _wrapped(EngineGone):
            try:
                try:
                    if not self._api.inspect_container(name)["State"]["Running"]:
                        return None
                    self._api.stop(name, timeout=seconds)
                    return int(self._api.inspect_container(name)["State"]["ExitCode"])
                finally:
                    # Also after a second Ctrl-C, which ends the waiting.
                    self._api.remove_container(name, force=True, v=True)
            except docker.errors.NotFound:
                return None
            except docker.errors.APIError as error:
                if error.status_code == _CONFLICT:  # somebody else is removing it already
                    return None
                raise

    def find(self, labels: Mapping[str, str]) -> list[str]:
        """Return the names of the containers with all `labels`, the newest first, ended ones too."""
        wanted = [f"{key}={value}" for key, value in labels.items()]
        with _wrapped(EngineGone):
            found = self._api.containers(all=True, filters={"label": wanted})
        found.sort(key=lambda container: container["Created"], reverse=True)
        return [container["Names"][0].removeprefix("/") for container in found]

    def stream_output(self, name: str, *, out: IO[bytes], err: IO[bytes]) -> Callable[[], None]:
        """Copy what the program writes from its start, byte for byte; to be called before `start`.

        Not from the log, which a driver may cut, rotate and re-encode. Return a function that waits for the end.
        """
        import docker

        with _wrapped(EngineGone):
            client = docker.from_env(timeout=_FOR_EVER)
            chunks: Any = client.api.attach(name, stdout=True, stderr=True, stream=True, demux=True)

        def copy() -> None:
            with suppress(OSError), closing(client):
                for pair in chunks:
                    for sink, chunk in zip((out, err), pair, strict=True):
                        sink.write(chunk or b"")
                        sink.flush()

        thread = Thread(target=copy, daemon=True)
        thread.start()
        return thread.join

    def stream_log(self, name: str, *, follow: bool, out: IO[bytes], err: IO[bytes]) -> Callable[[], None]:
        """Copy the program's stdout and stderr, from its start; return a function that waits for the last byte."""
        threads = [
            Thread(target=self._copy, args=(name, sink, kind), kwargs={"follow": follow}, daemon=True)
            for sink, kind in ((out, "stdout"), (err, "stderr"))
        ]
        for thread in threads:
            thread.start()

        def join() -> None:
            for thread in threads:
                thread.join()

        return join

    def _copy(self, name: str, sink: IO[bytes], kind: str, *, follow: bool) -> None:
        import docker
        import docker.errors
        import requests

        # A connection of its own: the SDK's must not be used by two threads.
        client = docker.from_env(timeout=_FOR_EVER)
        chosen = {"stdout": kind == "stdout", "stderr": kind == "stderr"}
        try:
            for chunk in client.api.logs(name, stream=True, follow=follow, **chosen):
                sink.write(chunk)
                sink.flush()
        except (docker.errors.DockerException, requests.RequestException, OSError):
            return  # the container or the engine is gone: the thread that waits for it reports that
        finally:
            client.close()


@contextmanager
def _wrapped(make_error: Callable[[str], EngineError]) -> Iterator[None]:
    """Turn whatever the SDK and its HTTP library raise into one error of ours."""
    import docker.errors
    import requests
    import urllib3

    try:
        yield
    except docker.errors.APIError as error:
        raise make_error(str(error.explanation or error).strip()) from error
    except (
        docker.errors.DockerException,
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        OSError,
    ) as error:
        raise make_error("the connection to it broke off") from error
