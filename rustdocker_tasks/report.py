"""Plans and results -> text and JSON. Pure: nothing is printed here."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import msgspec

from rustdocker_tasks.plan.created import as_date
from rustdocker_tasks.plan.model import GitState
from rustdocker_tasks.printable import aligned, as_json, megabytes
from rustdocker_tasks.results import FailedImage
from rustdocker_tasks.settings.options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rustdocker_tasks.cache import KeptMounts
    from rustdocker_tasks.cargo.crates import FoundGraph
    from rustdocker_tasks.cargo.model import Project
    from rustdocker_tasks.engine.build_cache import CacheMount
    from rustdocker_tasks.engine.request import Verdict
    from rustdocker_tasks.errors import RustDockerError
    from rustdocker_tasks.plan.model import CargoCall, ImagePlan
    from rustdocker_tasks.results import BuildReport
    from rustdocker_tasks.settings.resolve import ResolvedSettings

_WIDEST = 40  # characters of a value that others are aligned with


def plan_line(plan: ImagePlan) -> str:
    backend = f"backend {plan.backend.value} ({plan.backend_reason})"
    return f"{plan.name} {plan.version}, variant {plan.variant.name}, {backend}"


def unread_lines(call: CargoCall) -> list[str]:
    """Return a line for each file of a member that somebody may expect to count."""
    return [
        f"{path} does not count: cargo runs in {call.root}, and reads such files there and above"
        for path in call.unread_files
    ]


def config_rows(resolved: ResolvedSettings) -> list[tuple[str, bool]]:
    """Return a line for every setting, its value and who set it, and whether anybody did."""
    rows = [(key, _shown(key, value), resolved.origin(key).where) for key, value in _values(resolved)]
    width = max(len(value) for _, value, _ in rows if len(value) <= _WIDEST)
    return [(f"{key:<17} {value:<{width}}  {where}", key in resolved.origins) for key, value, where in rows]


def schema_json() -> str:
    """Return a JSON Schema of the settings' tables in Cargo.toml."""
    from rustdocker_tasks.settings.schema import cargo_toml_schema

    return as_json(cargo_toml_schema())


def config_json(resolved: ResolvedSettings) -> str:
    return as_json(
        {
            key: {"value": _hidden(key, value), "set_by": resolved.origin(key).where}
            for key, value in _values(resolved)
        }
    )


def _values(resolved: ResolvedSettings) -> list[tuple[str, Any]]:
    plain = msgspec.to_builtins(resolved.settings, enc_hook=str)
    return sorted(plain.items())


def _shown(key: str, value: object) -> str:
    if value is None:
        return "-"
    return json.dumps(_hidden(key, value), ensure_ascii=False)


def _hidden(key: str, value: Any) -> object:
    return sorted(value) if OPTIONS[key].is_hidden else value


def plan_text(plan: ImagePlan, resolved: ResolvedSettings, more: Sequence[tuple[str, str]] = ()) -> str:
    """Return the plan for reading: what would be built, and who set each value that is not the default."""
    rows = [*_plan_rows(plan), *more, *_origin_rows(resolved)]
    # A line break in a value must not look like a row of ours.
    return "\n".join(f"{name:<16}{value}".replace("\n", "\\n") for name, value in rows)


def dependency_rows(project: Project, plan: ImagePlan, found: FoundGraph) -> list[tuple[str, str]]:
    """Return what is known of the crates that go into the program, and of what tells cargo how to compile them."""
    toolchain = project.toolchain if plan.container is None else plan.container.toolchain
    asked = toolchain and (toolchain.channel or str(toolchain.folder or "components alone"))
    return [
        ("dependencies", f"{_number_of_crates(found)}, by {found.source}"),
        ("cargo config", ", ".join(_config_files(project, plan)) or "none"),
        ("toolchain", f"{asked} ({toolchain.path})" if toolchain else "the build's own"),
    ]


def _config_files(project: Project, plan: ImagePlan) -> list[str]:
    unseen = set() if plan.container is None else set(project.config.files) - set(project.own_config.files)
    return [f"{path} (not in containers)" if path in unseen else str(path) for path in project.config.files]


def _number_of_crates(found: FoundGraph) -> str:
    if found.graph is None:
        return "unknown"
    return f"{len(found.graph.names)} crates{'' if found.graph.is_exact else ' at most'}"


def _origin_rows(resolved: ResolvedSettings) -> list[tuple[str, str]]:
    return [("set by", f"{key}: {origin.where}") for key, origin in sorted(resolved.origins.items())]


