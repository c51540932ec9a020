from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from rustdocker_tasks.errors import (
    BadValue,
    MisplacedKey,
    MisplacedTable,
    NoSuchBinary,
    SettingsError,
    SeveralBadSettings,
    UnknownKey,
)
from rustdocker_tasks.settings.options import OPTIONS, Backend, Option, Settings
from rustdocker_tasks.settings.resolve import ResolvedSettings, resolve_settings
from rustdocker_tasks.settings.schema import cargo_toml_schema
from rustdocker_tasks.settings.sources import (
    Layer,
    Source,
    environment_layer,
    metadata_layer,
    require_binaries,
    require_placed,
)
from tests.models import binary, package

BASE = Path("/base")


def layer(source: Source = Source.PACKAGE, **values: object) -> Layer:
    return Layer(
        source=source,
        where=lambda path: ".".join((source.name, *path[:-1])),
        base=BASE,
        values={k.replace("_", "-"): v for k, v in values.items()},
    )


def resolve(*layers: Layer, binary: str | None = None, variant: str | None = None) -> ResolvedSettings:
    return resolve_settings(layers, binary=binary, variant=variant)


@pytest.mark.parametrize("key", ["cache-to", "builder", "features", "expose"])
def test_an_empty_variable_takes_back_what_a_file_sets(key: str) -> None:
    option = OPTIONS[key]
    lower = layer(**{option.field: tomli.loads(f"value = {option.example}")["value"]})

    resolved = resolve(lower, environment_layer({option.variable: ""}, base=BASE))

    assert getattr(resolved.settings, option.field) == getattr(Settings(), option.field)
    assert resolved.origin(key).where == f"the environment variable {option.variable}"
    assert getattr(resolve(lower).settings, option.field) != getattr(Settings(), option.field)


def test_nothing_set_gives_the_defaults() -> None:
    resolved = resolve()

    assert resolved.settings == Settings()
    assert resolved.settings.user == "65532:65532"
    assert resolved.origin("user").where == "the default"


@given(st.permutations([s for s in Source if s is not Source.DEFAULT]))
def test_the_highest_source_wins_whatever_the_order_of_layers(order: list[Source]) -> None:
    resolved = resolve(*(layer(source, variant=source.name) for source in order))

    assert resolved.settings.variant == "FLAG"
    assert resolved.origin("variant").source is Source.FLAG


def test_a_list_replaces_the_lower_one_and_a_table_is_merged() -> None:
    resolved = resolve(
        layer(Source.WORKSPACE, expose=[1, 2], env={"A": "1", "B": "1"}),
        layer(Source.PACKAGE, expose=[3], env={"B": "2"}),
    )

    assert resolved.settings.expose == ("3/tcp",)
    assert resolved.settings.env == {"A": "1", "B": "2"}


SCOPED: Any = {
    "args": ["plain"],
    "static": {"args": ["variant"]},
    "bin": {"server": {"args": ["binary"], "static": {"args": ["both"]}}},
}


@pytest.mark.parametrize(
    ("name", "variant", "value", "origin"),
    [
        (None, None, "plain", "PACKAGE"),
        ("worker", "slim", "plain", "PACKAGE"),
        ("worker", "static", "variant", "PACKAGE.static"),
        ("server", "slim", "binary", "PACKAGE.bin.server"),
        ("server", "static", "both", "PACKAGE.bin.server.static"),
    ],
)
def test_tables_for_a_binary_and_a_variant_outrank_what_is_said_for_all(
    name: str | None, variant: str | None, value: str, origin: str
) -> None:
    resolved = resolve(layer(**SCOPED), binary=name, variant=variant)

    assert resolved.settings.args == (value,)
    assert resolved.origin("args").where == origin


def test_a_higher_layer_outranks_the_tables_of_a_lower_one() -> None:
    resolved = resolve(layer(**SCOPED), layer(Source.ENVIRONMENT, args=["x"]), binary="server", variant="static")

    assert resolved.settings.args == ("x",)


RANKS = [
    (source, table)
    for source in Source
    if source is not Source.DEFAULT
    for table in ((), ("static",), ("bin", "server"), ("bin", "server", "static"))
]


