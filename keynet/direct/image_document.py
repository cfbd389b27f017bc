"""The config and the manifest of an image on a base, as an engine writes them.

Source: OCI image-spec, "Image Configuration", "Image Manifest".
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from keynet.errors import ContextInvalid
from keynet.frozen import frozen
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Image, Layer
from keynet.oci.manifest import render_manifest
from keynet.plan import Recipe
from keynet.text import _, fill

__all__ = ["Added", "make_image"]

_DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KEPT: Final = ("architecture", "os", "os.version", "os.features", "variant", "author")
# Fields of a base's config that are triggers or belong to docker's own builds.
_DROPPED: Final = ("OnBuild", "Entrypoint", "Image", "Hostname", "Domainname", "ArgsEscaped")
_LAYER_TYPES: Final = {
    MediaType.DOCKER_LAYER: MediaType.OCI_LAYER,
    MediaType.DOCKER_LAYER_GZIP: MediaType.OCI_LAYER_GZIP,
}
_BEFORE, _AFTER = "before", "after"


@frozen
class Added:
    """A layer on top of the base, and what its history says."""

    layer: Layer
    created_by: str


@frozen
class _Retyped:
    """A layer of the base under the OCI's media type; its bytes stay."""

    descriptor: Descriptor
    diff_id: Digest
    layer: Layer

    @property
    def origin(self) -> Any:
        return self.layer.origin

    @property
    def checks_digest(self) -> bool:
        return getattr(self.layer, "checks_digest", False) is True

    def chunks(self) -> Any:
        return self.layer.chunks()


def make_image(
    base: Image,
    recipe: Recipe,
    added: Sequence[Added],
    *,
    labels: Mapping[str, str],
    program_path: str,
    created_s: int | None,
    annotate: Callable[[bytes], Mapping[str, str]],
) -> Image:
    """Return the image; equal input gives equal bytes.

    Args:
        program_path: For the variable PATH, with ``{path}`` for the base's.
        created_s: When it was made, in seconds since 1970; None for the base's own time.
        annotate: Returns the manifest's annotations for this config.
    """
    layers = [*map(_retyped, base.layers), *(each.layer for each in added)]
    config = _config(base, recipe, added, layers, labels, program_path, created_s)
    described = Descriptor.of(MediaType.OCI_CONFIG, config)
    manifest = render_manifest(
        MediaType.OCI_MANIFEST,
        described,
        [layer.descriptor for layer in layers],
        annotate(config),
    )
    return Image(manifest, config, tuple(layers))


def _config(
    base: Image,
    recipe: Recipe,
    added: Sequence[Added],
    layers: Sequence[Layer],
    labels: Mapping[str, str],
    program_path: str,
    created_s: int | None,
) -> bytes:
    document = json.loads(base.config)
    created = document.get("created") if created_s is None else _timestamp(created_s)
    time = {"created": created} if isinstance(created, str) else {}
    history = document.get("history")
    new_history = [{**time, "created_by": f"keynet: {each.created_by}"} for each in added]
    config = {
        **time,
        **{name: document[name] for name in _KEPT if name in document},
        "config": _run_config(_object(document.get("config")), recipe, labels, program_path),
        "rootfs": {"type": "layers", "diff_ids": [str(layer.diff_id) for layer in layers]},
        "history": [*(history if isinstance(history, list) else []), *new_history],
    }
    return json.dumps(config, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def _run_config(
    base: Mapping[str, Any], recipe: Recipe, labels: Mapping[str, str], program_path: str
) -> dict[str, Any]:
    stated = base.get("Env")
    lines = [line for line in (stated if isinstance(stated, list) else []) if isinstance(line, str)]
    environment = dict(line.partition("=")[::2] for line in lines)
    environment["PATH"] = program_path.format(path=environment.get("PATH") or _DEFAULT_PATH)
    for name, value in recipe.environment.items():
        if "\0" in value:
            raise ContextInvalid(
                fill(_("The environment of the image cannot hold {value!r}."), value=value)
            )
        environment[name] = value
    kept = {name: value for name, value in base.items() if name not in _DROPPED}
    merged = {**_object(base.get("Labels")), **labels}
    return {
        **kept,
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Cmd": list(recipe.command),
        "WorkingDir": recipe.workdir,
        "Labels": dict(sorted(merged.items())),
    }


def _retyped(layer: Layer) -> Layer:
    media_type = _LAYER_TYPES.get(layer.descriptor.media_type)
    if media_type is None:
        return layer
    return _Retyped(replace(layer.descriptor, media_type=media_type), layer.diff_id, layer)


def _timestamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
