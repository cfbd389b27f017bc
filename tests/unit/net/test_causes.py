"""Errors below an error."""

import ssl

from keynet.net.causes import cause, causes


def test_what_caused_an_error_is_found_below_groups_and_circles() -> None:
    inner = ssl.SSLError("inner")
    outer = RuntimeError("outer")
    outer.__cause__ = ExceptionGroup("both", [ValueError("first"), inner])
    inner.__context__ = outer
    assert cause(outer, ssl.SSLError) is inner
    assert cause(outer, KeyError) is None
    assert [type(error) for error in causes(outer)][:3] == [
        RuntimeError,
        ExceptionGroup,
        ValueError,
    ]
