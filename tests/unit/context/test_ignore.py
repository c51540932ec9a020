"""The patterns of .dockerignore; tests/engine compares them with what BuildKit itself sends."""

from __future__ import annotations

import pytest

from rustdocker_tasks.context.ignore import IgnorePatterns, parse_ignore_file, require_pattern


@pytest.mark.parametrize(
    ("patterns", "path", "verdict"),
    [
        ("target", "target/release/x", True),
        ("target", "crates/target", False),
        ("**/target", "crates/a/target/x/y", True),
        ("**/target", "target", True),
        ("/docs/", "docs/a.md", True),
        ("*.md", "README.md", True),
        ("*.md", "docs/a.md", False),
        ("**/*.md", "docs/deep/a.md", True),
        ("docs/**", "docs/a/b", True),
        ("docs/**/b", "docs/b", True),
        ("docs/**/b", "docs/x/y/b", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[a-c]x", "bx", True),
        ("[^a-c]x", "bx", False),
        ("a\\*", "a*", True),
        ("a\\*", "ab", False),
        ("*\n!src", "src/main.rs", False),
        ("*\n!src", "lib/main.rs", True),
        ("*\n!src\nsrc/secret", "src/secret", True),
        ("# target\n\n  docs  ", "docs/x", True),
        ("# target", "target", False),
        ("./docs/../notes", "notes", True),
        ("README.MD", "readme.md", False),
        (".", "src/main.rs", False),
    ],
)
def test_a_pattern_means_what_it_means_to_buildkit(patterns: str, path: str, *, verdict: bool) -> None:
    assert IgnorePatterns(parse_ignore_file(patterns)).ignores(path) is verdict


# Each was tried on Engine 28.5.
@pytest.mark.parametrize("pattern", ["[a-z", "b\\", "[-b]", "[]b]", "[z-b]", "[b", "![b"])
def test_what_docker_takes_for_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        require_pattern(pattern)


@pytest.mark.parametrize("pattern", ["[b-z]", "[^b]x", "a\\[", "[\\]]", "**/*.md", "!a?c", "é", "[a-cx-z]", "]"])
def test_what_docker_takes_for_a_pattern_is_one(pattern: str) -> None:
    require_pattern(pattern)
