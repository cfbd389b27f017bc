"""What one upload learns about a registry serves the others."""

import asyncio

from keynet.registry.http.exchange import Answer
from keynet.registry.transfer.blob_policy import (
    SMALLER_CHUNKS,
    BlobPolicy,
    means_size,
    refuses_form,
)
from tests.tables import table

MIB = 1024 * 1024


def test_each_smaller_size_is_tried_once_before_chunks_are_given_up() -> None:
    policy = BlobPolicy()
    tried = []
    while size := policy.allowed(4 * MIB):
        tried.append(size)
        policy.refuse_size(size)
    assert tried == [4 * MIB, *SMALLER_CHUNKS]
    assert policy.chunks_refused
    assert policy.sends_whole(10**12, 4 * MIB)


def test_a_refused_larger_size_falls_back_to_the_one_that_was_taken() -> None:
    policy = BlobPolicy()
    policy.took(4 * MIB)
    policy.refuse_size(8 * MIB)
    assert policy.allowed(32 * MIB) == 4 * MIB


def test_a_size_that_was_taken_and_is_refused_later_is_not_sent_again() -> None:
    policy = BlobPolicy()
    policy.took(4 * MIB)
    policy.refuse_size(4 * MIB)
    assert policy.allowed(4 * MIB) == MIB
    policy.took(4 * MIB)
    assert policy.allowed(4 * MIB) == MIB, "an answer that comes late changes nothing"


def test_a_minimum_above_the_smaller_sizes_leaves_the_whole_blob() -> None:
    policy = BlobPolicy()
    policy.refuse_size(8 * MIB, least=5 * MIB)
    assert policy.chunks_refused


def test_small_blobs_go_whole_unless_that_is_refused() -> None:
    policy = BlobPolicy()
    assert policy.sends_whole(MIB, 4 * MIB)
    assert not policy.sends_whole(5 * MIB, 4 * MIB)
    policy.whole_refused = True
    assert not policy.sends_whole(MIB, 4 * MIB)


def test_an_untried_size_goes_alone_and_the_others_use_the_answer() -> None:
    policy = BlobPolicy()
    sent: list[int] = []

    async def upload() -> None:
        async with policy.turn(4 * MIB, 0) as size:
            sent.append(size)
            await asyncio.sleep(0)
            if size > MIB:
                policy.refuse_size(size)
            else:
                policy.took(size)

    async def run() -> None:
        await asyncio.gather(*(upload() for _number in range(4)))

    asyncio.run(run())
    assert sent == [4 * MIB, MIB, MIB, MIB]


def test_while_a_larger_size_is_tried_others_send_what_was_taken() -> None:
    policy = BlobPolicy()
    policy.took(4 * MIB)

    async def run() -> int:
        async with policy.turn(8 * MIB, 0), policy.turn(8 * MIB, 0) as other:
            return other

    assert asyncio.run(run()) == 4 * MIB


@table(
    ("status", "code", "size", "form"),
    [
        (413, "", True, False),
        (400, "SIZE_INVALID", True, True),
        (400, "UNSUPPORTED", False, True),
        (405, "", False, True),
        (501, "", False, True),
        (403, "DENIED", False, True),
        (417, "", False, True),
        (421, "", False, True),
        (505, "", False, True),
        (408, "", False, False),
        (431, "", False, False),
        (401, "", False, False),
        (412, "", False, False),
        (429, "", False, False),
        (507, "", False, False),
    ],
)
def test_a_refusal_is_about_the_size_the_form_or_neither(
    status: int, code: str, size: bool, form: bool
) -> None:
    answer = Answer(status, {}, b"", "https://registry.test/")
    assert means_size(answer, code) is size
    assert refuses_form(answer) is form
