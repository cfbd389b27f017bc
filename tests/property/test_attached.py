"""Whatever is attached to an image is refused with a reason, or can be shown and compared."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keynet.script import comparison, json_schema
from keynet.steps import attached

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(["name", "type", "default", "required", "help", "choices", "more"])
ARGUMENTS = st.lists(VALUES | st.dictionaries(FIELDS, VALUES), max_size=4)
NAMED = st.lists(
    st.fixed_dictionaries({"name": st.text(min_size=1)}, optional={"default": VALUES}), max_size=4
)


def use(document: bytes) -> None:
    """Do with a document what ``keynet params`` does."""
    try:
        found = attached.parse(document)
    except attached.Unreadable:
        return
    arguments = found["arguments"]
    assert comparison.compare(arguments, arguments).equal
    json.dumps(json_schema.of_values("title", arguments), allow_nan=False).encode()
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode()


@pytest.mark.medium
@given(st.binary())
def test_any_bytes_are_refused_or_used(document: bytes) -> None:
    use(document)


@pytest.mark.slow
@given(ARGUMENTS | NAMED, VALUES)
def test_any_json_is_refused_or_used(arguments: list[Any], other: Any) -> None:
    use(json.dumps({"arguments": arguments, "parser_type": other}).encode())
    use(json.dumps({"arguments": arguments}).encode())
    use(json.dumps(other).encode())