@pytest.mark.parametrize(("lower", "higher"), list(itertools.combinations(RANKS, 2)))
def test_of_each_pair_of_layers_the_higher_wins_and_is_the_origin(
    lower: tuple[Source, tuple[str, ...]], higher: tuple[Source, tuple[str, ...]]
) -> None:
    for value in (["high"], []):
        layers = [_nested(lower, ["low"]), _nested(higher, value)]
        for order in (layers, layers[::-1]):
            resolved = resolve(*order, binary="server", variant="static")

            assert list(resolved.settings.args) == value
            assert resolved.origin("args").where == ".".join((higher[0].name, *higher[1]))


def _nested(rank: tuple[Source, tuple[str, ...]], args: list[str]) -> Layer:
    values: dict[str, Any] = {"args": args}
    for name in reversed(rank[1]):
        values = {name: values}
    return layer(rank[0], **values)


def test_a_wrong_value_in_a_table_for_another_is_refused_too() -> None:
    with pytest.raises(BadValue, match="port"):
        resolve(layer(bin={"worker": {"expose": [0]}}), binary="server")


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"static": {"variant": "slim"}}, "`variant` cannot stand in the table `static`"),
        ({"bin": {"a": {"package": "x"}}}, "`package` cannot stand in the table `bin.a`"),
        ({"bin": {"a": {"static": {"backend": "host"}}}}, "`backend` cannot stand in the table `bin.a.static`"),
        ({"retries": 3}, "`retries` is a part of `healthcheck`"),
    ],
)
def test_a_key_at_the_wrong_level_is_explained(values: dict[str, Any], what: str) -> None:
    with pytest.raises(MisplacedKey, match=re.escape(what)):
        resolve(layer(**values))


@pytest.mark.parametrize("values", [{"static": True}, {"bin": {"a": 1}}, {"bin": {"a": {"slim": []}}}])
def test_what_should_be_a_table_and_is_none_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(BadValue, match="a table of settings"):
        resolve(layer(**values))


@pytest.mark.parametrize(
    ("table", "right"),
    [
        ("rustdocker", "package.metadata.rustdocker"),
        ("metadata.rustdocker", "package.metadata.rustdocker"),
        ("package.rustdocker", "package.metadata.rustdocker"),
        ("workspace.rustdocker", "workspace.metadata.rustdocker"),
    ],
)
def test_a_table_that_nobody_would_read_is_refused(table: str, right: str) -> None:
    with pytest.raises(MisplacedTable) as caught:
        require_placed(Path("/p/Cargo.toml"), f"[lib]\n\n[{table}]\nexpose = [1]\n")

    assert caught.value.set_by == "/p/Cargo.toml, line 3"
    assert caught.value.hint == f"write it as [{right}]"


def test_a_table_in_its_place_is_none_of_the_wrong_ones() -> None:
    require_placed(Path("/p/Cargo.toml"), "[package.metadata.rustdocker]\n[workspace.metadata.rustdocker]\n")


def test_a_table_for_a_binary_that_there_is_not_is_refused() -> None:
    shop, mail = package("shop", binary("server")), package("mail", binary("mailer"))
    own, outer = layer(bin={"srever": {}}), layer(Source.WORKSPACE, bin={"mailer": {}, "server": {}})

    require_binaries([outer], own=shop, members=[shop, mail])
    with pytest.raises(NoSuchBinary) as caught:
        require_binaries([own, outer], own=shop, members=[shop, mail])
    assert caught.value.hint == "call the table server, or remove it"


