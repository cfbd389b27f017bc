"""TLS to real registries: own CA, client certificates, certs.d folders; tokens and passwords."""

import asyncio
import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from keynet.errors import RegistryDenied, RegistryUnreachable
from keynet.net.retry import Retries
from keynet.oci.reference import Reference
from keynet.registry import artifact
from keynet.registry.auth.credential_sources import Credential, FixedSource
from keynet.registry.auth.stored_logins import AuthFile
from keynet.registry.client import RegistryClient
from keynet.registry.http.tls import ClientCertificate
from keynet.registry.transfer.pull_image import fetch_image
from keynet.registry.transfer.push_image import push_image
from keynet.secret import Secret
from tests.fakes.images import random_image
from tests.testbed.certificates import make_authority
from tests.testbed.machine import need
from tests.testbed.processes import free_port, http_answers, running
from tests.testbed.registry import RegistryServer

pytestmark = pytest.mark.registry
QUICK = Retries(attempts=2, first_delay_s=0.01)


async def round_trip(client: RegistryClient, name: str = "tls/app") -> None:
    target = Reference(client.registry, name, "1")
    image = random_image(1)
    stored = await push_image(client, image, target)
    assert (await fetch_image(client, target)).manifest == image.manifest
    await artifact.attach(client, target, b"{}", file_name="h.json")
    assert await artifact.read(client, target.with_digest(stored.digest)) == b"{}"


@pytest.mark.parametrize("fixture", ["tls_registry", "basic_registry", "token_registry"])
def test_a_private_ca_is_trusted_when_it_is_given(
    request: pytest.FixtureRequest, fixture: str
) -> None:
    server: RegistryServer = request.getfixturevalue(fixture)
    assert server.ca is not None
    ca = server.ca.cert
    sources = []
    if server.username:
        sources = [FixedSource(server.host, Credential(server.username, Secret(server.password)))]

    async def run() -> None:
        async with RegistryClient(
            server.host, auth=sources, ca_cert=ca, token_hosts=server.token_hosts
        ) as client:
            await client.ping()
            await round_trip(client)

    asyncio.run(run())


def test_an_unknown_ca_is_refused_and_http_is_not_tried(tls_registry: RegistryServer) -> None:
    async def run() -> None:
        async with RegistryClient(tls_registry.host, retries=QUICK) as client:
            await client.ping()

    with pytest.raises(RegistryUnreachable, match="not trusted") as caught:
        asyncio.run(run())
    assert "--ca-cert" in caught.value.hint


def test_insecure_takes_any_certificate(tls_registry: RegistryServer) -> None:
    async def run() -> None:
        async with RegistryClient(tls_registry.host, insecure=True) as client:
            await client.ping()

    asyncio.run(run())


def test_plain_http_on_loopback_is_found(http_registry: RegistryServer) -> None:
    async def run() -> None:
        async with RegistryClient(http_registry.host) as client:
            await round_trip(client, "plain/app")

    asyncio.run(run())


def test_https_by_name_does_not_fall_to_http(http_registry: RegistryServer) -> None:
    async def run() -> None:
        async with RegistryClient(f"https://{http_registry.host}", retries=QUICK) as client:
            await client.ping()

    with pytest.raises(RegistryUnreachable, match="TLS handshake"):
        asyncio.run(run())


def test_nobody_there_is_said() -> None:
    async def run() -> None:
        async with RegistryClient(f"127.0.0.1:{free_port()}", retries=QUICK) as client:
            await client.ping()

    with pytest.raises(RegistryUnreachable, match=r"cannot be reached: .*refused"):
        asyncio.run(run())


@pytest.mark.parametrize("fixture", ["basic_registry", "token_registry"])
@pytest.mark.parametrize("password", ["wrong-password-wrong", None])
def test_a_wrong_or_missing_password_is_denied(
    request: pytest.FixtureRequest, fixture: str, password: str | None
) -> None:
    server: RegistryServer = request.getfixturevalue(fixture)
    assert server.ca is not None
    ca = server.ca.cert
    sources = []
    if password is not None:
        sources = [FixedSource(server.host, Credential(server.username, Secret(password)))]

    async def run() -> None:
        async with RegistryClient(
            server.host,
            auth=sources,
            ca_cert=ca,
            retries=QUICK,
            token_hosts=server.token_hosts,
        ) as client:
            await push_image(client, random_image(2), Reference(server.host, "a/b", "1"))

    with pytest.raises(RegistryDenied, match="credentials") as caught:
        asyncio.run(run())
    assert "sign" in caught.value.hint.lower()


