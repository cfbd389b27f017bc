"""Whatever fails along the way, a push ends with the same digests."""

import asyncio
from collections import defaultdict

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keynet.net.retry import Retries
from keynet.oci.descriptor import MediaType
from keynet.oci.reference import Reference
from keynet.registry.auth.credential_sources import Credential, FixedSource
from keynet.registry.client import RegistryClient
from keynet.registry.transfer.pull_image import fetch_image
from keynet.registry.transfer.push_image import push_image
from keynet.secret import Secret
from tests.fakes.images import random_image
from tests.fakes.registry import (
    Cut,
    CutAnswer,
    Fault,
    Forget,
    LostAnswer,
    MemoryRegistry,
    Partial,
    Refuse,
)

SHARES = st.sampled_from([0.0, 0.01, 0.5, 0.9, 1.0])
FAULTS: st.SearchStrategy[Fault] = st.one_of(
    st.builds(Refuse, st.sampled_from([429, 500, 502, 503]), st.sampled_from([None, "0", "1"])),
    st.just(Refuse(401)),
    st.builds(Cut, SHARES),
    st.just(LostAnswer()),
    st.builds(CutAnswer, SHARES),
    st.just(Forget()),
)
# What refuses a look-up or a chunk, once or always, never fails a push.
LOOKS = st.builds(Refuse, st.sampled_from([400, 403, 404, 405, 410, 501]))
CHUNKS = st.builds(Refuse, st.sampled_from([400, 403, 404, 405, 411, 413, 415, 416, 501]))
SCHEDULES = st.fixed_dictionaries(
    {
        "GET": st.lists(FAULTS, max_size=3),
        "HEAD": st.lists(FAULTS | LOOKS, max_size=3),
        "POST": st.lists(FAULTS, max_size=3),
        "PATCH": st.lists(FAULTS | st.builds(Partial, SHARES) | CHUNKS, max_size=4)
        | CHUNKS.map(lambda refusal: [refusal] * 40),
        "PUT": st.lists(FAULTS, max_size=4),
    }
)


async def no_wait(seconds: float) -> None:
    await asyncio.sleep(0)


QUICK = Retries(attempts=30, sleep=no_wait)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    sizes=st.lists(st.sampled_from([0, 1, 2, 999, 70_000, 200_000, 400_000]), max_size=4),
    schedule=SCHEDULES,
    chunk_size=st.sampled_from([1, 64, 65_536, 100_000]).map(lambda n: max(n, 50_000)),
    auth=st.sampled_from(["open", "basic", "token"]),
    manifest_type=st.sampled_from(MediaType.MANIFESTS),
)
def test_any_schedule_of_faults_ends_in_the_same_image(
    seed: int,
    sizes: list[int],
    schedule: dict[str, list[Fault]],
    chunk_size: int,
    auth: str,
    manifest_type: str,
) -> None:
    left = {method: list(faults) for method, faults in schedule.items()}
    refusals: dict[str, int] = defaultdict(int)

    def fault(request: httpx.Request) -> Fault | None:
        if request.url.path == "/v2/" or not left.get(request.method):
            return None
        chosen = left[request.method].pop()
        if isinstance(chosen, Refuse) and chosen.status == 401:
            # One refusal in all: two in a row are a real one. An open registry has none.
            refusals["all"] += 1
            if refusals["all"] > 1 or auth == "open" or request.url.path == "/token":
                return None
        return chosen

    registry = MemoryRegistry(auth=auth, fault=fault)
    image = random_image(seed, sizes=tuple(sizes), manifest_type=manifest_type)
    target = Reference(registry.host, "some/image", "tag")
    credential = Credential(registry.user, Secret(registry.password))

    async def run() -> None:
        async with RegistryClient(
            registry.host,
            auth=[FixedSource(registry.host, credential)],
            retries=QUICK,
            transport=registry,
        ) as client:
            stored = await push_image(client, image, target, chunk_size=chunk_size)
            for layer in image.layers:
                digest = str(layer.descriptor.digest)
                content = b"".join([chunk async for chunk in layer.chunks()])
                assert registry.repository("some/image").blobs[digest] == content
            left["GET"] = list(schedule["GET"])
            read = await fetch_image(client, target.with_digest(stored.digest))
            assert (read.manifest, read.config) == (image.manifest, image.config)
            for mine, theirs in zip(image.layers, read.layers, strict=True):
                assert mine.descriptor.digest == theirs.descriptor.digest
                assert [c async for c in theirs.chunks()] or theirs.descriptor.size == 0

    asyncio.run(run())
