"""What a collection binds its tasks to: a project's folder, and settings of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rustdocker_tasks.task_flags import SETTING_FLAGS, VARIANT
from rustdocker_tasks.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from invoke.context import Context

    from rustdocker_tasks.cargo.binaries import BinaryRequest
    from rustdocker_tasks.pipeline import Planned
    from rustdocker_tasks.settings.sources import Layer

    Flags = Mapping[str, Any]
    Body = Callable[["Bound", Context, Flags], str | None]

_CONFIG_KEY = "rustdocker"


class Bound:
    """What a collection knows of its project before a task runs."""

    def __init__(
        self,
        root: Path | str | None,
        settings: Mapping[str, object],
        fixed: Mapping[str, str] | None = None,
        fixed_by: str = "",
    ) -> None:
        self._root = root
        self._settings = settings
        self._fixed = fixed or {}
        self._fixed_by = fixed_by

    def for_program(self, *, package: str, binary: str) -> Bound:
        """Return the same for one program of a workspace."""
        by = "workspace(…), which has a collection for each program"
        return self.with_fixed({"package": package, "bin": binary}, by)

    def with_fixed(self, settings: Mapping[str, str], by: str) -> Bound:
        """Return the same with settings that only a flag outranks."""
        return Bound(self._root, self._settings, settings, by)

    def choice(self, flags: Flags) -> BinaryRequest:
        """Return which program the collection and the flags choose, as far as they do."""
        from rustdocker_tasks.cargo.binaries import BinaryRequest

        def chosen(key: str) -> str | None:
            value = flags.get(key) or self._fixed.get(key) or self._settings.get(key)
            # A table has settings for single binaries, and chooses none.
            return value if isinstance(value, str) else None

        return BinaryRequest(package=chosen("package"), binary=chosen("bin"))

    def may_use_buildx(self, flags: Flags) -> bool:
        """Whether nobody says otherwise, as far as that is seen before any file is read."""
        import os

        asked = flags.get("backend") or os.environ.get("RUSTDOCKER_BACKEND") or self._settings.get("backend")
        return asked != "host"

    def start(self, c: Context | None = None) -> Path:
        """Return the folder that the project is looked for from.

        Without a root it is the folder that Invoke runs in, or the task file's where that is another place, as
        with `invoke --search-root`. Raises BadValue for a root that is no absolute path.
        """
        from pathlib import Path

        from rustdocker_tasks.errors import BadValue

        if self._root is None:
            here = Path.cwd()
            beside = _task_file_folder(c) if c is not None else None
            return here if beside is None or here.resolve().is_relative_to(beside.resolve()) else beside
        if not isinstance(self._root, str | Path) or not Path(self._root).is_absolute():
            # `invoke` also runs from the folders below its task file: a relative one could be another project.
            raise BadValue(
                "root",
                value=str(self._root),
                where="collection(root=…)",
                problem="it is no absolute path",
                example='Path(__file__).parent / "services/shop"',
            )
        return Path(self._root)

    def own_layer(self, base: Path | None = None) -> Layer:
        """Return the settings that the collection was made with; without a root their paths start at `base`."""
        from rustdocker_tasks.settings.sources import Layer, Source

        return Layer(
            source=Source.INVOKE,
            where=lambda path: f"collection({'.'.join(path).replace('-', '_')}=…)",
            base=base if base is not None and self._root is None else self.start(),
            values=self._settings,
        )

    def layers(self, c: Context, flags: Flags) -> tuple[Layer, ...]:
        import os
        from pathlib import Path

        from rustdocker_tasks.errors import BadValue
        from rustdocker_tasks.settings.sources import Layer, Source, environment_layer

        here = Path.cwd()
        configured = _plain(c.config.get(_CONFIG_KEY) or {})
        if not isinstance(configured, dict):
            raise BadValue(
                _CONFIG_KEY,
                value=str(configured),
                where="Invoke's configuration",
                problem="it is no table of settings",
                example="rustdocker: {expose: [8080]}",
            )
        beside = _task_file_folder(c) or here
        return (
            Layer(
                source=Source.INVOKE,
                where=lambda path: f"Invoke's configuration ({'.'.join((_CONFIG_KEY, *path))})",
                base=beside,
                values=configured,
            ),
            self.own_layer(beside),
            environment_layer(os.environ, base=here),
            # What a variable says of all that is built is no reason for `shop.build` to build another.
            Layer(source=Source.FLAG, where=lambda _: self._fixed_by, base=here, values=self._fixed),
            Layer(
                source=Source.FLAG,
                where=lambda path: f"--{path[-1]}",
                base=here,
                values=self.asked(flags),
                is_text=True,
            ),
        )

    def asked(self, flags: Flags) -> dict[str, object]:
        """Return the settings that flags name, as they were typed; raises BadFlag for a `--set` without one."""
        from rustdocker_tasks.errors import BadFlag

        names = {flag.name for flag in (VARIANT, *SETTING_FLAGS)}
        asked = {key: value for key, value in flags.items() if key in names and value not in (None, [])}
        for text in flags.get("set") or ():
            key, equals, value = text.partition("=")
            if not equals:
                problem = "it is no setting with a value"
                raise BadFlag("--set", value=text, problem=problem, example="expose=[8080]")
            asked[key.strip()] = value.strip()
        return asked

    def planned(self, c: Context, flags: Flags) -> Planned:
        from rustdocker_tasks.pipeline import plan_image

        return plan_image(self.start(c), self.layers(c, flags))

    def planned_all(self, c: Context, flags: Flags) -> list[Planned]:
        """Return the plans of all programs, or of those that are touched."""
        from rustdocker_tasks.programs import plan_programs

        planned = plan_programs(self.start(c), self.layers(c, flags), since=flags.get("changed-since"))
        if not planned:
            Terminal().say("no program is touched")
        return planned


def is_dry(c: Context, *planned: Planned) -> bool:
    """Print the plan under `invoke --dry`, and say that this is all."""
    from rustdocker_tasks.report import plan_text

    if c.config.run.dry:
        for each in planned:
            Terminal().say(plan_text(each.plan, each.resolved))
    return bool(c.config.run.dry)


def _task_file_folder(c: Context) -> Path | None:
    """Return the folder of the task file and of the `invoke.yaml` beside it, None where there is no task file."""
    from pathlib import Path

    # Invoke has no other name for it, from 2.2 to 3.0.
    folder = getattr(c.config, "_project_prefix", None)
    return Path(folder) if folder else None


def _plain(value: Any) -> Any:
    """Return Invoke's configuration proxy as plain data: `isinstance(proxy, dict)` is False."""
    if hasattr(value, "items"):
        return {str(key): _plain(item) for key, item in value.items()}
    return value
