"""What is an image, by the types that its manifest names."""

import pytest

from keynet.oci.descriptor import Descriptor, MediaType
from keynet.oci.kinds import LAYER_TYPES, foreign_type, is_foreign_layer, not_an_image
from tests.tables import table


def of(media_type: str) -> Descriptor:
    return Descriptor.of(media_type, b"")


@pytest.mark.parametrize("config", [*MediaType.CONFIGS, "application/octet-stream"])
def test_every_layer_that_engines_load_makes_an_image(config: str) -> None:
    assert foreign_type(of(config), map(of, sorted(LAYER_TYPES))) is None
    assert foreign_type(of(config), []) is None


@table(
    ("config", "layers"),
    [
        (MediaType.OCI_EMPTY, [MediaType.OCI_LAYER]),
        ("application/vnd.cncf.helm.config.v1+json", []),
        ("application/vnd.docker.plugin.v1+json", [MediaType.DOCKER_LAYER_GZIP]),
        (MediaType.OCI_CONFIG, ["application/vnd.in-toto+json"]),
        (MediaType.OCI_CONFIG, [MediaType.OCI_LAYER, "text/plain"]),
        (MediaType.OCI_CONFIG, [f"{MediaType.OCI_LAYER_GZIP}+encrypted"]),
    ],
)
def test_anything_else_is_named_by_the_type_that_shows_it(config: str, layers: list[str]) -> None:
    assert foreign_type(of(config), map(of, layers)) in (config, *layers)


def test_a_manifest_without_a_config_is_not_an_image() -> None:
    assert foreign_type(None, []) == ""


def test_only_layers_under_a_licence_may_lie_outside() -> None:
    assert is_foreign_layer(of("application/vnd.oci.image.layer.nondistributable.v1.tar"))
    assert not is_foreign_layer(of(MediaType.OCI_LAYER))


def test_encrypted_layers_are_not_called_an_artifact() -> None:
    assert "encrypted" in not_an_image("app", f"{MediaType.OCI_LAYER}+encrypted").message
    assert "artifact: text/plain" in not_an_image("app", "text/plain").message
