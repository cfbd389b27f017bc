"""Configurations of registries: whatever is in them, an answer or an error of our own."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keynet.direct.base.registries_conf import parse
from keynet.errors import ValidationError
from keynet.oci.descriptor import Digest
from keynet.oci.reference import Reference

NAMES = st.sampled_from(
    [
        "docker.io",
        "docker.io/library",
        "*.io",
        "a.example:5000/x/",
        "localhost",
        "x",
        "",
        "https://x",
    ]
)
ODD = st.one_of(NAMES, st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.text()))
MIRRORS = st.fixed_dictionaries(
    {}, optional={"location": ODD, "insecure": ODD, "pull-from-mirror": ODD}
)
REGISTRIES = st.fixed_dictionaries(
    {},
    optional={
        "prefix": ODD,
        "location": ODD,
        "blocked": ODD,
        "mirror-by-digest-only": ODD,
        "mirror": st.one_of(ODD, st.lists(MIRRORS, max_size=2)),
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "unqualified-search-registries": ODD,
        "registry": st.one_of(ODD, st.lists(REGISTRIES, max_size=3)),
        "aliases": st.one_of(ODD, st.dictionaries(st.sampled_from(["python", "x/y"]), ODD)),
    },
)
WRITTEN = st.sampled_from(["", "python:1", "python", "docker.io/library/python:1", "x/y"])


def _toml(value: Any) -> str:
    """Return a value as inline TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


@pytest.mark.slow
@given(DOCUMENTS, WRITTEN, st.booleans())
def test_a_base_is_somewhere_or_the_configuration_is_not_valid(
    document: dict[str, Any], written: str, pinned: bool
) -> None:
    text = "".join(f"{json.dumps(name)} = {_toml(value)}\n" for name, value in document.items())
    base = Reference.parse("docker.io/library/python:1")
    if pinned:
        base = base.with_digest(Digest.of(b"x"))
    try:
        found = parse([("x.conf", text.encode())]).sources(base, written)
    except ValidationError:
        return
    assert found
    assert {(each.reference.tag, each.reference.digest) for each in found} == {
        (base.tag, base.digest)
    }
    assert [each.followed for each in found] == [True] * (len(found) - 1) + [False]
