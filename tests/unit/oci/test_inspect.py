import json

import pytest

from keynet.errors import ValidationError
from keynet.oci.descriptor import Descriptor, MediaType
from keynet.oci.image import Image
from keynet.oci.inspect import describe, json_object
from keynet.oci.manifest import render_manifest
from keynet.oci.summary import BlobInfo, ManifestInfo
from tests.tables import table


def image(**config: object) -> Image:
    content = json.dumps({"architecture": "amd64", "os": "linux", **config}).encode()
    stored = Descriptor.of(MediaType.OCI_CONFIG, content)
    return Image(render_manifest(MediaType.OCI_MANIFEST, stored, []), content, ())


def test_null_and_absent_fields_are_empty() -> None:
    run = {"Cmd": None, "Labels": None, "Env": None, "User": None, "ExposedPorts": None}
    found = describe(image(config=run, history=None, created=None, author=None), "x")
    assert found == describe(image(), "x") or found.config == describe(image(), "x").config
    assert (found.created, found.config.cmd, found.config.working_dir) == (None, (), None)


def test_times_with_nanoseconds_and_without_sense() -> None:
    exact = describe(image(created="2026-01-02T03:04:05.123456789Z"), "x").created
    assert exact is not None
    assert exact.isoformat() == "2026-01-02T03:04:05.123456+00:00"
    assert describe(image(created="yesterday"), "x").created is None


def test_json_has_only_plain_values() -> None:
    document = describe(image(created="2026-01-02T03:04:05Z", author="me"), "x").to_json()
    assert json.loads(json.dumps(document))["created"] == "2026-01-02T03:04:05Z"
    assert document["author"] == "me"


@table(
    "config",
    [
        {"config": []}, {"config": {"Cmd": "sh"}}, {"config": {"Env": [1]}}, {"history": {}},
        {"history": [1]}, {"rootfs": []}, {"rootfs": {"diff_ids": "x"}}, {"os": 1},
        {"config": {"Labels": []}}, {"created": 5},
    ],
)  # fmt: skip
def test_fields_of_a_wrong_type_are_named(config: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="wrong type"):
        describe(image(**config), "x")


@table("document", [b"", b"[]", b"1", b"\xff", b"[" * 90_000, b"[]," * 200_000])
def test_only_a_bounded_json_object_is_accepted(document: bytes) -> None:
    with pytest.raises(ValidationError):
        json_object(document, "x")


def test_values_count_and_shorten() -> None:
    blob = BlobInfo("sha256:" + "ab" * 32, 5)
    assert blob.digest_short == "ab" * 6
    assert ManifestInfo(2, "t", blob, (blob, blob)).total_size == 15
