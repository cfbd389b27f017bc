import pytest

from keynet.errors import ValidationError
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.platform import Platform
from tests.tables import table

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_digests_of_known_content() -> None:
    assert str(Digest.of(b"")) == EMPTY
    assert Digest.parse(EMPTY).short == "e3b0c44298fc"


@table(
    "text",
    ["", "sha256", "sha256:", "sha256:" + "0" * 63, "sha256:" + "0" * 65, "sha256:" + "A" * 64,
     "md5:" + "0" * 32, "sha512:" + "0" * 64, "sha256:" + "0" * 63 + "\n", "sha256:../../x",
     EMPTY + " ", "SHA256:" + "0" * 64],
)  # fmt: skip
def test_an_invalid_digest_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Digest.parse(text)


@pytest.mark.parametrize(("algorithm", "length"), [("sha256", 64), ("sha384", 96), ("sha512", 128)])
def test_other_content_is_hashed_by_the_same_algorithm(algorithm: str, length: int) -> None:
    digest = Digest.parse(f"{algorithm}:{'0' * length}")
    other = digest.of_same_kind(b"x")
    assert other.algorithm == algorithm
    assert other != digest
    assert other == other.of_same_kind(b"x")


def test_a_descriptor_leaves_empty_fields_out_of_its_json() -> None:
    assert Descriptor.of(MediaType.OCI_CONFIG, b"").to_json() == {
        "mediaType": MediaType.OCI_CONFIG,
        "digest": EMPTY,
        "size": 0,
    }
    full = Descriptor(
        "a/b", Digest.parse(EMPTY), 0, {"k": "v"}, "x/y", Platform("linux", "arm", "v7")
    ).to_json()
    assert full["annotations"] == {"k": "v"}
    assert full["artifactType"] == "x/y"
    assert full["platform"] == {"architecture": "arm", "os": "linux", "variant": "v7"}
