"""Lines of a requirements file, as pip reads them."""

import pytest

from keynet.recipe.dependencies.lines import requirement_lines
from keynet.recipe.dependencies.lines.requirement_lines import Line, Undecodable
from tests.tables import table


@table(
    "content",
    [
        b"# -*- coding: cp949 -*-\n# \xc7\xd1\xb1\xdb\nsix\n",
        b"\n# vim: set fileencoding=euc-kr :\nsix # \xc7\xd1\n",
        "# 한글\nsix\n".encode(),
        "six # 한글\n".encode("utf-16"),
        b"\xef\xbb\xbf# coding: latin-1\nsix # \xed\x95\x9c\n",
    ],
)
def test_the_declared_encoding_counts(content: bytes) -> None:
    text = requirement_lines.decode(content)
    assert [line.text for line in requirement_lines.logical(text) if line.text] == ["six"]


@table(
    ("content", "encoding", "line", "known"),
    [
        (b"six\n# \xc7\xd1\n", "utf-8", 2, True),
        (b"# coding: ascii\n\nsix # \xc7\n", "ascii", 3, True),
        (b"# coding: klingon\nsix\n", "klingon", 1, False),
        (b"\n# coding: rot13\nsix\n", "rot13", 2, False),
        (b"# coding: punycode\nsix-\n", "punycode", 1, False),
        (b"# coding: \xff\nsix\n", "utf-8", 1, True),
        # UTF-16 without its mark.
        ("six\nrich\n".encode("utf-16-le"), "utf-8", 1, True),
    ],
)
def test_another_encoding_is_refused_with_its_line(
    content: bytes, encoding: str, line: int, known: bool
) -> None:
    with pytest.raises(Undecodable) as caught:
        requirement_lines.decode(content)
    assert (caught.value.encoding, caught.value.line, caught.value.known) == (encoding, line, known)


@table(
    ("text", "expected"),
    [
        ("a\nb", [Line(1, 1, "a"), Line(2, 1, "b")]),
        ("a \\\n  ==1\nb", [Line(1, 2, "a   ==1"), Line(3, 1, "b")]),
        ("a\\\\\n==1", [Line(1, 2, "a==1")]),
        ("a\\", [Line(1, 1, "a")]),
        ("a\\\n# b\nc", [Line(1, 2, "a"), Line(3, 1, "c")]),
        ("# a\\\nb", [Line(1, 1, ""), Line(2, 1, "b")]),
        ("git+https://h/x#egg=y # z", [Line(1, 1, "git+https://h/x#egg=y")]),
        ("a\t#b", [Line(1, 1, "a")]),
    ],
)
def test_lines_are_joined_and_comments_removed(text: str, expected: list[Line]) -> None:
    assert list(requirement_lines.logical(text)) == expected


@table(
    ("line", "expected"),
    [
        ("-r a.txt", [("-r", "a.txt")]),
        ("-ra.txt", [("-r", "a.txt")]),
        ("--requirement=a.txt", [("--requirement", "a.txt")]),
        ("-f 'my wheels'", [("-f", "my wheels")]),
        ("-f my\\ wheels", [("-f", "my wheels")]),
        ("-i https://a -f b --pre", [("-i", "https://a"), ("-f", "b"), ("--pre", "")]),
        ("-f it's", [("-f", "it's")]),
    ],
)
def test_options_are_told_apart(line: str, expected: list[tuple[str, str]]) -> None:
    assert requirement_lines.options(line) == expected


@table(
    ("line", "expected"),
    [
        ("-e ./a[b] ; c", "./a[b] ; c"),
        ("--editable=./a", "./a"),
        ("-e./a", "./a"),
        ('-e "./a b"', "./a b"),
    ],
)
def test_what_follows_an_option_is_kept_as_it_is(line: str, expected: str) -> None:
    assert requirement_lines.after_option(line) == expected
