"""The message of a server that refuses, whatever it sends."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keynet.backend import problem
from keynet.backend.answers import Answer, read, refusal
from keynet.backend.models import WireProjects, WireUploadKey
from keynet.backend.sign_in_answer import WireSignIn
from keynet.errors import BackendError
from tests.tables import table

_LEAF = st.none() | st.booleans() | st.integers() | st.text()
_KEYS = (
    st.sampled_from(["message", "errors", "detail", "field", "loc", "id", "content"]) | st.text()
)
_JSON = st.recursive(
    _LEAF, lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner), max_leaves=20
)
_BODY = st.binary() | _JSON.map(lambda value: json.dumps(value).encode())


@table(
    ("body", "expected"),
    [
        ({"message": "no quota"}, "no quota"),
        ({"error": "Bad Request", "message": "no quota"}, "no quota"),
        ({"title": "Bad", "detail": "no quota"}, "no quota"),
        ({"error": {"code": 3, "message": "no quota"}}, "no quota"),
        ({"detail": [{"loc": ["body", "a", 0], "msg": "odd"}]}, "body.a.0: odd"),
        ({"message": "bad", "errors": ["one", {"field": "f", "message": "two"}]},
         "bad; one; f: two"),
        ("just text", "just text"),
        ({"message": "a\u001b[31mb\nc"}, "ab c"),
        ({}, ""),
        ([], ""),
    ],
)  # fmt: skip
def test_the_servers_words_are_found(body: object, expected: str) -> None:
    assert problem.message(json.dumps(body).encode()) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"plain words\n", "plain words"),
        (b"<title>502 Bad Gateway</title><h1>502 Bad Gateway</h1><hr>nginx",
         "502 Bad Gateway; nginx"),
        (b"", ""),
    ],
)  # fmt: skip
def test_a_body_that_is_no_json_is_shown(body: bytes, expected: str) -> None:
    assert problem.message(body) == expected


@pytest.mark.slow
@given(_BODY)
def test_any_body_gives_one_printable_line(body: bytes) -> None:
    text = refusal(Answer(400, {}, body))
    assert "\n" not in text
    assert "\x1b" not in text
    assert len(text) <= 1100
    assert problem.offending(body, []) == []


@pytest.mark.slow
@given(_BODY, st.sampled_from([WireProjects, WireSignIn, WireUploadKey]))
def test_any_answer_is_read_or_refused_in_our_words(body: bytes, model: type) -> None:
    with contextlib.suppress(BackendError):
        read(model, Answer(200, {}, body), "try").checked(*([0] if model is WireProjects else []))


def test_a_name_within_another_is_not_accused() -> None:
    sent = [{"name": "lr"}, {"name": "lr_decay"}, {"name": "a.b"}, {}]
    assert problem.offending(b"'lr_decay' is bad, so is axb", sent) == [sent[1]]


def test_an_index_out_of_range_accuses_nobody() -> None:
    assert problem.offending(b"hyperParameters[7].name", [{"name": "x"}]) == []
