"""NO_PROXY is read as curl and Go read it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keynet.net.no_proxy import is_exempt
from tests.tables import table


@table(
    ("host", "no_proxy"),
    [
        *(("a.test", "*"), ("10.1.2.3", "x.test, *"), ("::1", "*")),
        *(("10.1.2.3", "10.0.0.0/8"), ("10.1.2.3", "10.9.9.9/8"), ("10.1.2.3", "10.1.2.3/32")),
        *(("fd00::5", "fd00::/8"), ("fd00::5", "x.test fd00::/16"), ("10.1.2.3", "0.0.0.0/0")),
        *(("10.1.2.3", "10.1.2.3"), ("10.1.2.3", "10.1.2.3:5000"), ("fd00::5", "fd00:0::5")),
        *(
            ("fd00::5", "[fd00::5]"),
            ("fd00::5", "[fd00::5]:5000"),
            ("::ffff:10.1.2.3", "10.0.0.0/8"),
        ),
        *(
            ("a.test", "a.test"),
            ("a.test", ".a.test"),
            ("x.a.test", "a.test"),
            ("x.a.test", ".a.test"),
        ),
        *(("x.a.test", "*.a.test"), ("y.x.a.test", "*.a.test"), ("a.test", "b.test,a.test")),
        *(
            ("a.test", "b.test a.test"),
            ("A.Test", "a.TEST"),
            ("a.test.", "a.test"),
            ("a.test", "a.test."),
        ),
        *(("a.test", "a.test:5000"), ("x.a.test", ".a.test:5000"), ("x.a.test", "*.a.test:5000")),
        *(("xn--3o2b05qmuo.test", "프록시.test"), ("a", "a"), ("a.test", " ,, a.test,")),
    ],
)
def test_a_server_in_no_proxy_is_exempt(host: str, no_proxy: str) -> None:
    assert is_exempt(host, 5000, no_proxy)


@table(
    ("host", "no_proxy"),
    [
        *(("a.test", ""), ("a.test", " , "), ("a.test", "x.a.test"), ("ba.test", "a.test")),
        *(
            ("a.test", "*.a.test"),
            ("xa.test", "*a.test"),
            ("a.test", "a.test:443"),
            ("a.test", "a.*"),
        ),
        *(("10.1.2.3", "11.0.0.0/8"), ("10.1.2.3", "10.0.0.0/33"), ("10.1.2.3", "10.0.0.0/x")),
        *(("10.1.2.3", "10.1.2"), ("10.1.2.3", "2.3"), ("10.1.2.3", "10.1.2.3:443")),
        *(("fd00::5", "10.0.0.0/8"), ("10.1.2.3", "fd00::/8"), ("fd00::5", "[fd00::5]:443")),
        *(("a.test", "10.0.0.0/8"), ("a.test", "a.test/8"), ("a.test", "."), ("a.test", "*.")),
        *(("10.1.2.3", "10.0.0.0/255.0.0.0"), ("10.1.2.3", "*.3"), ("fd00::5", "fd00")),
    ],
)
def test_a_server_that_is_not_in_no_proxy_is_not_exempt(host: str, no_proxy: str) -> None:
    assert not is_exempt(host, 5000, no_proxy)


@pytest.mark.medium
@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_breaks_the_reading(host: str, no_proxy: str) -> None:
    is_exempt(host, 443, no_proxy)