def _plan_rows(plan: ImagePlan) -> list[tuple[str, str]]:
    return [
        ("image", ", ".join(plan.tags)),
        ("variant", f"{plan.variant.name}: {plan.variant.summary}"),
        ("backend", f"{plan.backend.value}: {plan.backend_reason}"),
        *_base_images(plan),
        *_context(plan),
        *([("cache", plan.container.cache_reason)] if plan.container else []),
        *_packages(plan),
        ("linkage", plan.linkage_reason),
        ("program", f"{plan.name} {plan.version} ({plan.compile.manifest})"),
        *([("beside it", ", ".join(plan.compile.extra_binaries))] if plan.compile.extra_binaries else []),
        ("commit", plan.git.revision if isinstance(plan.git, GitState) else f"none ({plan.git.reason})"),
        ("created", as_date(plan.created)),
        ("profile", plan.compile.profile),
        ("features", _features(plan)),
        ("lock file", _lock_file(plan)),
        ("user", plan.config.user),
        ("expose", ", ".join(plan.config.expose) or "nothing"),
        # Values may be secret; names are what one needs to see.
        ("build env", ", ".join(plan.compile.environment) or "nothing of yours"),
        ("env", ", ".join(plan.config.env) or "nothing of yours"),
        ("labels", ", ".join(plan.config.labels) or "none"),
        ("stop signal", plan.config.stop_signal or "SIGTERM"),
        ("workdir", plan.config.workdir or "the base image's own"),
        ("volumes", ", ".join(plan.config.volumes) or "none"),
        ("health check", _health_check(plan)),
        ("args", shlex.join(plan.config.args) or "none"),
        ("assets", ", ".join(f"{a.source} -> {a.destination}" for a in plan.assets) or "none"),
        ("certificates", ", ".join(["certifi", *map(str, plan.ca_certificates)])),
    ]


def _features(plan: ImagePlan) -> str:
    default = ["the default ones"] if plan.compile.default_features else []
    return ", ".join([*default, *plan.compile.features]) or "none"


def _health_check(plan: ImagePlan) -> str:
    return shlex.join(plan.config.healthcheck.command) if plan.config.healthcheck else "none"


def _lock_file(plan: ImagePlan) -> str:
    if plan.compile.locked_packages is None:
        return "missing: cargo will write Cargo.lock"
    return "as it is (--locked)" if plan.compile.locked else "renewed by cargo where it is out of date"


def _base_images(plan: ImagePlan) -> list[tuple[str, str]]:
    if plan.container is None:
        return []
    runtime = plan.container.runtime_image
    return [("build image", plan.container.build_image), *([("runtime image", runtime)] if runtime else [])]


def _context(plan: ImagePlan) -> list[tuple[str, str]]:
    if plan.container is None:
        return []
    folders = plan.container.context
    parts = [folders.path_of(folder) for folder in (folders.project, *folders.beside)]
    return [
        (
            "context",
            f"{folders.root}: {', '.join(parts)}" if folders.root != folders.project else str(folders.root),
        )
    ]


def _packages(plan: ImagePlan) -> list[tuple[str, str]]:
    packages = plan.container.packages if plan.container else ()
    own = plan.container.runtime_packages if plan.container else ()
    return [
        *(("build package", f"{each.package}: {each.because}") for each in packages),
        *([("image packages", ", ".join(own))] if own else []),
    ]


def plan_json(plan: ImagePlan, resolved: ResolvedSettings, project: Project, found: FoundGraph) -> str:
    return as_json(_plan_values(plan, resolved, project, found))


def _plan_values(
    plan: ImagePlan, resolved: ResolvedSettings, project: Project, found: FoundGraph
) -> dict[str, object]:
    return {
        "tags": plan.tags,
        "variant": plan.variant.name,
        "backend": plan.backend.value,
        **{name.replace(" ", "_"): image for name, image in _base_images(plan)},
        "context": str(plan.container.context.root) if plan.container else None,
        "cache": plan.container.cache_reason if plan.container else None,
        "build_packages": msgspec.to_builtins(plan.container.packages) if plan.container else [],
        "runtime_packages": plan.container.runtime_packages if plan.container else (),
        "linkage": plan.linkage_reason,
        "name": plan.name,
        "extra_bins": plan.compile.extra_binaries,
        "version": plan.version,
        "manifest": str(plan.compile.manifest),
        "commit": plan.git.revision if isinstance(plan.git, GitState) else None,
        "created": as_date(plan.created),
        "profile": plan.compile.profile,
        "features": plan.compile.features,
        "default_features": plan.compile.default_features,
        "target_triple": plan.compile.target_triple,
        "locked": plan.compile.locked,
        "user": plan.config.user,
        "expose": plan.config.expose,
        "build_env": sorted(plan.compile.environment),
        "env": sorted(plan.config.env),
        "labels": plan.config.labels,
        "stop_signal": plan.config.stop_signal,
        "workdir": plan.config.workdir,
        "volumes": plan.config.volumes,
        "healthcheck": msgspec.to_builtins(plan.config.healthcheck),
        "args": plan.config.args,
        "assets": [{"source": str(a.source), "destination": a.destination} for a in plan.assets],
        "ca_certificates": [str(path) for path in plan.ca_certificates],
        "dependencies": _dependencies(found),
        "cargo_config": [str(path) for path in project.config.files],
        "toolchain": project.toolchain.channel if project.toolchain else None,
        "origins": {key: origin.where for key, origin in sorted(resolved.origins.items())},
    }