def test_an_empty_value_is_an_answer() -> None:
    resolved = resolve(layer(Source.WORKSPACE, expose=[1], args=["x"]), layer(Source.PACKAGE, expose=[], args=[]))

    assert resolved.settings.expose == ()
    assert resolved.settings.args == ()


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("RUSTDOCKER_EXPOSE", "8080", "expose", ("8080/tcp",)),
        ("RUSTDOCKER_EXPOSE", "[80, '53/udp']", "expose", ("80/tcp", "53/udp")),
        ("RUSTDOCKER_ARGS", "--verbose", "args", ("--verbose",)),
        ("RUSTDOCKER_ENV", '{ A = "b" }', "env", {"A": "b"}),
        ("RUSTDOCKER_CA_CERTIFICATES", "ca.pem", "ca_certificates", (BASE / "ca.pem",)),
        ("RUSTDOCKER_BACKEND", "host", "backend", Backend.HOST),
        ("RUSTDOCKER_FEATURES", "postgres,tls", "features", ("postgres", "tls")),
        ("RUSTDOCKER_FEATURES", "['postgres tls', 'x/y']", "features", ("postgres", "tls", "x/y")),
        ("RUSTDOCKER_USER", "1000", "user", "1000:1000"),
        ("RUSTDOCKER_USER", '"1000:2000"', "user", "1000:2000"),
    ],
)
def test_a_variable_holds_toml_or_a_bare_word(variable: str, text: str, field: str, value: object) -> None:
    resolved = resolve(environment_layer({variable: text, "HOME": "/"}, base=BASE))

    assert getattr(resolved.settings, field) == value
    assert resolved.origins[field.replace("_", "-")].where == f"the environment variable {variable}"


def test_an_absolute_path_stays() -> None:
    assert resolve(layer(ca_certificates=["/etc/ca.pem"])).settings.ca_certificates == (Path("/etc/ca.pem"),)


def test_an_unknown_key_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownKey) as caught:
        resolve(layer(expos=[1]))

    assert caught.value.hint == "did you mean `expose`?"


def test_an_unknown_variable_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownKey) as caught:
        resolve(environment_layer({"RUSTDOCKER_EXPSE": "1"}, base=BASE))

    assert caught.value.set_by == "the environment variable RUSTDOCKER_EXPSE"
    assert caught.value.hint == "did you mean `RUSTDOCKER_EXPOSE`?"


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("expose", [70000], "a port is a number from 1 to 65535 - at `expose[0]`"),
        ("expose", 80, "Expected `array`, got `int`"),
        ("args", "x", "Expected `array`, got `str`"),
        ("user", True, "expected text or a number, got bool"),
        ("backend", "podman", "it is one of auto, buildx, host"),
        ("libc", "glibc", "it is one of musl, gnu"),
        ("tag", ["Shop"], "a tag is a lower-case image name with an optional :tag - at `tag[0]`"),
        ("env", {"A": 1}, "Expected `str`, got `int` - at `env[...]`"),
        ("env", {"A=B": "1"}, "a variable's name is not empty and holds no `=`"),
        ("env", {"A": "\0"}, "it holds a NUL character"),
        ("labels", {"a=b": "1"}, "a label's name is not empty and holds no `=`"),
        (
            "assets",
            [{"source": "x", "destination": "/x", "mode": 0o644}],
            'a mode is written in octal, as a text: "0644" - at `assets[0].mode`',
        ),
        ("stop-signal", "SIGFOO", "a signal is a name such as SIGINT, or a number from 1 to 64"),
        ("stop-signal", "SIGRTMIN+16", "a signal is a name such as SIGINT, or a number from 1 to 64"),
        (
            "healthcheck",
            {"command": ["x"], "retries": 2**31},
            "Expected `int` <= 2147483647 - at `healthcheck.retries`",
        ),
        ("builder", "", "Expected `str` of length >= 1"),
        ("args", ["a\0"], "it holds a NUL character"),
    ],
)
def test_a_bad_value_says_what_is_wrong(key: str, value: object, problem: str) -> None:
    with pytest.raises(BadValue) as caught:
        resolve(layer(Source.PACKAGE, **{key: value}))

    assert caught.value.what == f"`{key}` cannot take this value: {problem}"
    assert caught.value.set_by == "PACKAGE"
    assert caught.value.hint == f"write it like {OPTIONS[key].example}"


def test_a_second_key_smuggled_into_a_variable_is_refused() -> None:
    with pytest.raises(BadValue, match="it is more than one value"):
        resolve(environment_layer({"RUSTDOCKER_ENV": "{}\nx = 1"}, base=BASE))


def test_broken_toml_in_a_variable_is_refused() -> None:
    with pytest.raises(BadValue) as caught:
        resolve(environment_layer({"RUSTDOCKER_EXPOSE": "[80"}, base=BASE))

    assert caught.value.found == "[80"


