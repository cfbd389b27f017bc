"""What a failure at a proxy means, in words that name the proxy."""

import re
import socket
import ssl

from keynet.net.proxies import Proxy
from keynet.net.proxy_errors import ProxyStage, login_wanted, proxy_problem
from keynet.secret import Secret
from tests.tables import table

PROXY = Proxy("https://proxy:3128", "https_proxy", "a.test:443", True, "kim", Secret("hunter2"))
PLAIN = Proxy("http://proxy:3128", "http_proxy", "a.test:80", False)
UNTRUSTED = ssl.SSLCertVerificationError(1, "bad")
UNTRUSTED.verify_message = "self-signed certificate"


@table(
    ("error", "reason", "temporary"),
    [
        (UNTRUSTED, "the certificate of the proxy .* is not trusted .self-signed", False),
        (socket.gaierror(-2, "no"), "the host name of the proxy .* cannot be resolved", True),
        (ConnectionRefusedError(111, "x"), r"cannot be reached \(Connection refused\)", True),
        (TimeoutError(), "does not answer in time", True),
        (ValueError("odd"), r"does not answer as a proxy does \(odd\)", False),
        (Exception("407 Login"), r"refuses its user and password \(407 Login\)", False),
        (Exception("403 No"), r"refuses connections to a\.test:443 \(403 No\)", False),
        (Exception("502 No"), r"cannot connect to a\.test:443 \(502 No\)", True),
        (Exception("501 No"), r"cannot connect to a\.test:443 \(501 No\)", False),
    ],
)
def test_a_failure_at_a_proxy_names_it(error: Exception, reason: str, temporary: bool) -> None:
    problem = proxy_problem(PROXY, error)
    assert "the proxy https://proxy:3128 (https_proxy)" in problem.reason
    assert re.search(reason, problem.reason)
    assert problem.temporary is temporary
    assert "https_proxy" in problem.hint or "a.test:443" in problem.hint
    assert "hunter2" not in problem.reason + problem.hint


def test_a_407_is_a_proxys_also_where_none_is_set() -> None:
    assert "wants a login" in login_wanted(None).reason
    assert "wants a login" in login_wanted(PLAIN).reason
    assert "refuses its user" in login_wanted(PROXY).reason


@table(
    ("proxy", "events", "at_fault"),
    [
        (PROXY, [], False),
        (PROXY, ["connection.connect_tcp.started"], True),
        (PROXY, ["connection.connect_tcp.started", "http11.send_request_headers.started"], True),
        (PROXY, ["connection.connect_tcp.started", "http_proxy.start_tls.started"], False),
        (PROXY, ["socks.connect_tcp.started", "socks.setup_socks5_connection.complete"], False),
        (PLAIN, ["connection.connect_tcp.started", "http11.send_request_headers.started"], False),
        (None, ["connection.connect_tcp.started"], False),
    ],
)
def test_a_proxy_is_at_fault_until_the_server_is_reached(
    proxy: Proxy | None, events: list[str], at_fault: bool
) -> None:
    stage = ProxyStage(proxy)
    for event in events:
        stage.note(event, {})
    assert (stage.at_fault is not None) is at_fault
