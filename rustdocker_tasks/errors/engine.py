"""The engine is missing, refused, or went away."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rustdocker_tasks.errors.base import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence


class NoEngine(EngineError):
    def __init__(self, *, address: str, problem: str, set_by: str) -> None:
        super().__init__(
            "no container engine answers",
            found=f"{address}: {problem}",
            set_by=set_by,
            hint="join the group docker (`sudo usermod -aG docker $USER`) and log in again"
            if problem == "Permission denied"
            else "start it (`sudo systemctl start docker`), or point DOCKER_HOST at one that runs",
        )


class BuildxUnusable(EngineError):
    def __init__(self, problem: str, *, set_by: str, has_base_image: bool = False) -> None:
        """`has_base_image`: the variant asked for cannot do without one."""
        variant = " --variant minimal, as this variant has a base image" if has_base_image else ""
        super().__init__(
            "this image is built by docker buildx, which cannot be used here",
            found=problem,
            set_by=set_by,
            hint="install it (https://docs.docker.com/go/buildx) and start an engine of 20.10 or later, "
            f"or build with the local cargo: --backend host{variant}",
        )


class NoBaseImage(EngineError):
    def __init__(self, image: str, *, problem: str, set_by: str) -> None:
        super().__init__(
            f"the base image {image} cannot be had",
            found=problem,
            set_by=set_by,
            hint="check its name and the network; the settings `build-image` and `runtime-image` name other ones, "
            "and --backend host needs none",
        )


class BaseImageRefused(EngineError):
    def __init__(self, image: str, *, registry: str, problem: str, set_by: str) -> None:
        super().__init__(
            f"the registry refused the base image {image}",
            found=problem,
            set_by=set_by,
            hint=f"log in with an account that may pull it: `docker login {registry}`",
        )


class BaseImageUntrusted(EngineError):
    def __init__(self, image: str, *, registry: str, problem: str, set_by: str) -> None:
        super().__init__(
            f"the engine does not trust the certificate of the registry of the base image {image}",
            found=problem,
            set_by=set_by,
            hint=f"put the CA's certificate into /etc/docker/certs.d/{registry}/ca.crt on the engine's machine; "
            f"the builds of Engine 20.10 do not look there: `docker pull {image}` first",
        )


class NoCacheExport(EngineError):
    def __init__(self, *, set_by: str) -> None:
        super().__init__(
            "this engine's builder cannot leave layers for other machines",
            found="a builder of the docker driver, on an engine without containerd's image store",
            set_by=f"`cache-to`, by {set_by}",
            hint="leave `cache-to` out, or make a builder that can: "
            '`docker buildx create --name ci --driver docker-container`, and set builder = "ci"',
        )


class MountsNotTold(EngineError):
    def __init__(self, number: int) -> None:
        super().__init__(
            "this engine does not tell which mounts are this project's",
            found=f"{number} mounts of builds of ours, of all projects",
            set_by="the engine, which is older than 23",
            hint="`docker builder prune --filter type=exec.cachemount` removes all mounts of all builds",
        )


class EngineFull(EngineError):
    def __init__(self, problem: str) -> None:
        super().__init__(
            "the engine's disk is full",
            found=problem,
            set_by="the engine",
            hint="`docker system df` shows what takes the space, `docker buildx prune` frees the build cache; "
            "then build again",
        )


class LoadFailed(EngineError):
    def __init__(self, image: str, *, problem: str) -> None:
        super().__init__(
            f"the engine did not take the image {image}",
            found=problem,
            set_by="the engine",
            hint="look at the engine's log and its free space (`docker system df`), then build again",
        )


class PushRefused(EngineError):
    def __init__(self, tag: str, *, registry: str, problem: str) -> None:
        super().__init__(
            f"the registry refused {tag}",
            found=problem,
            set_by="the registry, by the credentials in docker's configuration",
            hint=f"log in with an account that may push there: `docker login {registry}`",
        )


class RegistryUnreachable(EngineError):
    def __init__(self, tag: str, *, problem: str, set_by: str) -> None:
        super().__init__(
            f"the registry of {tag} cannot be reached",
            found=problem,
            set_by=set_by,
            hint="check the name and the network, then push again: what arrived stays there",
        )


class RegistryUntrusted(EngineError):
    def __init__(self, tag: str, *, registry: str, problem: str) -> None:
        super().__init__(
            f"the engine does not trust the certificate of the registry of {tag}",
            found=problem,
            set_by="the registry's certificate authority",
            hint=f"put the CA's certificate into /etc/docker/certs.d/{registry}/ca.crt on the engine's machine",
        )


class PushFailed(EngineError):
    def __init__(self, tag: str, *, problem: str) -> None:
        super().__init__(
            f"{tag} could not be pushed",
            found=problem,
            set_by="the registry, or the way to it",
            hint="push again: what arrived stays there",
        )


class NoCredentials(EngineError):
    def __init__(self, registry: str, *, problem: str) -> None:
        super().__init__(
            f"what keeps the password for {registry} does not answer",
            found=problem,
            set_by="`credsStore` or `credHelpers` in docker's config.json",
            hint=f"install it, or take the key out and run `docker login {registry}`",
        )


class PortTaken(EngineError):
    def __init__(self, port: int, *, container_port: str, set_by: str, other: int) -> None:
        super().__init__(
            f"port {port} of this machine is taken",
            found=f"something listens on port {port} already",
            set_by=set_by,
            hint=f"stop it (`invoke stop`, if it is this project's), or take another port: "
            f"--port {other}:{container_port}",
        )


class NotReady(EngineError):
    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(
            f"nothing can be built here: {', '.join(faults)}",
            found="what is wrong with each stands above",
            set_by="this machine",
            hint="do what stands below each, then run `invoke doctor` again",
        )


class EngineGone(EngineError):
    def __init__(self, problem: str) -> None:
        super().__init__(
            "the engine did not do what it was asked for",
            found=problem,
            set_by="the engine",
            hint="look at `docker ps -a` and the engine's log, then try again",
        )


class RunFailed(EngineError):
    def __init__(self, image: str, *, problem: str) -> None:
        super().__init__(
            f"the engine could not run {image}",
            found=problem,
            set_by="the engine",
            hint="mend what it names; `invoke plan` shows what is set, and by whom",
        )


class NotListening(EngineError):
    def __init__(self, ports: Sequence[str], *, seconds: int, set_by: str) -> None:
        super().__init__(
            f"nothing listens on port {', '.join(ports)} of the container after {seconds} s",
            found="the program runs, but a connection to the port is closed at once",
            set_by=set_by,
            hint="let the program listen on 0.0.0.0 (127.0.0.1 is the container's own), "
            "or name the port that it uses",
        )


class NotHealthy(EngineError):
    def __init__(self, command: Sequence[str], *, seconds: int, found: str, set_by: str) -> None:
        super().__init__(
            f"the healthcheck `{shlex.join(command)}` did not succeed within {seconds} s: {found}",
            found=found,
            set_by=set_by,
            hint="its program has to be in the image: there is no shell or curl that a base does not bring",
        )


class NoContainer(EngineError):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"no container of {name} is there",
            found="none that `invoke run` started",
            set_by="the engine",
            hint="start one with `invoke run --detach`",
        )
