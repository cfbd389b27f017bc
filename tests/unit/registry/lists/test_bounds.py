"""Lists are whole or an error: pages are followed, bounded, and never taken for all."""

import asyncio
import itertools
import json
from collections.abc import Callable

import httpx
import pytest

from keynet.errors import RegistryError, UsageError
from keynet.oci.descriptor import Digest
from keynet.registry import ListLimits, Retries, Timeouts
from keynet.registry.client import RegistryClient
from tests.tables import table
from tests.unit.registry.conftest import Connect

SUBJECT = Digest("sha256", "0" * 64)
Answering = Callable[[httpx.Request], httpx.Response]


def page(request: httpx.Request, names: list[str], link: str | None) -> httpx.Response:
    """Answer any of the three lists with these names."""
    entries = [
        {"mediaType": "m/m", "digest": Digest.of(name.encode()).__str__(), "size": 1}
        for name in names
    ]
    content = {
        "schemaVersion": 2,
        "tags": names,
        "repositories": names,
        "manifests": entries,
    }
    headers = {} if link is None else {"link": f'<{link}>; rel="next"'}
    return httpx.Response(200, json=content, headers=headers, request=request)


def read(client: RegistryClient, kind: str) -> list[object]:
    async def run() -> list[object]:
        async with client:
            match kind:
                case "tags":
                    return list(await client.tags("team/app"))
                case "catalog":
                    return list(await client.catalog())
                case _:
                    return list(await client.referrers("team/app", SUBJECT))

    return asyncio.run(run())


LISTS = pytest.mark.parametrize("kind", ["tags", "catalog", "referrers"])


@LISTS
def test_pages_without_an_end_are_an_error(connect: Connect, kind: str) -> None:
    numbers = itertools.count()

    def answer(request: httpx.Request) -> httpx.Response:
        number = next(numbers)
        return page(request, [f"t{number}"], f"?last={number}")

    with pytest.raises(RegistryError, match=r"do not end \(20 pages with 20 names") as caught:
        read(connect(httpx.MockTransport(answer), lists=ListLimits(pages=20)), kind)
    assert "ListLimits" in caught.value.hint


@LISTS
def test_more_names_than_the_limit_are_an_error_and_not_a_part_of_the_list(
    connect: Connect, kind: str
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return page(request, [f"{request.url.query!r}{n}"[-20:] for n in range(10)], "?last=x")

    with pytest.raises(RegistryError, match="10 names"):
        read(connect(httpx.MockTransport(answer), lists=ListLimits(names=5)), kind)


@LISTS
def test_pages_without_news_are_an_error(connect: Connect, kind: str) -> None:
    numbers = itertools.count()

    def answer(request: httpx.Request) -> httpx.Response:
        return page(request, ["same"], f"?last={next(numbers)}")

    with pytest.raises(RegistryError, match="with 1 names") as caught:
        read(connect(httpx.MockTransport(answer)), kind)
    assert "breaks the protocol" in caught.value.hint
    assert next(numbers) < 200


@LISTS
def test_a_circle_of_pages_is_an_error(connect: Connect, kind: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return page(request, ["a"], "?last=a")

    with pytest.raises(RegistryError, match="do not end"):
        read(connect(httpx.MockTransport(answer)), kind)


@pytest.mark.medium
@LISTS
def test_a_list_that_takes_too_long_is_an_error(connect: Connect, kind: str) -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(5)
        return page(request, ["a"], None)

    limits = ListLimits(seconds=0.05)
    with pytest.raises(RegistryError, match="took longer than") as caught:
        read(connect(httpx.MockTransport(answer), lists=limits), kind)
    assert caught.value.temporary


@LISTS
def test_empty_pages_in_between_are_read_over(connect: Connect, kind: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("last", "0"))
        names = ["a"] if number == 0 else ["b"] if number == 60 else []
        return page(request, names, None if number == 60 else f"?last={number + 1}")

    assert len(read(connect(httpx.MockTransport(answer)), kind)) == 2


@pytest.mark.parametrize("kind", ["tags", "catalog"])
def test_a_registry_that_refuses_the_size_of_pages_is_asked_without(
    connect: Connect, kind: str
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if "n" in request.url.params:
            body = {"errors": [{"code": "PAGINATION_NUMBER_INVALID", "message": "too many"}]}
            return httpx.Response(400, content=json.dumps(body), request=request)
        last = request.url.params.get("last")
        return page(request, ["b" if last else "a"], None if last else "?last=a")

    assert read(connect(httpx.MockTransport(answer)), kind) == ["a", "b"]


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_limits_that_allow_nothing_are_refused(limit: float) -> None:
    for make in (
        lambda: ListLimits(seconds=limit),
        lambda: Timeouts(read_s=limit),
        lambda: RegistryClient("registry.test", timeout=limit),
    ):
        with pytest.raises(UsageError, match="cannot be used"):
            make()


@table(
    "wrong",
    [
        *({"attempts": 0}, {"failures": 0}, {"first_delay_s": -1.0}),
        *({"longest_delay_s": float("nan")}, {"total_s": -1.0}),
    ],
)
def test_limits_on_attempts_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    make: Callable[..., Retries] = Retries
    with pytest.raises(UsageError):
        make(**wrong)