@given(st.text(alphabet="abcdefgh0123", min_size=8), st.sampled_from(["x", 'x"', "[", "{A=", "{A='", "{ A = 1 }"]))
def test_a_secret_in_env_is_in_no_error(secret: str, shape: str) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve(environment_layer({"RUSTDOCKER_ENV": shape + secret}, base=BASE))

    assert secret not in str(caught.value)


@given(
    st.dictionaries(st.sampled_from(sorted(OPTIONS)), st.none() | st.integers() | st.text() | st.lists(st.text()))
)
def test_any_value_gives_settings_or_an_error_of_ours(values: dict[str, object]) -> None:
    try:
        resolved = resolve_settings([Layer(source=Source.PACKAGE, where=lambda _: "x", base=BASE, values=values)])
    except SettingsError:
        return

    assert set(resolved.origins) == set(values)


def test_every_option_has_an_example_that_it_accepts() -> None:
    for option in OPTIONS.values():
        text = option.example.strip('"')
        resolved = resolve(environment_layer({option.variable: text}, base=BASE))

        assert getattr(resolved.settings, option.field) is not None


def test_several_faults_are_reported_together() -> None:
    with pytest.raises(SeveralBadSettings) as caught:
        resolve(layer(Source.WORKSPACE, expose=["x"]), layer(Source.PACKAGE, tagg=["a"], user="root"))

    text = str(caught.value)
    assert [line for line in text.splitlines() if not line.startswith(" ")] == [
        "`expose` cannot take this value: a port is a number from 1 to 65535 - at `expose[0]`",
        "there is no setting `tagg`",
        "`user` cannot take this value: a user is a number, or two: user:group",
    ]
    assert caught.value.exit_code == 64


TEXT = """[package]
name = "x"
[package.metadata.rustdocker]
expose = [1]

env.A = "b"
"""


def test_an_origin_names_file_and_line() -> None:
    manifest = BASE / "Cargo.toml"
    metadata = {"rustdocker": {"expose": [1], "env": {"A": "b"}}}
    resolved = resolve(metadata_layer(metadata, source=Source.PACKAGE, manifest=manifest, text=TEXT))

    assert resolved.origin("expose").where == f"{manifest}, line 4 [package.metadata.rustdocker]"
    # Of `env.A` the table around is named.
    assert resolved.origin("env").where == f"{manifest}, line 3 [package.metadata.rustdocker]"


SCHEMA = Draft202012Validator(cargo_toml_schema())


@pytest.mark.parametrize("table", ["package", "workspace"])
@pytest.mark.parametrize("option", OPTIONS.values(), ids=lambda option: option.key)
def test_the_schema_knows_every_setting_and_accepts_its_example(option: Option, table: str) -> None:
    value = tomli.loads(f"value = {option.example}")["value"]
    document = {table: {"metadata": {"rustdocker": {option.key: value}}}}

    assert list(SCHEMA.iter_errors(document)) == []
    assert option.description in json.dumps(cargo_toml_schema()["$defs"]["Settings"]["properties"][option.key])


@pytest.mark.parametrize(
    "values",
    [
        {"static": {"expose": [80]}},
        {"bin": {"server": {"user": 1000, "static": {"expose": ["80/tcp"]}}}},
        {"healthcheck": {"command": ["/x"], "retries": 3}},
    ],
)
def test_the_schema_accepts_what_we_accept(values: dict[str, Any]) -> None:
    resolve(layer(**values))

    assert list(SCHEMA.iter_errors({"package": {"metadata": {"rustdocker": values}}})) == []


@pytest.mark.parametrize(
    "values",
    [
        {"expose": 80},
        {"exposed": [80]},
        {"static": {"variant": "slim"}},
        {"bin": {"server": {"bin": "x"}}},
        {"bin": {"server": {"static": {"backend": "host"}}}},
        {"healthcheck": {"command": []}},
        {"locked": "yes"},
        {"debian-release": "Trixie!"},
        {"debian-release": "trixie\n"},
        {"toolchain": "1.85\n"},
    ],
)
def test_the_schema_refuses_what_we_refuse(values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        resolve(layer(**values))

    assert list(SCHEMA.iter_errors({"package": {"metadata": {"rustdocker": values}}})) != []
