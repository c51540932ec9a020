from __future__ import annotations

from typing import Any

import tomli
from hypothesis import given
from hypothesis import strategies as st

from rustdocker_tasks.cargo.positions import key_lines, line_of

DOCUMENT = '''\
# [package]
[package]
name = "x"   # name = "y"
text = """
name = "z"
[package.metadata]
"""
metadata.rustdocker.expose = [
    8080, # ] = 1
    "]",
]
'literal' . "quo\\"ted" = { a = 1,
  b = 2 }

[[bin]]
name = 'a#b'
[[bin]]
name = "c"
'''


def test_keys_are_found_where_they_stand_and_nowhere_else() -> None:
    assert tomli.loads(DOCUMENT)["package"]["metadata"]["rustdocker"]["expose"] == [8080, "]"]
    assert key_lines(DOCUMENT) == {
        ("package",): 2,
        ("package", "name"): 3,
        ("package", "text"): 4,
        ("package", "metadata", "rustdocker", "expose"): 8,
        ("package", "literal", 'quo"ted'): 12,
        ("bin",): 15,
        ("bin", "name"): 16,
    }


def test_a_key_of_an_inline_table_has_the_line_of_the_table() -> None:
    lines = key_lines(DOCUMENT)

    assert line_of(lines, ("package", "literal", 'quo"ted', "b")) == 12
    assert line_of(lines, ("package", "metadata", "rustdocker", "env", "A")) == 2
    assert line_of(lines, ("nowhere",)) is None


VALUES = [
    "1",
    '"a # [b] = c"',
    "'\"'",
    '"""\n[x]\ny = 1\n"""',
    "[\n 1, # ]\n]",
    "{ a = '}' }",
    '"\\""',
    "1979-05-27",
]
KEYS = st.sampled_from(["a", "b-c", '"d e"', "'f.g'", '"h\\"i"'])


@given(st.lists(st.tuples(KEYS, KEYS, st.sampled_from(VALUES), st.integers(0, 2)), unique_by=lambda row: row[:2]))
def test_every_key_of_a_document_is_found_on_its_own_line(rows: list[tuple[str, str, str, int]]) -> None:
    text, wanted, line = "", {}, 1
    for table, key, value, blank in rows:
        lines = "# comment = 1\n" * blank + f"[{table}.{key}]\n{key} = {value}\n"
        parts: Any = tomli.loads(f"{table}.{key} = 1")
        (outer,) = parts
        (inner,) = parts[outer]
        wanted[outer, inner, inner] = line + blank + 1
        text, line = text + lines, line + lines.count("\n")
    tomli.loads(text)

    found = key_lines(text)

    assert {path: found.get(path) for path in wanted} == wanted
