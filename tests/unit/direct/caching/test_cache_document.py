"""What a cache in a registry says, and what it must not say."""

import json
from typing import Any

import pytest

from keynet.direct.caching.cache_document import (
    CachedBase,
    CachedLayer,
    CacheDocument,
    merged,
    parsed,
    rendered,
)
from keynet.direct.packages.resolved_cache import PackageLayer, Resolved
from keynet.errors import ValidationError
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from tests.tables import table


def layer(name: str) -> CachedLayer:
    descriptor = Descriptor.of(MediaType.OCI_LAYER_GZIP, name.encode())
    return CachedLayer(descriptor, Digest.of(f"tar of {name}".encode()))


def document(*names: str) -> CacheDocument:
    """Return a cache with one result a name, each with a layer of its own and a common one."""
    return CacheDocument(
        {
            name: Resolved((PackageLayer(f"l-{name}", name), PackageLayer("both", "b")), "k", "s")
            for name in names
        },
        {**{f"l-{name}": layer(name) for name in names}, "both": layer("both")},
        {name: CachedBase("p", "q", (layer(f"base of {name}"),)) for name in names},
    )


def test_it_is_read_as_it_was_written() -> None:
    told = document("a", "b")
    assert parsed(rendered(told)) == told
    assert rendered(told) == rendered(document("a", "b"))


def test_the_newest_is_first_and_the_oldest_goes() -> None:
    held = CacheDocument()
    for number in range(20):
        held = merged(document(f"n{number}"), held)
    assert list(held.resolved) == [f"n{number}" for number in range(19, 3, -1)]
    # Layers and bases of what went have gone, too.
    assert set(held.layers) == {"both", *(f"l-n{number}" for number in range(4, 20))}
    assert len(held.bases) == 16


def test_a_result_whose_layer_is_missing_is_left_out() -> None:
    told = document("a", "b")
    without = CacheDocument(told.resolved, {k: v for k, v in told.layers.items() if k != "l-a"})
    assert list(merged(without, CacheDocument()).resolved) == ["b"]


def changed(path: list[str | int], value: object) -> bytes:
    content: Any = json.loads(rendered(document("a")))
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(content).encode()


@table(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 100_000,
        changed(["version"], 2),
        changed(["layers", "both", "digest"], "sha256:../../etc"),
        changed(["layers", "both", "size"], -1),
        changed(["layers", "both", "size"], "x"),
        changed(["layers", "both", "size"], True),
        changed(["layers", "both", "size"], float("inf")),
        changed(["layers", "both", "mediaType"], "application/vnd.oci.image.config.v1+json"),
        changed(["layers", "both", "diffId"], 7),
        changed(["layers", "../key"], {}),
        changed(["resolved", "a", "layers"], [["../../key", "x"]]),
        changed(["resolved", "a", "layers"], [7]),
        changed(["resolved", "a", "lock"], None),
        changed(["resolved"], []),
        changed(["bases", "a", "python"], {}),
        changed(["bases", "a", "layers"], [None]),
    ],
)
def test_what_is_no_cache_is_refused(content: bytes) -> None:
    with pytest.raises(ValidationError, match="cache"):
        parsed(content)