def test_what_the_engines_stored_serves(basic_registry: RegistryServer, tmp_path: Path) -> None:
    assert basic_registry.ca is not None
    ca = basic_registry.ca.cert
    path = tmp_path / "auth.json"
    subprocess.run(
        [
            *(need("skopeo"), "login", "--authfile", str(path), "--tls-verify=false"),
            *("--username", basic_registry.username, "--password-stdin", basic_registry.host),
        ],
        input=basic_registry.password.encode(),
        check=True,
        capture_output=True,
    )

    async def run() -> None:
        async with RegistryClient(basic_registry.host, auth=[AuthFile(path)], ca_cert=ca) as client:
            await round_trip(client, "stored/app")

    asyncio.run(run())


@contextlib.contextmanager
def registry_that_wants_a_certificate(
    folder: Path,
) -> Iterator[tuple[str, Path, ClientCertificate]]:
    """Run a registry with mutual TLS; return host, CA and a client certificate."""
    ca = make_authority(folder)
    certificate = ca.issue(folder)
    port = free_port()
    config = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
        "http": {
            "addr": f"127.0.0.1:{port}",
            "tls": {
                "certificate": str(certificate.cert),
                "key": str(certificate.key),
                "clientcas": [str(ca.cert)],
            },
        },
    }
    (folder / "config.yml").write_text(json.dumps(config))
    key, request, client = (folder / name for name in ("c.key", "c.csr", "c.cert"))
    calls: list[list[str | Path]] = [
        [
            *("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=client"),
            *("-keyout", key, "-out", request),
        ],
        [
            *("x509", "-req", "-days", "2", "-CAcreateserial", "-CA", ca.cert, "-CAkey", ca.key),
            *("-in", request, "-out", client),
        ],
    ]
    for call in calls:
        subprocess.run([need("openssl"), *map(str, call)], check=True, capture_output=True)
    argv = [need("docker-registry"), "serve", str(folder / "config.yml")]
    with running(argv, log=folder / "log", ready=http_answers(port)):
        yield f"127.0.0.1:{port}", ca.cert, ClientCertificate(client, key)


def test_a_client_certificate_is_shown_where_one_is_given(tmp_path: Path) -> None:
    folder = tmp_path / "mutual"
    folder.mkdir()
    with registry_that_wants_a_certificate(folder) as (host, ca, certificate):

        async def push(**settings: object) -> None:
            make: object = RegistryClient
            assert callable(make)
            async with make(host, retries=QUICK, **settings) as client:
                await round_trip(client)

        asyncio.run(push(ca_cert=ca, client_cert=certificate))
        with pytest.raises(RegistryUnreachable):
            asyncio.run(push(ca_cert=ca))

        certs_d = tmp_path / "certs.d"
        (certs_d / host).mkdir(parents=True)
        assert certificate.key is not None
        for source, name in (
            (ca, "ca.crt"),
            (certificate.certificate, "client.cert"),
            (certificate.key, "client.key"),
        ):
            (certs_d / host / name).write_bytes(source.read_bytes())
        asyncio.run(push(certs_d=(certs_d,)))


def test_oras_py_reads_the_artifact_unmodified(
    http_registry: RegistryServer, tmp_path: Path
) -> None:
    import oras.client

    async def run() -> str:
        async with RegistryClient(http_registry.host) as client:
            target = Reference(http_registry.host, "oras/app", "1")
            await push_image(client, random_image(4), target)
            attached = await artifact.attach(
                client, target, b'{"arguments": []}', file_name="hyperparameters.json"
            )
            return str(target.with_digest(attached.digest))

    reference = asyncio.run(run())
    client = oras.client.OrasClient(insecure=True)
    (path,) = client.pull(target=reference, outdir=str(tmp_path))
    assert Path(path).name == "hyperparameters.json"
    assert Path(path).read_bytes() == b'{"arguments": []}'
