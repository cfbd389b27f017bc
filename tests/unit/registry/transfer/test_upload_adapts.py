"""A blob reaches a registry in the way that this registry takes blobs."""

import asyncio
import itertools
from collections.abc import Callable

import httpx
import pytest

from keynet.errors import RegistryDenied, RegistryError, RegistryUnreachable
from keynet.oci.reference import Reference
from keynet.registry.transfer.push_image import push_image
from tests.fakes.images import BytesLayer, image_of
from tests.fakes.registry import Cut, Fault, MemoryRegistry, Partial, Refuse, Reply
from tests.tables import table
from tests.unit.registry.conftest import Connect

MIB = 1024 * 1024
TARGET = Reference("registry.test", "team/app", "1")


def layer(size: int, seed: int = 0) -> BytesLayer:
    return BytesLayer(bytes([seed]) + bytes(size - 1))


def upload(
    connect: Connect, registry: MemoryRegistry, *layers: BytesLayer, chunk_size: int | None = None
) -> None:
    async def run() -> None:
        async with connect(registry) as client:
            image = image_of(layers)
            await push_image(client, image, TARGET, chunk_size=chunk_size)

    asyncio.run(run())
    stored = registry.repository("team/app").blobs
    for each in layers:
        assert stored[str(each.descriptor.digest)] == each.content


def length(request: httpx.Request) -> int:
    return int(request.headers.get("content-length", "0"))


def refused(counted: list[int], method: str, status: int, limit: int = -1) -> MemoryRegistry:
    """Make a registry that refuses requests of this method above ``limit`` bytes."""

    def fault(request: httpx.Request) -> Fault | None:
        blob = "/blobs/" in request.url.path
        if blob and request.method in method.split() and length(request) > limit:
            counted.append(length(request))
            return Refuse(status)
        return None

    return MemoryRegistry(fault=fault)


@pytest.mark.medium
@pytest.mark.parametrize("status", [413, 416])
@pytest.mark.needs("chunks")
def test_a_chunk_that_is_too_large_is_sent_smaller(connect: Connect, status: int) -> None:
    sizes: list[int] = []
    registry = refused(sizes, "PATCH", status, limit=4 * MIB - 1)
    upload(connect, registry, layer(5 * MIB), layer(5 * MIB, 1), layer(5 * MIB, 2))
    assert sizes == [4 * MIB], "one upload asks, the others use the answer"


@pytest.mark.slow
@pytest.mark.parametrize("status", [413, 416])
@pytest.mark.needs("chunks", "any size")
def test_a_growing_chunk_that_is_refused_goes_back_to_what_was_taken(
    connect: Connect, status: int
) -> None:
    sizes: list[int] = []
    registry = refused(sizes, "PATCH", status, limit=4 * MIB)
    content = layer(81 * MIB)
    upload(connect, registry, content)
    assert sizes == [8 * MIB]
    assert registry.bytes_received < 82 * MIB, "the upload goes on where it was"


@pytest.mark.slow
@pytest.mark.parametrize("status", [400, 403, 404, 405, 411, 415, 416, 417, 421, 428, 501, 505])
@pytest.mark.needs("chunks")
def test_a_registry_without_chunks_gets_the_blob_in_one_put(connect: Connect, status: int) -> None:
    sizes: list[int] = []
    registry = refused(sizes, "PATCH", status)
    upload(connect, registry, *(layer(5 * MIB, seed) for seed in range(4)))
    assert len(sizes) == (4 if status == 416 else 1)
    assert len(set(sizes)) == len(sizes)


@pytest.mark.medium
@pytest.mark.needs("chunks")
def test_a_registry_that_fails_at_each_chunk_gets_the_blob_in_one_put(connect: Connect) -> None:
    sizes: list[int] = []
    upload(connect, refused(sizes, "PATCH", 500), layer(5 * MIB))
    assert len(sizes) == 3


@pytest.mark.medium
@pytest.mark.needs("chunks")
def test_a_gateway_that_cuts_every_chunk_gets_the_blob_in_one_put(connect: Connect) -> None:
    sizes: list[int] = []

    def fault(request: httpx.Request) -> Fault | None:
        if request.method != "PATCH":
            return None
        sizes.append(length(request))
        return Cut(0)

    upload(connect, MemoryRegistry(fault=fault), layer(5 * MIB), layer(5 * MIB, 1))
    assert len(sizes) <= 12
    assert MIB // 4 in sizes, "smaller ones were tried first"


@pytest.mark.medium
@pytest.mark.needs("chunks")
def test_a_network_that_is_gone_ends_in_its_own_error(connect: Connect) -> None:
    def fault(request: httpx.Request) -> Fault | None:
        return Cut(0) if length(request) > 2 * MIB or gone else None

    gone: list[bool] = []
    methods: list[str] = []

    def watch(request: httpx.Request) -> Fault | None:
        methods.append(request.method)
        if request.method == "PATCH":
            gone.append(True)
        return fault(request)

    with pytest.raises(RegistryUnreachable):
        upload(connect, MemoryRegistry(fault=watch), layer(5 * MIB))
    assert methods.count("PATCH") <= 6
    assert methods.count("PUT") <= 1


