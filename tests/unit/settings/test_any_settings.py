"""No value of any setting, from any source, gives anything but settings or an error of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rustdocker_tasks.errors import RustDockerError
from rustdocker_tasks.settings.options import OPTIONS, Settings
from rustdocker_tasks.settings.resolve import resolve_settings
from rustdocker_tasks.settings.sources import Layer, Source, environment_layer, metadata_layer, require_placed
from rustdocker_tasks.variants import load_variants

TEXTS = st.text(max_size=12) | st.sampled_from(
    ["8080", "{version}", "a:{b}", "/x", "[1]", "{ a = 1 }", "true", "1s", "é/x"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.dates()
KEYS = st.sampled_from([*OPTIONS, *load_variants(), "command", "interval", "a", "stop_signal"]) | st.text(
    max_size=5
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
TABLES = st.dictionaries(KEYS, VALUES, max_size=4)


def attempt(layers: list[Layer]) -> Settings | RustDockerError:
    try:
        return resolve_settings(layers, binary="a", variant="static").settings
    except RustDockerError as error:
        return error


def settled(layers: list[Layer]) -> None:
    outcome = attempt(layers)

    if isinstance(outcome, RustDockerError):
        assert len(str(outcome).splitlines()) >= 4
        assert outcome.exit_code in {64, 65}


@given(st.lists(st.tuples(st.sampled_from(list(Source)), TABLES), max_size=3))
def test_any_tables(tables: list[tuple[Source, dict[str, Any]]]) -> None:
    settled([Layer(source=source, where=".".join, base=Path("/base"), values=values) for source, values in tables])


DOCUMENTS = st.sampled_from(
    ["", "[package.metadata.rustdocker]\nexpose = [1]\n", "[package.rustdocker]\n", "a = 1\n"]
)


@given(VALUES, DOCUMENTS)
def test_any_metadata(metadata: Any, text: str) -> None:
    manifest = Path("/base/Cargo.toml")
    try:
        require_placed(manifest, text)
        layer = metadata_layer({"rustdocker": metadata}, source=Source.PACKAGE, manifest=manifest, text=text)
    except RustDockerError:
        return
    settled([layer])


@given(st.dictionaries(st.sampled_from([o.variable for o in OPTIONS.values()]) | st.just("RUSTDOCKER_X"), TEXTS))
def test_any_environment(environment: dict[str, str]) -> None:
    settled([environment_layer(environment, base=Path("/base"))])
