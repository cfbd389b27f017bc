"""The layers of a first push are on their way while others are still made."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from keynet.cli.main import run
from tests.testbed.http_server import http_server, serving
from tests.testbed.made_wheels import make_wheel

from .conftest import Platform
from .test_direct import base

pytestmark = pytest.mark.slow

REPOSITORY = "kitech-model/abc123xyz456789012345"
NAME = "late-1.0-py3-none-any.whl"


@contextmanager
def index(wheel: bytes, metadata: bytes, before: Callable[[], None]) -> Iterator[str]:
    """Serve an index of one wheel; ``before`` is called before the wheel itself is sent."""
    digest = hashlib.sha256(wheel).hexdigest()
    link = f'<a href="/files/{NAME}#sha256={digest}" data-core-metadata="true">{NAME}</a>'
    page = f"<!doctype html><html><body>{link}</body></html>".encode()
    answers = {
        "/simple/late/": ("text/html", page),
        f"/files/{NAME}.metadata": ("text/plain", metadata),
        f"/files/{NAME}": ("application/zip", wheel),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, content = answers.get(self.path, ("text/plain", b""))
            if self.path == f"/files/{NAME}":
                before()
            self.send_response(200 if self.path in answers else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            return

    with serving(http_server(Handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}/simple/"


def waiting(met: Callable[[], bool], seen: list[bool]) -> Callable[[], None]:
    def wait() -> None:
        deadline = time.monotonic() + 120
        while not met() and time.monotonic() < deadline:
            time.sleep(0.01)
        seen.append(met())

    return wait


def test_the_base_is_there_before_the_wheels_have_come(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(tmp_path, "late", {"late.py": "VALUE = 1\n"})
    wheel = (tmp_path / NAME).read_bytes()
    metadata = b"Metadata-Version: 2.1\nName: late\nVersion: 1.0\n"
    name = base(platform)
    (layer,) = platform.registry.repository("library/python").blobs.keys() - {
        _config_of(platform, "library/python")
    }
    seen: list[bool] = []
    wait = waiting(lambda: layer in platform.registry.repository(REPOSITORY).blobs, seen)
    (platform.project / "requirements.txt").write_text("late\n")
    with index(wheel, metadata, wait) as address:
        monkeypatch.setenv("PIP_INDEX_URL", address)
        argv = ["push", "train.py", "--builder", "direct", "--base-image", name, "--json"]
        assert run(argv) == 0
    assert seen == [True]


def _config_of(platform: Platform, repository: str) -> str:
    """Return the digest of the blob that is not a layer: the config is JSON."""
    blobs = platform.registry.repository(repository).blobs
    (config,) = (digest for digest, content in blobs.items() if content.startswith(b"{"))
    assert config == f"sha256:{hashlib.sha256(blobs[config]).hexdigest()}"
    return config
