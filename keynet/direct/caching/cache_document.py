"""What a cache in a registry says: which requirements gave which layers. Pure.

It is the config of an image whose layers are those named, so that the registry keeps them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

from keynet.direct.packages.resolved_cache import PackageLayer, Resolved
from keynet.errors import ValidationError
from keynet.files.disk_cache import DAMAGED
from keynet.frozen import frozen
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.text import _, fill, printable

__all__ = [
    "CACHE_TYPE",
    "CacheDocument",
    "CachedBase",
    "CachedLayer",
    "merged",
    "parsed",
    "rendered",
]

CACHE_TYPE: Final = "application/vnd.keynet.cache.v1+json"
_VERSION: Final = 1
# Of those that were written last: several projects, platforms and versions of Python.
_MOST_ENTRIES: Final = 16
_MOST_BASES: Final = 16
# What registries accept in a manifest.
_MOST_LAYERS: Final = 1_000
_KEY: Final = re.compile(r"[\w.=-]{1,200}", re.ASCII)
_MALFORMED: Final = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
_TYPES: Final = frozenset(
    {
        *(MediaType.OCI_LAYER, MediaType.OCI_LAYER_GZIP, MediaType.OCI_LAYER_ZSTD),
        *(MediaType.DOCKER_LAYER, MediaType.DOCKER_LAYER_GZIP),
    }
)


@frozen
class CachedLayer:
    """A layer of packages as it is stored, and the digest of its tar."""

    descriptor: Descriptor
    diff_id: Digest


@frozen
class CachedBase:
    """What is known of a base image.

    ``layers`` are its own, which the cache's repository holds too. ``python`` and ``packages`` are
    what a list of its files has shown, as ``python_cache`` keeps it; "" if not known.
    """

    python: str = ""
    packages: str = ""
    layers: tuple[CachedLayer, ...] = ()


@frozen
class CacheDocument:
    """Results by the key of what decides them, the newest first.

    ``layers`` are by the key of their content, ``bases`` by the digest of the base's config.
    """

    resolved: Mapping[str, Resolved] = field(default_factory=dict)
    layers: Mapping[str, CachedLayer] = field(default_factory=dict)
    bases: Mapping[str, CachedBase] = field(default_factory=dict)


def merged(new: CacheDocument, old: CacheDocument) -> CacheDocument:
    """Return both, the new one first; what is too much, or of no use any more, is left out."""
    resolved = {**new.resolved, **_without(old.resolved, new.resolved)}
    layers = {**old.layers, **new.layers}
    kept: dict[str, Resolved] = {}
    used: dict[str, CachedLayer] = {}
    for key, each in list(resolved.items())[:_MOST_ENTRIES]:
        names = [layer.key for layer in each.layers]
        if (
            all(name in layers for name in names)
            and len(used | dict.fromkeys(names)) <= _MOST_LAYERS
        ):
            kept[key] = each
            used |= {name: layers[name] for name in names}
    bases = {**new.bases, **_without(old.bases, new.bases)}
    return CacheDocument(kept, used, dict(list(bases.items())[:_MOST_BASES]))


def rendered(document: CacheDocument) -> bytes:
    """Return the document as JSON; equal documents give equal bytes."""
    value = {
        "version": _VERSION,
        "resolved": {
            key: {
                "layers": [[layer.key, layer.names] for layer in each.layers],
                "lock": each.lock,
                "sbom": each.sbom,
            }
            for key, each in document.resolved.items()
        },
        "layers": {key: _wire(layer) for key, layer in document.layers.items()},
        "bases": {
            key: {
                "python": each.python,
                "packages": each.packages,
                "layers": [_wire(layer) for layer in each.layers],
            }
            for key, each in document.bases.items()
        },
    }
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def parsed(content: bytes) -> CacheDocument:
    """Return what a registry has sent.

    Raises:
        ValidationError: It is not such a document.
    """
    try:
        value = json.loads(content)
        if value["version"] != _VERSION:
            raise ValueError(_("it is of another version of keynet"))
        layers = {_key(key): _layer(each) for key, each in value["layers"].items()}
        resolved = {_key(key): _resolved(each) for key, each in value["resolved"].items()}
        bases = {
            _key(key): CachedBase(
                _text(each["python"]),
                _text(each["packages"]),
                tuple(map(_layer, each["layers"])),
            )
            for key, each in value["bases"].items()
        }
    except DAMAGED as error:
        raise ValidationError(
            fill(_("It is not a cache of keynet's: {why}."), why=printable(error, 200)),
            _("Name another reference for the cache, or write it anew with --cache-to."),
        ) from error
    return merged(CacheDocument(resolved, layers, bases), CacheDocument())


def _wire(layer: CachedLayer) -> dict[str, Any]:
    return {**layer.descriptor.to_json(), "diffId": str(layer.diff_id)}


def _layer(value: Mapping[str, Any]) -> CachedLayer:
    descriptor = Descriptor(
        _text(value["mediaType"]), Digest.parse(_text(value["digest"])), _size(value["size"])
    )
    if descriptor.media_type not in _TYPES:
        raise ValueError(_("a layer has another type"))
    return CachedLayer(descriptor, Digest.parse(_text(value["diffId"])))


def _resolved(value: Mapping[str, Any]) -> Resolved:
    layers = tuple(PackageLayer(_key(each[0]), _text(each[1])) for each in value["layers"])
    return Resolved(layers, _text(value["lock"]), _text(value["sbom"]))


def _key(value: object) -> str:
    text = _text(value)
    if not _KEY.fullmatch(text):
        raise ValueError(_("a key is not valid"))
    return text


def _size(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(_("a size is not a number"))
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(_("a value is not a text"))
    return value


def _without(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in old.items() if key not in new}
