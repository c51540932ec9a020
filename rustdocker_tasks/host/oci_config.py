"""ImageConfig -> the OCI image configuration. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rustdocker_tasks.host.layer import Layer
    from rustdocker_tasks.host.program import Program
    from rustdocker_tasks.image_config import Healthcheck, ImageConfig


def oci_config(
    config: ImageConfig,
    *,
    entrypoint: str,
    environment: dict[str, str],
    program: Program,
    layers: Sequence[Layer],
    created: str,
) -> dict[str, object]:
    """Return the configuration; `environment` is what the image sets unless the user's own says otherwise.

    `created` is a time as RFC 3339 writes it.

    Source: OCI image-spec, config.md. An empty field is left out, as the Go implementations do.
    """
    execution: dict[str, object] = {
        "User": str(config.user),
        "ExposedPorts": {str(port): {} for port in config.expose},
        "Env": [f"{name}={value}" for name, value in {**environment, **config.env}.items()],
        "Entrypoint": [entrypoint],
        "Cmd": list(config.args),
        "Labels": dict(config.labels),
        "StopSignal": config.stop_signal,
        "Volumes": {str(folder): {} for folder in config.volumes},
        "WorkingDir": config.workdir,
        "Healthcheck": _healthcheck(config.healthcheck) if config.healthcheck else None,
    }
    return {
        "created": created,
        "architecture": program.architecture,
        **({"variant": program.architecture_variant} if program.architecture_variant else {}),
        "os": "linux",
        "config": {key: value for key, value in execution.items() if value},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created": created, "created_by": f"rustdocker-tasks: {layer.name}"} for layer in layers],
    }


def _healthcheck(healthcheck: Healthcheck) -> dict[str, object]:
    """Return docker's own addition to the format, with nanoseconds. Source: moby/docker-image-spec, v1.3."""
    times = {
        "Interval": healthcheck.interval,
        "Timeout": healthcheck.timeout,
        "StartPeriod": healthcheck.start_period,
    }
    return {
        "Test": ["CMD", *healthcheck.command],
        **{name: time.nanoseconds for name, time in times.items() if time is not None},
        **({"Retries": healthcheck.retries} if healthcheck.retries is not None else {}),
    }
