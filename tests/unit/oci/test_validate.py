import asyncio
import gzip
import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Image
from keynet.oci.manifest import layer_type, render_manifest
from keynet.oci.reference import Reference
from keynet.oci.validate import problems
from tests.tables import table


@dataclass(frozen=True)
class Kept:
    """A layer in memory."""

    descriptor: Descriptor
    diff_id: Digest
    content: bytes
    origin: Reference | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.content), 1000):
            yield self.content[start : start + 1000]


def layer(content: bytes, media_type: str = MediaType.OCI_LAYER) -> Kept:
    stored = gzip.compress(content) if media_type.endswith("gzip") else content
    return Kept(Descriptor.of(media_type, stored), Digest.of(content), stored)


def image(*layers: Kept, **config: Any) -> Image:
    document = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [str(each.diff_id) for each in layers]},
        **config,
    }
    content = json.dumps(document).encode()
    manifest = render_manifest(
        MediaType.OCI_MANIFEST,
        Descriptor.of(MediaType.OCI_CONFIG, content),
        [each.descriptor for each in layers],
    )
    return Image(manifest, content, layers)


def found(subject: Image) -> list[str]:
    return asyncio.run(problems(subject))


NOISE = random.Random(1).randbytes(5000)
PLAIN = layer(NOISE)
GZIP = layer(b"x" * 5000, MediaType.OCI_LAYER_GZIP)


def test_a_sound_image_has_no_problems() -> None:
    assert found(image(PLAIN, GZIP, PLAIN)) == []
    assert found(image()) == []


def test_gzip_of_several_members_is_opened_whole() -> None:
    stored = gzip.compress(b"a" * 3000) + gzip.compress(b"b")
    several = Kept(
        Descriptor.of(MediaType.OCI_LAYER_GZIP, stored), Digest.of(b"a" * 3000 + b"b"), stored
    )
    assert found(image(several)) == []


@table(
    ("broken", "words"),
    [
        (replace(PLAIN, content=NOISE[:-1] + b"?"), "has the digest"),
        (replace(PLAIN, content=NOISE[:-1]), "has 4999 bytes, not 5000"),
        (replace(GZIP, diff_id=Digest.of(b"other")), "its diff id is"),
        (
            Kept(Descriptor.of(MediaType.OCI_LAYER_GZIP, NOISE), Digest.of(NOISE), NOISE),
            "cannot be decompressed",
        ),
        (replace(GZIP, content=GZIP.content[:20]), "bytes, not"),
    ],
)
def test_a_layer_that_is_not_what_it_says_is_named(broken: Kept, words: str) -> None:
    listed = found(image(PLAIN, broken))
    assert any(words in problem for problem in listed)
    assert all(broken.descriptor.digest.hex in problem for problem in listed)


def test_manifest_and_config_are_compared_with_the_layers() -> None:
    sound = image(PLAIN)
    for changed, words in (
        (replace(sound, config=sound.config + b" "), "config does not match the image's"),
        (replace(sound, layers=()), "layers do not match the image's"),
        (replace(sound, layers=(GZIP,)), "Layer 1 of the manifest is not"),
        (replace(image(GZIP), layers=(PLAIN,)), "diff_ids do not match"),
        (replace(sound, manifest=b"[]"), "not a JSON object"),
        (replace(sound, manifest=b"{" * 100_000), "not a JSON object"),
        (
            replace(sound, manifest=sound.manifest[:-1] + b',"manifests":[]}'),
            "both layers and manifests",
        ),
    ):
        assert any(words in problem for problem in found(changed)), words


def test_manifests_of_the_same_parts_have_the_same_bytes() -> None:
    assert image(PLAIN, GZIP).manifest == image(PLAIN, GZIP).manifest
    assert image(PLAIN).manifest.startswith(b'{"schemaVersion":2,"mediaType":')


def test_dockers_manifest_has_no_zstd() -> None:
    from keynet.errors import ValidationError

    assert layer_type(MediaType.OCI_MANIFEST, "zstd") == MediaType.OCI_LAYER_ZSTD
    with pytest.raises(ValidationError, match="zstd"):
        layer_type(MediaType.DOCKER_MANIFEST, "zstd")
