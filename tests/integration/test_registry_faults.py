"""A proxy fails between the client and a real registry; the right digest arrives all the same."""

import asyncio
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from keynet.errors import RegistryUnreachable
from keynet.events import BlobRewound, Event
from keynet.net.retry import Retries
from keynet.oci.image import Image
from keynet.oci.reference import Reference
from keynet.registry.auth.credential_sources import Credential, FixedSource
from keynet.registry.client import RegistryClient
from keynet.registry.http.exchange import Timeouts
from keynet.registry.transfer.pull_image import fetch_image
from keynet.registry.transfer.push_image import push_image
from keynet.secret import Secret
from tests.fakes.images import RandomLayer, image_of
from tests.fakes.proxy import (
    CutAnswer,
    CutBody,
    Delay,
    Hang,
    Proxy,
    Reply,
    Rule,
    Shorten,
    running_proxy,
)
from tests.fakes.registry import MemoryRegistry, on_loopback
from tests.integration.engines import crossed
from tests.testbed.machine import need
from tests.testbed.processes import http_answers, running
from tests.testbed.registry import RegistryServer, running_registry

pytestmark = pytest.mark.registry

MB = 1_000_000
QUICK = Retries(first_delay_s=0.02)
POST, PATCH, PUT_BLOB = r"/blobs/uploads/", r"/blobs/uploads/", r"/blobs/uploads/"
MANIFEST = r"/manifests/"
BLOB = r"/blobs/sha256"


def image(seed: int = 1, size: int = 3 * MB) -> Image:
    return image_of((RandomLayer.make(seed, size), RandomLayer.make(seed + 1, 1000)), seed)


async def push_and_check(
    proxy: Proxy,
    direct: str,
    pushed: Image,
    *,
    name: str,
    sources: tuple[FixedSource, ...] = (),
    token_hosts: Sequence[str] = (),
    events: list[Event] | None = None,
    retries: Retries = QUICK,
    chunk_size: int | None = MB,
) -> None:
    """Push through the proxy; read back without it and compare every byte."""
    target = Reference(proxy.host, name, "t")
    watch = events.append if events is not None else (lambda event: None)
    async with RegistryClient(
        f"http://{proxy.host}", auth=sources, retries=retries, token_hosts=token_hosts
    ) as client:
        await client.ping()
        await push_image(client, pushed, target, emit=watch, chunk_size=chunk_size)
    own = tuple(FixedSource(direct, source.credential) for source in sources)
    async with RegistryClient(f"http://{direct}", auth=own, token_hosts=token_hosts) as client:
        read = await fetch_image(client, Reference(direct, name, "t"))
        assert (read.manifest, read.config) == (pushed.manifest, pushed.config)
        for layer in read.layers:
            async for _chunk in layer.chunks():
                pass


ANSWERS = {
    "500": Reply(500),
    "502": Reply(502, body=b"<html>bad gateway</html>"),
    "503": Reply(503),
    "503-retry-after": Reply(503, (("Retry-After", "1"),)),
    "429": Reply(429),
    "429-retry-after": Reply(429, (("Retry-After", "0"),)),
}
REQUESTS = {
    "ping": ("GET", "/v2/$"),
    "head-blob": ("HEAD", BLOB),
    "begin": ("POST", POST),
    "chunk": ("PATCH", PATCH),
    "commit": ("PUT", PUT_BLOB),
    "manifest": ("PUT", MANIFEST),
}


@pytest.mark.parametrize(("answer", "request_kind"), crossed([*ANSWERS], [*REQUESTS]))
def test_a_passing_failure_of_any_request_is_survived(
    http_registry: RegistryServer, answer: str, request_kind: str
) -> None:
    method, path = REQUESTS[request_kind]
    rule = Rule(method, path, ANSWERS[answer], times=2 if "after" not in answer else 1)

    async def run() -> None:
        async with running_proxy(http_registry.host, rules=[rule]) as proxy:
            await push_and_check(
                proxy, http_registry.host, image(), name=f"faults/{request_kind}-{answer}"
            )

    asyncio.run(run())
    assert rule.hits >= 2


