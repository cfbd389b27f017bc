"""Config and manifest of an image on a base."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from keynet.direct.image_document import Added, make_image
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Image
from keynet.oci.reference import Reference
from keynet.plan import Recipe

BASE = Reference.parse("example.com/base:1")
CONFIG: dict[str, Any] = {
    "architecture": "arm64",
    "os": "linux",
    "variant": "v8",
    "created": "2024-01-01T00:00:00Z",
    "container": "of docker",
    "config": {
        "Env": ["PATH=/base/bin", "LANG=C"],
        "Entrypoint": ["/start"],
        "Cmd": ["sh"],
        "User": "1000",
        "OnBuild": None,
        "Labels": {"a": "base", "b": "base"},
        "ExposedPorts": {"80/tcp": {}},
    },
    "history": [{"created_by": "base"}],
    "rootfs": {"type": "layers", "diff_ids": ["of the base"]},
}


@dataclass(frozen=True)
class Given:
    """A layer of one byte."""

    descriptor: Descriptor
    diff_id: Digest
    origin: Reference | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        yield b"x"


def given(media_type: str, content: bytes) -> Given:
    return Given(Descriptor.of(media_type, content), Digest.of(content))


def made(
    created_s: int | None = None, config: dict[str, Any] = CONFIG, **environment: str
) -> Image:
    base = Image(b"", json.dumps(config).encode(), (given(MediaType.DOCKER_LAYER_GZIP, b"1"),))
    recipe = Recipe(BASE, ("python", "train.py"), environment=environment)
    added = [Added(given(MediaType.OCI_LAYER_GZIP, b"2"), "context")]
    return make_image(
        base,
        recipe,
        added,
        labels={"b": "own"},
        program_path="/opt/keynet/bin:{path}",
        created_s=created_s,
        annotate=lambda config: {"of": str(len(config))},
    )


def test_the_bases_settings_stay_and_the_command_is_the_scripts() -> None:
    config = json.loads(made(EXTRA="1").config)
    assert config["config"] == {
        "Env": ["PATH=/opt/keynet/bin:/base/bin", "LANG=C", "EXTRA=1"],
        "Cmd": ["python", "train.py"],
        "User": "1000",
        "WorkingDir": "/workspace",
        "Labels": {"a": "base", "b": "own"},
        "ExposedPorts": {"80/tcp": {}},
    }
    assert (config["architecture"], config["os"], config["variant"]) == ("arm64", "linux", "v8")
    assert "container" not in config


def test_layers_are_named_in_config_and_manifest() -> None:
    image = made()
    config, manifest = json.loads(image.config), json.loads(image.manifest)
    assert config["rootfs"]["diff_ids"] == [str(layer.diff_id) for layer in image.layers]
    assert [entry["mediaType"] for entry in manifest["layers"]] == [MediaType.OCI_LAYER_GZIP] * 2
    assert manifest["config"]["digest"] == str(Digest.of(image.config))
    assert len(config["history"]) == len(image.layers)


def test_the_time_is_the_bases_or_the_one_that_is_given() -> None:
    assert json.loads(made().config)["created"] == "2024-01-01T00:00:00Z"
    assert json.loads(made(86_400).config)["created"] == "1970-01-02T00:00:00Z"
    assert made().manifest == made().manifest


def test_the_manifest_has_the_annotations_of_its_config() -> None:
    image = made()
    assert json.loads(image.manifest)["annotations"] == {"of": str(len(image.config))}


@pytest.mark.parametrize("odd", [5, "PATH=/x", {"PATH": "/x"}, [5, None]])
def test_what_is_not_of_its_type_in_the_base_is_left_out(odd: object) -> None:
    config = {**CONFIG, "created": odd, "history": 5, "config": {"Env": odd, "Labels": odd}}
    found = json.loads(made(config=config).config)
    assert found["config"]["Env"][0].startswith("PATH=/opt/keynet/bin:/usr/local/sbin")
    assert found["config"]["Cmd"] == ["python", "train.py"]
    assert json.loads(made(config={**CONFIG, "config": odd}).config)["config"]["Cmd"]
