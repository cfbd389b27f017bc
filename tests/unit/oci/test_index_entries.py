"""Which entries of an index are images."""

from dataclasses import replace

from keynet.oci.descriptor import Descriptor, MediaType
from keynet.oci.index_entries import choose_entry, images_of
from keynet.oci.platform import Platform
from tests.tables import table

_AMD64 = replace(
    Descriptor.of(MediaType.OCI_MANIFEST, b"amd64"), platform=Platform("linux", "amd64")
)
_ARM64 = replace(
    Descriptor.of(MediaType.DOCKER_MANIFEST, b"arm64"), platform=Platform("linux", "aarch64")
)


@table(
    "entry",
    [
        replace(_AMD64, platform=Platform("unknown", "unknown")),
        replace(_AMD64, annotations={"vnd.docker.reference.type": "attestation-manifest"}),
        replace(_AMD64, artifact_type="application/vnd.example.sbom"),
        replace(_AMD64, media_type="application/vnd.example.sbom+json"),
    ],
)
def test_attestations_and_artifacts_are_not_images(entry: Descriptor) -> None:
    assert images_of([entry, _ARM64]) == [_ARM64]
    assert choose_entry([entry, _ARM64], None) == _ARM64
    assert choose_entry([entry, _ARM64], Platform("linux", "amd64")) is None


def test_an_image_that_an_index_of_referrers_types_by_its_config_is_an_image() -> None:
    entry = replace(_AMD64, artifact_type=MediaType.OCI_CONFIG)
    assert choose_entry([_ARM64, entry], None) == entry


def test_an_entry_without_a_platform_is_chosen_only_alone() -> None:
    bare = replace(_AMD64, platform=None)
    assert choose_entry([bare], None) == bare
    assert choose_entry([bare, _ARM64], None) is None
