"""Describe an image from its manifest and config, which are untrusted JSON.

Source: OCI image-spec, "Image Configuration".
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from keynet.errors import ValidationError
from keynet.oci.descriptor import Digest, MediaType
from keynet.oci.image import Image
from keynet.oci.summary import ImageConfig, ImageInspect, LayerInfo
from keynet.text import _, fill

__all__ = ["describe", "json_object"]

# In memory a Python list or dict takes thirty times the bytes of its brackets.
_MOST_BRACKETS: Final = 100_000


def describe(
    image: Image, name: str, *, tags: Sequence[str] = (), repositories: Sequence[str] = ()
) -> ImageInspect:
    """Return what manifest and config say about an image; no layer is read.

    Args:
        name: Where the image comes from, for error messages.
        tags: Its names with tags.
        repositories: Its names without tags; the manifest's digest is added to each.

    Raises:
        ValidationError: A field violates the specification.
    """
    manifest = json_object(image.manifest, fill(_("the manifest of {name}"), name=name))
    config = _Fields(json_object(image.config, fill(_("the config of {name}"), name=name)), name)
    digest = Digest.of(image.manifest)
    layers = _layers(image, config)
    values = _config(config)
    media_type = manifest.get("mediaType")
    return ImageInspect(
        id=str(Digest.of(image.config)),
        config=values,
        layers=layers,
        repo_tags=tuple(tags),
        repo_digests=tuple(f"{repository}@{digest}" for repository in repositories)
        or (str(digest),),
        created=values.created,
        architecture=values.architecture,
        os=values.os,
        variant=values.variant,
        author=config.text("author"),
        comment=config.text("comment"),
        media_type=media_type if isinstance(media_type, str) else MediaType.OCI_MANIFEST,
        size=sum(layer.size for layer in layers),
    )


def json_object(document: bytes, name: str) -> dict[str, Any]:
    """Parse a JSON object, with a limit on the memory it may take.

    Raises:
        ValidationError: It is not a JSON object, or has too many brackets.
    """
    if document.count(b"[") + document.count(b"{") > _MOST_BRACKETS:
        raise _bad(name, _("it has too many brackets"))
    try:
        value = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise _bad(name, _("it is not JSON")) from error
    if not isinstance(value, dict):
        raise _bad(name, _("it is not a JSON object"))
    return value


class _Fields:
    """The fields of a JSON object by type; a missing or null field is empty."""

    def __init__(self, content: Mapping[str, Any], name: str) -> None:
        self._content = content
        self._name = name

    def text(self, key: str) -> str:
        value = self._content.get(key)
        if value is not None and not isinstance(value, str):
            raise self._wrong(key)
        return value or ""

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._content.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(key)
        return tuple(value)

    def mapping(self, key: str) -> dict[str, Any]:
        value = self._content.get(key)
        if value is not None and not isinstance(value, dict):
            raise self._wrong(key)
        return value or {}

    def object(self, key: str) -> "_Fields":
        return _Fields(self.mapping(key), self._name)

    def objects(self, key: str) -> list["_Fields"]:
        value = self._content.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self._wrong(key)
        return [_Fields(item, self._name) for item in value]

    def is_true(self, key: str) -> bool:
        return self._content.get(key) is True

    def _wrong(self, key: str) -> ValidationError:
        return _bad(
            fill(_("the config of {name}"), name=self._name),
            fill(_("its field {field} has the wrong type"), field=key),
        )


def _layers(image: Image, config: _Fields) -> tuple[LayerInfo, ...]:
    history = [line for line in config.objects("history") if not line.is_true("empty_layer")]
    if len(history) != len(image.layers):
        history = [_Fields({}, "")] * len(image.layers)
    return tuple(
        LayerInfo(
            digest=str(layer.descriptor.digest),
            size=layer.descriptor.size,
            media_type=layer.descriptor.media_type,
            diff_id=str(layer.diff_id),
            created=_time(line.text("created")),
            created_by=line.text("created_by") or None,
        )
        for layer, line in zip(image.layers, history, strict=True)
    )


def _config(config: _Fields) -> ImageConfig:
    run = config.object("config")
    labels = run.mapping("Labels")
    return ImageConfig(
        architecture=config.text("architecture"),
        os=config.text("os"),
        variant=config.text("variant") or None,
        created=_time(config.text("created")),
        cmd=run.texts("Cmd"),
        entrypoint=run.texts("Entrypoint"),
        env=run.texts("Env"),
        user=run.text("User"),
        working_dir=run.text("WorkingDir") or None,
        exposed_ports=tuple(run.mapping("ExposedPorts")),
        labels={key: str(value) for key, value in labels.items()},
        diff_ids=config.object("rootfs").texts("diff_ids"),
    )


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        # An invalid date is left out: it does not affect the image.
        return None


def _bad(name: str, reason: str) -> ValidationError:
    return ValidationError(
        fill(_("Cannot use {name}: {reason}."), name=name, reason=reason),
        _("The image is damaged or was written by a faulty tool; build it again."),
    )
