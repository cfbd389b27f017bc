"""HTTP servers on loopback, each in a thread of its own."""

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .certificates import Certificate

__all__ = ["http_server", "scheme_of", "serving"]


def http_server(
    handler: Callable[..., BaseHTTPRequestHandler],
    *,
    certificate: Certificate | None = None,
    port: int = 0,
) -> ThreadingHTTPServer:
    """Return a server that listens, and does not answer before ``serving``.

    Args:
        certificate: Speak TLS with it.
        port: By default a free one.
    """
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.cert, certificate.key)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    return server


def scheme_of(certificate: Certificate | None) -> str:
    """Return the scheme of a server with or without a certificate."""
    return "http" if certificate is None else "https"


@contextlib.contextmanager
def serving(
    server: ThreadingHTTPServer, closing: threading.Event | None = None
) -> Iterator[ThreadingHTTPServer]:
    """Answer requests until the block ends.

    Args:
        closing: Set before the server waits for its end; what handlers wait for.
    """
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        if closing is not None:
            closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
