"""``keynet verify`` against a registry in memory."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from keynet.oci.descriptor import Descriptor, Digest, MediaType
from tests.fakes.stored_images import store_image

from .conftest import KEY, Platform
from .test_direct import Capture, base, keynet

REPOSITORY = f"kitech-model/{KEY}"


@pytest.fixture
def image(platform: Platform, capsys: Capture) -> str:
    """Push a script without packages; return the image by its digest."""
    arguments = ["push", "train.py", "--base-image", base(platform), "--builder", "direct"]
    assert keynet(*arguments, "--json") == 0
    digest = json.loads(capsys.readouterr().out)["digest"]
    return f"{platform.registry_host}/{REPOSITORY}@{digest}"


def changed(platform: Platform, image: str, change: Callable[[Any, Any], None]) -> str:
    """Store the image with another manifest or config, as an attacker would; return it."""
    held = platform.registry.repository(REPOSITORY)
    manifest = json.loads(held.manifests[image.partition("@")[2]][1])
    config = json.loads(held.blobs[manifest["config"]["digest"]])
    change(manifest, config)
    content = json.dumps(config).encode()
    held.blobs[str(Digest.of(content))] = content
    manifest["config"] = Descriptor.of(MediaType.OCI_CONFIG, content).to_json()
    raw = json.dumps(manifest).encode()
    held.manifests[str(Digest.of(raw))] = (MediaType.OCI_MANIFEST, raw)
    return f"{image.partition('@')[0]}@{Digest.of(raw)}"


@pytest.mark.medium
def test_what_was_pushed_is_the_same_again(platform: Platform, image: str, capsys: Capture) -> None:
    assert keynet("verify", image, "train.py") == 0
    assert "byte for byte" in capsys.readouterr().out
    assert keynet("verify", image, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["equal"] is True
    assert [each["verdict"] for each in found["layers"]] == ["equal", "unknown"]


@pytest.mark.medium
def test_the_time_of_the_context_is_the_images(
    platform: Platform, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        arguments = ["push", "train.py", "--base-image", base(platform), "--builder", "direct"]
        assert keynet(*arguments, "--json") == 0
    image = json.loads(capsys.readouterr().out)
    name = f"{platform.registry_host}/{REPOSITORY}@{image['digest']}"
    assert keynet("verify", name, "train.py") == 0


@pytest.mark.medium
def test_the_file_that_differs_is_named(platform: Platform, image: str, capsys: Capture) -> None:
    with (platform.project / "train.py").open("a") as script:
        script.write("# changed\n")
    (platform.project / "new.txt").touch()
    assert keynet("verify", image, "train.py") == 1
    shown = capsys.readouterr().out
    assert "other content        workspace/train.py" in shown
    assert "not in the image     workspace/new.txt" in shown
    assert keynet("verify", image, "train.py", "--json") == 1
    assert json.loads(capsys.readouterr().out)["equal"] is False


@pytest.mark.medium
def test_a_layer_that_was_put_in_is_found(platform: Platform, image: str, capsys: Capture) -> None:
    def twice(manifest: Any, config: Any) -> None:
        manifest["layers"].append(manifest["layers"][-1])
        config["rootfs"]["diff_ids"].append(config["rootfs"]["diff_ids"][-1])
        config["history"].append({"created_by": "keynet: context"})

    assert keynet("verify", changed(platform, image, twice), "train.py") == 7
    assert "3 layers above its base, and would have 2" in capsys.readouterr().err


@pytest.mark.medium
def test_another_base_than_the_annotations_name_is_found(
    platform: Platform, image: str, capsys: Capture
) -> None:
    other = store_image(
        platform.registry, "library/python", "other", [(MediaType.OCI_LAYER, b"another")]
    )

    def rebased(manifest: Any, _config: Any) -> None:
        manifest["annotations"]["org.opencontainers.image.base.digest"] = str(other.digest)

    assert keynet("verify", changed(platform, image, rebased)) == 7
    assert "does not begin with the layers of" in capsys.readouterr().err


@pytest.mark.medium
@pytest.mark.parametrize(
    "annotations", [None, {}, [], 3, {"org.opencontainers.image.base.name": 7}]
)
def test_an_image_that_does_not_name_its_base_is_refused(
    platform: Platform, image: str, capsys: Capture, annotations: object
) -> None:
    def unnamed(manifest: Any, _config: Any) -> None:
        manifest["annotations"] = annotations

    assert keynet("verify", changed(platform, image, unnamed)) in (5, 7)
    assert "Traceback" not in capsys.readouterr().err


def test_an_image_of_an_engine_is_refused(platform: Platform, capsys: Capture) -> None:
    name = base(platform)
    assert keynet("verify", name) == 7
    assert "--builder direct" in capsys.readouterr().err


def test_an_archive_has_no_lock(platform: Platform, capsys: Capture) -> None:
    assert keynet("verify", "oci-archive:app.tar") == 2
    assert "HOST/REPOSITORY:TAG" in capsys.readouterr().err