@pytest.mark.medium
@pytest.mark.needs("chunks")
def test_a_body_limit_concerns_small_blobs_too(connect: Connect) -> None:
    sizes: list[int] = []
    registry = refused(sizes, "PATCH PUT", 413, limit=MIB)
    upload(connect, registry, *(layer(3 * MIB, seed) for seed in range(4)))
    assert sizes == [3 * MIB]


@pytest.mark.medium
@pytest.mark.needs("chunks")
def test_a_limit_below_every_size_ends_in_the_registrys_error(connect: Connect) -> None:
    sizes: list[int] = []
    registry = refused(sizes, "PATCH PUT", 413, limit=1000)
    with pytest.raises(RegistryError, match="too large") as caught:
        upload(connect, registry, layer(5 * MIB))
    assert caught.value.status == 413
    assert sizes == [4 * MIB, MIB, MIB // 4, MIB // 16, 5 * MIB]


def test_nothing_allowed_is_no_permission(connect: Connect) -> None:
    counted: list[int] = []
    registry = refused(counted, "HEAD POST PATCH PUT", 403)
    with pytest.raises(RegistryDenied):
        upload(connect, registry, layer(100))


@pytest.mark.needs("chunks")
def test_a_put_with_a_body_that_is_refused_becomes_chunks(connect: Connect) -> None:
    sizes: list[int] = []
    upload(connect, refused(sizes, "PUT", 405, limit=0), layer(1000), layer(2000, 1))
    assert len(sizes) <= 3


@table("status", [400, 404, 405, 500, 501])
def test_a_registry_that_never_closes_chunks_gets_the_blob_in_one_put(
    connect: Connect, status: int
) -> None:
    closings: list[int] = []

    def fault(request: httpx.Request) -> Fault | None:
        closing = request.method == "PUT" and "/uploads/" in request.url.path
        if closing and not length(request):
            closings.append(0)
            return Refuse(status)
        return None

    registry = MemoryRegistry(fault=fault)
    upload(connect, registry, layer(500_000), chunk_size=200_000)
    assert len(closings) <= 3
    assert registry.bytes_received < 3.5 * 500_000


@pytest.mark.medium
@pytest.mark.needs("chunks")
def test_where_every_way_is_refused_the_error_comes_soon(connect: Connect) -> None:
    sizes: list[int] = []
    registry = refused(sizes, "PATCH PUT", 405)
    with pytest.raises(RegistryError, match="405"):
        upload(connect, registry, layer(5 * MIB))
    assert len(sizes) <= 6


def test_a_registry_that_refuses_chunks_in_mid_push_gets_whole_blobs(connect: Connect) -> None:
    count = itertools.count()

    def fault(request: httpx.Request) -> Fault | None:
        return Refuse(405) if request.method == "PATCH" and next(count) > 2 else None

    registry = MemoryRegistry(fault=fault)
    upload(connect, registry, layer(900_000), layer(900_000, 1), chunk_size=200_000)


@pytest.mark.medium
@pytest.mark.needs("chunks")
def test_a_body_limit_that_falls_in_mid_push_is_followed(connect: Connect) -> None:
    count = itertools.count()

    def fault(request: httpx.Request) -> Fault | None:
        if request.method != "PATCH" or length(request) <= MIB // 4:
            return None
        return Refuse(413) if next(count) > 0 else None

    registry = MemoryRegistry(fault=fault)
    upload(connect, registry, layer(6 * MIB))
    assert registry.bytes_received < 7 * MIB


class Ranges(MemoryRegistry):
    """A registry whose answers to a chunk have a Range that ``lie`` makes of start and stop."""

    def __init__(
        self, lie: Callable[[int, int], str], *, status: int = 204, honest: bool = True
    ) -> None:
        super().__init__()
        self.lie = lie
        self.status, self.honest = status, honest

    def answer(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes,
        *,
        partial: bool = False,
    ) -> Reply:
        if method == "GET" and "/uploads/" in target and self.status != 204:
            return Reply(self.status)
        reply = super().answer(method, target, headers, body, partial=partial)
        if method == "PATCH" and reply.status == 202:
            start, end = map(int, headers["content-range"].split("-"))
            reply.headers["range"] = self.lie(start, end + 1)
        elif not self.honest and "range" in reply.headers:
            reply.headers["range"] = self.lie(100, 200)
        return reply


@pytest.mark.slow
@pytest.mark.parametrize(
    "lie",
    [
        lambda start, stop: f"0-{stop - start - 1}",
        lambda start, stop: f"bytes=0-{stop - start - 1}",
        lambda start, stop: f"{start}-{stop - 1}",
        lambda start, stop: "0-0",
        lambda start, stop: f"0-{max(start - 50_000, 5)}",
        lambda start, stop: f"0-{start + 70_000}",
        lambda start, stop: "0-999999999",
        lambda start, stop: "nonsense",
        lambda start, stop: f"{stop}-0",
    ],
    ids=["chunk", "chunk-bytes", "of-both", "nothing", "back", "part", "beyond", "text", "turned"],
)
@pytest.mark.parametrize("status", [204, 404, 405])
@pytest.mark.parametrize("honest", [True, False])
@pytest.mark.needs("ranges")
def test_ranges_that_lie_do_not_fail_an_upload(
    connect: Connect, lie: Callable[[int, int], str], status: int, honest: bool
) -> None:
    registry = Ranges(lie, status=status, honest=honest)
    upload(connect, registry, layer(900_000), chunk_size=200_000)
    assert registry.bytes_received <= 4 * 900_000


@pytest.mark.slow
@pytest.mark.needs("ranges", "any size")
def test_chunks_grow_where_ranges_count_the_chunk(connect: Connect) -> None:
    """The range of a chunk that is larger than all before it looks like a part that was taken."""
    registry = Ranges(lambda start, stop: f"0-{stop - start - 1}")
    upload(connect, registry, layer(110 * MIB))
    sizes = [seen.sent // MIB for seen in registry.seen if seen.method == "PATCH" and seen.sent]
    assert sizes == [4, 8, *[11] * 8, 10]
    asked = [seen for seen in registry.seen if seen.method == "GET" and "uploads" in seen.url]
    assert len(asked) == 1


@pytest.mark.slow
@pytest.mark.needs("ranges", "any size")
def test_a_part_as_long_as_its_end_is_sent_on(connect: Connect) -> None:
    """Half of the second chunk is taken, which ends where a range of the chunk would."""
    parts: list[Fault] = [Partial(0.5)]

    def fault(request: httpx.Request) -> Fault | None:
        second = request.headers.get("content-range", "").startswith(f"{4 * MIB}-")
        return parts.pop() if request.method == "PATCH" and second and parts else None

    registry = MemoryRegistry(fault=fault)
    upload(connect, registry, layer(110 * MIB))
    assert not parts
    # Only the half that was left out is sent again.
    assert registry.bytes_received < 115 * MIB


@pytest.mark.needs("ranges")
def test_a_range_of_the_chunk_costs_one_question(connect: Connect) -> None:
    registry = Ranges(lambda start, stop: f"0-{stop - start - 1}")
    upload(connect, registry, layer(900_000), chunk_size=200_000)
    assert registry.bytes_received < 900_000 + 1000
    asked = [seen for seen in registry.seen if seen.method == "GET" and "uploads" in seen.url]
    assert len(asked) == 1


@pytest.mark.parametrize("status", [204, 405])
def test_a_registry_that_drops_all_chunks_but_the_first_gets_the_blob_in_one_put(
    connect: Connect, status: int
) -> None:
    class Dropping(Ranges):
        """As ECR: later chunks are answered with 201, and are lost."""

        def answer(
            self,
            method: str,
            target: str,
            headers: dict[str, str],
            body: bytes,
            *,
            partial: bool = False,
        ) -> Reply:
            if method == "PATCH" and not headers["content-range"].startswith("0-"):
                return Reply(201, {"range": "0-199999"})
            return super().answer(method, target, headers, body, partial=partial)

    registry = Dropping(lambda start, stop: f"0-{stop - 1}", status=status)
    upload(connect, registry, layer(3_000_000), chunk_size=200_000)
    assert registry.bytes_received < 3_000_000 + 5 * 200_000


@pytest.mark.medium
@pytest.mark.needs("chunks")
def test_bodies_that_are_cut_again_and_again_become_smaller(connect: Connect) -> None:
    """A proxy may close the connection where it should answer 413."""

    def fault(request: httpx.Request) -> Fault | None:
        return Cut(0.0) if "/uploads/" in request.url.path and length(request) > MIB else None

    upload(connect, MemoryRegistry(fault=fault), layer(3 * MIB))


@pytest.mark.slow
@pytest.mark.parametrize("status", [429, 503, 504])
@pytest.mark.needs("chunks")
def test_a_registry_that_is_away_for_a_while_gets_chunks_as_before(
    connect: Connect, status: int
) -> None:
    away = [4]

    def fault(request: httpx.Request) -> Fault | None:
        if request.method != "PATCH" or not away[0]:
            return None
        away[0] -= 1
        return Refuse(status)

    registry = MemoryRegistry(fault=fault)
    upload(connect, registry, layer(6 * MIB))
    sizes = [seen.sent for seen in registry.seen if seen.method == "PATCH" and seen.sent]
    assert sizes == [4 * MIB, 2 * MIB]
