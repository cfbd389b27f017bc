"""Patterns that would take a matcher that goes back for ever."""

import pytest

from keynet.recipe.patterns import matcher
from tests.tables import table

_LONG = "/".join(["a" * 20] * 60)


@table(
    "pattern",
    [
        "**/*a*/" * 40 + "z",
        "**/*a*a*a*a*/" * 20 + "z",
        "*a" * 300 + "z",
        "**a" * 300 + "z",
        "**/a**/a**/" * 30 + "z",
        "[a-z]*" * 100 + "0",
        "**[^b]" * 100 + "z",
        "a*/" * 100 + "**/**/z",
    ],
)
def test_a_path_that_almost_matches_takes_no_time(pattern: str) -> None:
    matches = matcher(pattern)
    for _path in range(20):
        assert not matches(_LONG)


@pytest.mark.slow
def test_a_pattern_longer_than_any_path_matches_nothing() -> None:
    assert not matcher("**/*a*/" * 21_000 + "z")(_LONG)
    assert not matcher("a" * 150_000)(_LONG)
    assert not matcher("[ab]" * 150_000)(_LONG)
    assert matcher("*" * 150_000)("a")


@table(
    ("pattern", "path", "expected"),
    [
        ("**/*a*/**/*b*", "xa/c/yb", True),
        ("**/*a*/**/*b*", "xa/yb", True),
        ("**/*a*/**/*b*", "yb", False),
        ("**/a/b/**/b", "a/b/b", True),
        ("**/a/b/**/b", "a/a/b", False),
        ("**/a/**/b/*", "a/b/b/c", True),
        ("a/**/b/**", "a/b/", True),
        ("a/**/b/**", "a/b", False),
        ("x**/y**/z", "xxy/yz", True),
        ("**x**/y", "xxy", False),
        ("a**b**c", "a/b/c", True),
        ("*a*a", "aa", True),
        ("*a*a", "a", False),
        ("*.*.*", "a.b.c/d", False),
        ("[^a]*b*", "/b", True),
    ],
)
def test_wildcards_together(pattern: str, path: str, expected: bool) -> None:
    assert bool(matcher(pattern)(path)) is expected