def plans_text(plans: Sequence[tuple[ImagePlan, RustDockerError | None]]) -> str:
    """Return a row for each image: its name, and what it is of, or why there can be none."""
    return aligned([(plan.tags[0], refused.what if refused else plan_line(plan)) for plan, refused in plans])


def plans_json(
    known: Sequence[tuple[ImagePlan, ResolvedSettings, Project, FoundGraph]],
    refused: Sequence[RustDockerError | None],
) -> str:
    """Return all that is known of each; `refused` says why there can be no such image, or None."""
    return as_json(
        [
            {**_plan_values(*each), "refused": error.what if error else None}
            for each, error in zip(known, refused, strict=True)
        ]
    )


def _dependencies(found: FoundGraph) -> dict[str, object]:
    crates = found.graph.crates if found.graph else ()
    return {
        "source": found.source,
        "exact": found.graph is not None and found.graph.is_exact,
        "crates": [
            {
                "name": crate.id.name,
                "version": crate.id.version,
                "features": sorted(crate.features) if crate.features is not None else None,
                "for_host": crate.for_host,
            }
            for crate in crates
        ],
    }


def _mount_rows(kept: KeptMounts) -> list[tuple[str, Sequence[CacheMount]]]:
    return [("this project", kept.own), ("cargo's home", kept.shared), ("other projects", kept.others)]


def mounts_text(kept: KeptMounts) -> str:
    """Return what is kept on mounts, by whose it is."""
    lines = [f"{'kept':<16}{'mounts':>7}{'size':>12}  last used"]
    for name, mounts in _mount_rows(kept):
        size, used = sum(mount.size for mount in mounts), max((mount.last_used for mount in mounts), default="")
        lines.append(f"{name:<16}{len(mounts):>7}{megabytes(size):>12}  {used[:16].replace('T', ' ')}".rstrip())
    return "\n".join(lines)


def verdict_text(verdict: Verdict) -> str:
    """Return what a program did where nothing is granted."""
    if verdict.listens:
        did = f"it listens on {', '.join(port.removesuffix('/tcp') for port in verdict.listens)}"
    else:
        did = "it still runs" if verdict.exit_code is None else f"it ended with exit code {verdict.exit_code}"
    healthy = " and is healthy" if verdict.is_healthy else ""
    return f"ok: {did}{healthy} after {verdict.seconds:.1f} s"


def verdict_json(verdict: Verdict) -> str:
    return as_json(_verdict_values(verdict))


def _verdict_values(verdict: Verdict) -> dict[str, object]:
    return {
        "listens": verdict.listens,
        "is_healthy": verdict.is_healthy,
        "exit_code": verdict.exit_code,
        "seconds": verdict.seconds,
    }


def verdicts_text(made: Sequence[BuildReport | FailedImage], verdicts: Mapping[str, Verdict]) -> str:
    """Return a row for each image with what its program did; `verdicts` has it by the image's first tag."""
    tags = [each.plan.tags[0] for each in made]
    return aligned([(tag, verdict_text(verdicts[tag]) if tag in verdicts else "failed") for tag in tags])


def verdicts_json(made: Sequence[BuildReport | FailedImage], verdicts: Mapping[str, Verdict]) -> str:
    def did(each: BuildReport | FailedImage) -> dict[str, object]:
        if isinstance(each, FailedImage):
            return {"error": each.error.what}
        return _verdict_values(verdicts[each.plan.tags[0]])

    return as_json([{"name": each.plan.name, "tags": each.plan.tags, **did(each)} for each in made])


def mounts_json(kept: KeptMounts) -> str:
    """Return the same, sizes in bytes."""
    return as_json(
        [
            {"kept": name, "bytes": mount.size, "last_used": mount.last_used or None, "record": mount.record}
            for name, mounts in _mount_rows(kept)
            for mount in mounts
        ]
    )
