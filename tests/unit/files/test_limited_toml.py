"""TOML of others is parsed or refused, within bounded time."""

import pytest

from keynet.files import limited_toml
from tests.tables import table


def test_a_document_is_parsed() -> None:
    assert limited_toml.loads(b"\xef\xbb\xbf[a]\nb = 1.5\n") == {"a": {"b": 1.5}}


@table(
    "content",
    [
        b"[a",
        b"\xff",
        b"a=" + b"[" * 100_000,
        b"a=" + b"1" * 100_000,
        b"a" + b".a" * 1_000_000 + b"=1",
        b"\n".join(b"a" + b".a" * 10_000 + b"=1" for _ in range(100)),
        b"".join(b"[a%d.b.c.d]\n" % number for number in range(30_000)),
        b"".join(b" a%d.b.c.d=1\n" % number for number in range(40_000)),
        b"a=[" + b"{b=1}," * 500_000 + b"]",
    ],
)
def test_anything_else_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        limited_toml.loads(content)


def test_the_dots_of_values_are_not_those_of_names() -> None:
    text = b"".join(b'[[a]]\nb = "1.2.3.4"\n' for _ in range(50_000))
    assert len(limited_toml.loads(text)["a"]) == 50_000
