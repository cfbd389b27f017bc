"""One image behind a name: of an index, as containerd chooses it."""

import asyncio

import pytest

from keynet.errors import NotFound, ValidationError
from keynet.oci.descriptor import Descriptor
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.registry.transfer.select_image import fetch_manifest
from tests.fakes.registry import MemoryRegistry
from tests.fakes.stored_images import entry, store_artifact, store_image, store_index
from tests.tables import table
from tests.unit.registry.conftest import Connect

NAME = "team/app"
SOURCE = Reference("registry.test", NAME, "1")


def named(text: str) -> dict[str, str]:
    os, architecture, *variant = text.split("/")
    return {"os": os, "architecture": architecture, **({"variant": variant[0]} if variant else {})}


def image_for(registry: MemoryRegistry, text: str, tag: str | None = None) -> Descriptor:
    return store_image(registry, NAME, tag, platform=named(text))


def chosen(connect: Connect, registry: MemoryRegistry, platform: str | None) -> Descriptor:
    async def run() -> Descriptor:
        async with connect(registry) as client:
            wanted = Platform.parse(platform) if platform else None
            return (await fetch_manifest(client, SOURCE, wanted)).descriptor

    return asyncio.run(run())


@table(
    ("offered", "wanted", "expected"),
    [
        (["linux/arm64/v8", "linux/amd64"], "linux/aarch64", "linux/arm64/v8"),
        (["linux/aarch64", "linux/amd64"], "linux/arm64/v8", "linux/aarch64"),
        (["linux/amd64/v3", "linux/amd64/v2"], "linux/amd64/v4", "linux/amd64/v3"),
        (["linux/amd64", "linux/amd64/v2"], "linux/amd64/v3", "linux/amd64/v2"),
        (["linux/amd64/v2", "linux/amd64"], None, "linux/amd64"),
        (["linux/arm/v6", "linux/arm/v8"], "linux/arm/v7", "linux/arm/v6"),
        (["linux/arm", "linux/arm/v6"], "linux/arm", "linux/arm"),
        (["linux/386", "linux/s390x"], "linux/i386", "linux/386"),
        (["linux/amd64", "linux/arm/v7"], "linux/arm64", None),
        (["linux/amd64/v3"], "linux/amd64/v2", None),
    ],
)
def test_the_best_of_an_index_is_chosen(
    connect: Connect, offered: list[str], wanted: str | None, expected: str | None
) -> None:
    registry = MemoryRegistry()
    images = {text: image_for(registry, text) for text in offered}
    store_index(registry, NAME, "1", [entry(images[text], named(text)) for text in offered])
    if expected is None:
        with pytest.raises(NotFound, match="has no image for"):
            chosen(connect, registry, wanted)
    else:
        assert chosen(connect, registry, wanted).digest == images[expected].digest


def test_attestations_and_artifacts_are_neither_chosen_nor_listed(connect: Connect) -> None:
    registry = MemoryRegistry()
    arm, amd = image_for(registry, "linux/arm64"), image_for(registry, "linux/amd64")
    store_index(
        registry,
        NAME,
        "1",
        [
            entry(amd, named("unknown/unknown")),
            entry(amd, named("linux/amd64"), artifactType="application/vnd.example"),
            entry(arm, named("linux/arm64")),
        ],
    )
    assert chosen(connect, registry, None).digest == arm.digest
    with pytest.raises(NotFound, match=r"it has: linux/arm64\.$"):
        chosen(connect, registry, "linux/amd64")


@pytest.mark.parametrize("nested", [False, True])
def test_entries_without_a_platform_are_told_apart_by_their_configs(
    connect: Connect, nested: bool
) -> None:
    registry = MemoryRegistry()
    arm, amd = image_for(registry, "linux/arm64"), image_for(registry, "linux/amd64")
    entries = [entry(arm), entry(amd)]
    if nested:
        entries = [entry(store_index(registry, NAME, None, [each])) for each in entries]
    store_index(registry, NAME, "1", entries)
    assert chosen(connect, registry, None).digest == amd.digest
    assert chosen(connect, registry, "arm64").digest == arm.digest
    with pytest.raises(NotFound, match="has no image for linux/s390x"):
        chosen(connect, registry, "linux/s390x")


def test_an_image_without_an_index_is_taken_for_its_own_platform_only(connect: Connect) -> None:
    registry = MemoryRegistry()
    image = image_for(registry, "linux/arm64/v8", "1")
    assert chosen(connect, registry, None).digest == image.digest
    assert chosen(connect, registry, "linux/arm64").digest == image.digest
    with pytest.raises(NotFound, match=r"no image for linux/amd64; it has: linux/arm64\.$"):
        chosen(connect, registry, "linux/amd64")


def test_an_artifact_runs_nowhere_and_is_found_for_any_platform(connect: Connect) -> None:
    registry = MemoryRegistry()
    artifact = store_artifact(registry, NAME, "1")
    assert chosen(connect, registry, "linux/amd64").digest == artifact.digest


def test_an_empty_index_does_not_advise_a_platform(connect: Connect) -> None:
    registry = MemoryRegistry()
    store_index(registry, NAME, "1", [])
    with pytest.raises(NotFound, match="it has: none") as caught:
        chosen(connect, registry, None)
    assert "--platform" not in caught.value.hint


def test_a_hostile_index_causes_few_requests(connect: Connect) -> None:
    registry = MemoryRegistry()
    entries = [entry(image_for(registry, f"linux/none{number}")) for number in range(40)]
    for level in range(6):
        top = store_index(registry, NAME, "1" if level == 5 else None, entries)
        entries = [entry(top, None, annotations={"copy": str(copy)}) for copy in range(40)]
    with pytest.raises((NotFound, ValidationError)):
        chosen(connect, registry, "linux/amd64")
    assert len(registry.seen) < 300
