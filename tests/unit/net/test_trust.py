"""One TLS context for all who trust the same, as long as the files are the same."""

import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keynet.errors import UsageError
from keynet.net import trust
from keynet.sandbox.authority import token_signer


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    return token_signer(tmp_path).certificate_file


@pytest.mark.medium
def test_who_trusts_the_same_shares_a_context(ca: Path) -> None:
    alone, further = trust.context(), trust.context((ca,))
    assert trust.context() is alone
    assert trust.context([ca]) is further
    assert alone is not further
    assert further.verify_mode is ssl.CERT_REQUIRED
    assert further.check_hostname


@pytest.mark.medium
def test_threads_that_trust_the_same_read_it_once(ca: Path) -> None:
    start = threading.Barrier(4)

    def ask() -> ssl.SSLContext:
        start.wait()
        return trust.context((ca,))

    with ThreadPoolExecutor(4) as threads:
        contexts = [each.result() for each in [threads.submit(ask) for _ in range(4)]]
    assert len(set(map(id, contexts))) == 1


@pytest.mark.medium
def test_a_ca_that_was_renewed_is_read_again(ca: Path, tmp_path: Path) -> None:
    before = trust.context((ca,))
    other = tmp_path / "other"
    other.mkdir()
    token_signer(other).certificate_file.replace(ca)
    after = trust.context((ca,))
    assert after is not before
    assert {each["serialNumber"] for each in after.get_ca_certs()} != {
        each["serialNumber"] for each in before.get_ca_certs()
    }


def test_a_store_of_ones_own_replaces_the_machines(
    ca: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    assert len(trust.context().get_ca_certs()) == 1
    assert trust.has_store()


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_that_is_no_certificate_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=f"{file} cannot be used"):
        trust.context((file,))