CUTS = {
    "first-byte-of-blob": Rule("PATCH", PATCH, CutBody(1)),
    "middle-of-blob": Rule("PATCH", PATCH, CutBody(500_000), skip=1),
    "last-byte-of-blob": Rule("PATCH", PATCH, CutBody(MB - 1), skip=2),
    "first-byte-of-chunk-answer": Rule("PATCH", PATCH, CutAnswer(1), skip=1),
    "middle-of-chunk-answer": Rule("PATCH", PATCH, CutAnswer(60), skip=1),
    "no-chunk-answer": Rule("PATCH", PATCH, CutAnswer(0), skip=1),
    "no-begin-answer": Rule("POST", POST, CutAnswer(0)),
    "no-commit-answer": Rule("PUT", PUT_BLOB, CutAnswer(0), times=3),
    "middle-of-commit-answer": Rule("PUT", PUT_BLOB, CutAnswer(30), times=3),
    "first-byte-of-manifest": Rule("PUT", MANIFEST, CutBody(1)),
    "middle-of-manifest": Rule("PUT", MANIFEST, CutBody(200)),
    "no-manifest-answer": Rule("PUT", MANIFEST, CutAnswer(0)),
    "middle-of-manifest-answer": Rule("PUT", MANIFEST, CutAnswer(30)),
    "no-head-answer": Rule("HEAD", BLOB, CutAnswer(0)),
    "part-of-a-chunk-accepted": Rule("PATCH", PATCH, Shorten(300_000), skip=1),
    "one-byte-of-a-chunk-accepted": Rule("PATCH", PATCH, Shorten(1), skip=1),
}


@pytest.mark.parametrize(("cut", "buffered"), crossed([*CUTS], [False, True]))
def test_a_cut_anywhere_is_survived(
    http_registry: RegistryServer, cut: str, buffered: bool
) -> None:
    rule = CUTS[cut]
    rule.hits = 0

    async def run() -> None:
        async with running_proxy(http_registry.host, rules=[rule], buffered=buffered) as proxy:
            name = f"cuts/{cut}-{'b' if buffered else 'p'}"
            await push_and_check(proxy, http_registry.host, image(), name=name)

    asyncio.run(run())
    assert rule.hits > rule.skip


def test_a_cut_at_90_percent_of_200_mb_costs_at_most_15_percent(
    http_registry: RegistryServer,
) -> None:
    events: list[Event] = []
    sent = asyncio.run(
        cut_at_90_percent(http_registry.host, "cuts/large", 200 * MB, events, buffered=True)
    )
    assert sent <= 1.15 * 200 * MB
    assert [event for event in events if isinstance(event, BlobRewound)]


def test_a_registry_that_keeps_to_the_specification_costs_less_still() -> None:
    async def run() -> int:
        async with on_loopback(MemoryRegistry()) as host:
            return await cut_at_90_percent(host, "cuts/large", 50 * MB, [], buffered=False)

    assert asyncio.run(run()) <= 1.05 * 50 * MB


def test_a_registry_that_forgets_the_session_gets_the_blob_once_more(
    http_registry: RegistryServer,
) -> None:
    """docker-registry 2.8 answers 404 after a chunk that broke in the middle."""
    sent = asyncio.run(
        cut_at_90_percent(http_registry.host, "cuts/anew", 50 * MB, [], buffered=False)
    )
    assert sent < 2 * 50 * MB


async def cut_at_90_percent(
    direct: str, name: str, size: int, events: list[Event], *, buffered: bool
) -> int:
    """Push one layer, cut once; give the bytes that the client sent in all."""
    pushed = image_of((RandomLayer.make(7, size),), 7)
    async with running_proxy(direct, buffered=buffered) as proxy:
        proxy.cut_after_total = size * 9 // 10
        await push_and_check(proxy, direct, pushed, name=name, events=events, chunk_size=None)
        return proxy.body_bytes


@pytest.mark.parametrize("auth", ["basic", "token"])
@pytest.mark.parametrize("request_kind", ["begin", "chunk", "commit", "manifest"])
def test_one_401_in_mid_upload_is_survived(
    make_registry: Callable[..., RegistryServer], auth: str, request_kind: str
) -> None:
    server = make_registry(auth=auth)
    method, path = REQUESTS[request_kind]
    skip = 0 if request_kind == "manifest" else 1

    async def run() -> None:
        async with running_proxy(server.host) as proxy:
            challenge = 'Basic realm="r"'
            if server.tokens is not None:
                challenge = f'Bearer realm="{server.tokens.realm}",service="keynet-test-registry"'
            refusal = Reply(401, (("WWW-Authenticate", challenge),))
            proxy.rules.append(Rule(method, path, refusal, skip=skip))
            credential = Credential(server.username, Secret(server.password))
            await push_and_check(
                proxy,
                server.host,
                image(),
                name="mid/401",
                sources=(FixedSource(proxy.host, credential),),
                token_hosts=server.token_hosts,
            )
            assert proxy.rules[0].hits > skip

    asyncio.run(run())


def test_a_token_that_runs_out_in_mid_upload_is_renewed(
    make_registry: Callable[..., RegistryServer],
) -> None:
    server = make_registry(auth="token")
    assert server.tokens is not None
    # docker-registry allows a minute of leeway: the token must be older than that when it is made.
    server.tokens.life_s = -57

    async def run() -> None:
        async with running_proxy(server.host, latency_s=0.3) as proxy:
            credential = Credential(server.username, Secret(server.password))
            await push_and_check(
                proxy,
                server.host,
                image(size=15 * MB),
                name="mid/expiry",
                sources=(FixedSource(proxy.host, credential),),
                token_hosts=server.token_hosts,
            )

    asyncio.run(run())
    assert server.tokens.asked.count("repository:mid/expiry:pull,push") > 1


def test_a_restart_of_the_registry_is_survived(tmp_path: Path) -> None:
    with running_registry(tmp_path / "r") as server:
        config = (server.folder / "config.yml").read_text()
        port = server.port
    # A new secret at each start, as registries without a configured one have.
    (server.folder / "config.yml").write_text(re.sub(r'"secret": "[^"]*"', '"secret": ""', config))
    argv = [need("docker-registry"), "serve", str(server.folder / "config.yml")]

    async def run() -> None:
        first = running(argv, log=tmp_path / "1.log", ready=http_answers(port))
        await asyncio.to_thread(first.__enter__)
        async with running_proxy(server.host, latency_s=0.05) as proxy:
            second = running(argv, log=tmp_path / "2.log", ready=http_answers(port))
            pushing = asyncio.ensure_future(
                push_and_check(
                    proxy, server.host, image(size=40 * MB), name="re/start", retries=Retries()
                )
            )
            await _until(lambda: proxy.body_bytes > 15 * MB or pushing.done())
            await asyncio.to_thread(first.__exit__, None, None, None)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(second.__enter__)
            try:
                await pushing
            finally:
                await asyncio.to_thread(second.__exit__, None, None, None)

    asyncio.run(run())


async def _until(fact: Callable[[], bool]) -> None:
    while not fact():
        await asyncio.sleep(0.01)


def test_a_blob_whose_download_breaks_is_resumed(http_registry: RegistryServer) -> None:
    pushed = image(size=3 * MB)

    async def run() -> None:
        async with RegistryClient(f"http://{http_registry.host}") as client:
            await push_image(client, pushed, Reference(http_registry.host, "down/load", "t"))
        cut = Rule("GET", BLOB, CutAnswer(MB), times=2)
        async with (
            running_proxy(http_registry.host, rules=[cut]) as proxy,
            RegistryClient(f"http://{proxy.host}", retries=QUICK) as client,
        ):
            layer = pushed.layers[0].descriptor
            size = 0
            async for chunk in client.get_blob("down/load", layer):
                size += len(chunk)
            assert size == layer.size
            assert cut.hits == 3

    asyncio.run(run())


# What is not delayed must be answered in this time on a busy machine, too.
SHORT = Timeouts(connect_s=20, read_s=5, write_s=20, commit_s=None)


def test_the_commit_of_a_big_blob_may_take_longer_than_any_timeout(
    http_registry: RegistryServer,
) -> None:
    slow = Rule("PUT", PUT_BLOB + ".*digest", Delay(7), times=99)
    pushed = image_of((RandomLayer.make(21, 34 * MB),), 21)

    async def run() -> None:
        async with (
            running_proxy(http_registry.host, rules=[slow]) as proxy,
            RegistryClient(f"http://{proxy.host}", timeout=SHORT, retries=QUICK) as client,
        ):
            layer = pushed.layers[0]
            await client.upload("big/commit", layer.descriptor, layer.chunks)

    asyncio.run(run())
    assert slow.hits == 1


def test_a_small_commit_that_hangs_is_found_by_asking(http_registry: RegistryServer) -> None:
    slow = Rule("PUT", PUT_BLOB, Delay(7), times=1)

    async def run() -> None:
        async with (
            running_proxy(http_registry.host, rules=[slow]) as proxy,
            RegistryClient(f"http://{proxy.host}", timeout=SHORT, retries=QUICK) as client,
        ):
            await client.upload_bytes("small/commit", "application/octet-stream", b"x" * 999)

    asyncio.run(run())
    assert slow.hits == 1


@pytest.mark.parametrize("request_kind", ["begin", "chunk", "manifest"])
def test_a_registry_that_hangs_for_good_ends_in_an_error(
    http_registry: RegistryServer, request_kind: str
) -> None:
    method, path = REQUESTS[request_kind]
    hang = Rule(method, path, Hang(), times=99)

    async def run() -> None:
        async with (
            running_proxy(http_registry.host, rules=[hang]) as proxy,
            RegistryClient(
                f"http://{proxy.host}",
                timeout=Timeouts(connect_s=20, read_s=3, write_s=20),
                retries=Retries(attempts=2, first_delay_s=0.01),
            ) as client,
            asyncio.timeout(300),
        ):
            target = Reference(proxy.host, f"hang/{request_kind}", "t")
            await push_image(client, image(seed=31), target, chunk_size=MB)

    with pytest.raises(RegistryUnreachable, match="does not answer in time"):
        asyncio.run(run())
    assert hang.hits >= 2
