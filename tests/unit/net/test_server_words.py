"""What a server says is found in any form, and nothing of it reaches a terminal but words."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keynet.net.markup import reduced
from keynet.net.server_words import Words, read
from tests.tables import table

SAID = "Blocked by rule 42: ask the helpdesk"
DENIED = {"code": "DENIED", "message": SAID}

FORMS: dict[str, object] = {
    "the specification's": {"errors": [DENIED]},
    "errors without a code": {"errors": [{"message": SAID}]},
    "errors as texts": {"errors": [SAID]},
    "errors as one object": {"errors": {"message": SAID}},
    "one error": {"error": SAID},
    "an error with a message": {"error": {"code": 403, "message": SAID}},
    "message": {"message": SAID, "status": 403},
    "message, upper case": {"__type": "AccessDenied", "Message": SAID},
    "detail": {"detail": SAID},
    "detail with a place": {"detail": [{"msg": SAID, "type": "x"}]},
    "problem": {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": SAID},
    "oauth": {"error": "access_denied", "error_description": SAID},
    "fault": {"fault": {"faultstring": SAID, "detail": {"errorcode": "x"}}},
    "kubernetes": {"kind": "Status", "status": "Failure", "message": SAID, "reason": "Forbidden"},
    "nested": {"response": {"data": {"errors": [{"reason": SAID}]}}},
    "text of its own kind": {"policy": {"rule": SAID}},
    "a string": SAID,
    "a list": [SAID],
    "a list of errors": [DENIED],
}


@table("form", FORMS)
def test_the_text_is_found_in_every_form_of_json(form: str) -> None:
    assert SAID in read(json.dumps(FORMS[form]).encode()).text


@table(
    "page",
    [
        f"<html><head><title>{SAID}</title><style>a</style></head><body>hidden</body></html>",
        f"<!DOCTYPE html><body><script>if (a < b) x()</script><p>{SAID}<br></body>",
        f"\ufeff \n<html><body><h1>403</h1>{SAID.replace('42', '<b>42</b>')}",
        f"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>{SAID}</Message></Error>",
        f"<fault><reason>{SAID}</reason></fault>",
    ],
)
def test_a_page_is_reduced_to_its_words(page: str) -> None:
    assert SAID in read(page.encode()).text.replace(" 42 :", " 42:")
    assert "<" not in read(page.encode()).text


def test_an_object_stores_xml_has_code_and_message() -> None:
    page = b"<Error><Code>SlowDown</Code><Message>Reduce &amp; wait.</Message></Error>"
    assert read(page) == Words("SlowDown", "Reduce & wait")


def test_a_page_says_once_what_its_title_says() -> None:
    page = "<html><head><title>413 Too Large</title></head><body><h1>413 Too Large</h1></body>"
    assert reduced(page) == "413 Too Large"


def test_several_errors_are_all_shown() -> None:
    body = {
        "errors": [
            {"code": "DENIED", "message": "one"},
            {"code": "QUOTA", "message": "two."},
            {"code": "DENIED", "message": "three", "detail": "on disk 7"},
            {"code": "UNKNOWN"},
        ]
    }
    said = read(json.dumps(body).encode())
    assert said == Words("DENIED", "one; QUOTA: two.; three; on disk 7; UNKNOWN")


def test_the_specifications_details_are_no_words() -> None:
    detail = [{"Type": "repository", "Name": "team/app", "Action": "push"}]
    body = {"errors": [{"code": "DENIED", "message": "no", "detail": detail}]}
    assert read(json.dumps(body).encode()) == Words("DENIED", "no")


@table(
    ("body", "content_type", "text"),
    [
        ("접근이 거부되었습니다".encode(), "text/plain", "접근이 거부되었습니다"),
        ("접근이 거부".encode("euc-kr"), "text/html; charset=EUC-KR", "접근이 거부"),
        ("Zugriff für alle".encode("latin-1"), "text/plain; charset=utf-8", "Zugriff für alle"),
        ("Zugriff für alle".encode("latin-1"), "", "Zugriff für alle"),
        ("nicht für alle".encode(), "text/plain; charset=iso-8859-1", "nicht für alle"),
        ("kein Zugriff".encode("utf-16"), "text/plain", "kein Zugriff"),
        (b"\xef\xbb\xbfwith a mark", "", "with a mark"),
        (b"odd \xe9 word", "text/plain; charset=unicode_escape", "odd é word"),
        (b"odd \xe9 word", "text/plain; charset=utf-99", "odd é word"),
        (b"odd \xe9 word", "text/plain; charset=windows-99", "odd é word"),
        ("cut 접근".encode()[:-1], "", "cut 접"),
        (b'{"message": "json"}', "text/html", "json"),
        (b"no json", "application/json", "no json"),
        (b'{"errors": [{"message": "cut', "application/json", '{"errors": [{"message": "cut'),
        (b"", "application/json", ""),
        (b" \n", "text/plain", ""),
        (b"{}", "", ""),
        (b"null", "", ""),
        (gzip.compress(b'{"message": "packed"}', mtime=0), "application/json", "packed"),
        (b"\x1f\x8b\x08\x00 and no more of it", "application/json", ""),
        (bytes(range(256)), "text/plain", ""),
        (bytes(500), "text/plain", ""),
    ],
)
def test_the_bytes_decide_whatever_the_content_type_says(
    body: bytes, content_type: str, text: str
) -> None:
    assert read(body, content_type).text.replace("\ufffd", "").strip() == text


@table(
    "body",
    [
        f"\x1b[31m{SAID}\x1b[0m\x07".encode(),
        f"\x1b]0;title\x07{SAID}".encode(),
        f"\u202e{SAID}\u2066\u200b".encode(),
        json.dumps(
            {"errors": [{"code": "A\u001b[2J", "message": f"\u001b[1m{SAID}\u009b"}]}
        ).encode(),
        json.dumps({"\u001b[1m": {"\u202e": SAID}}).encode(),
        f"<title>&#27;[31m{SAID}&#x202e;</title>".encode(),
    ],
)
def test_nothing_that_steers_a_terminal_is_left(body: bytes) -> None:
    said = read(body)
    assert SAID in said.text
    assert not set(said.text + said.code) & set("\x1b\x07\n\x9b\u202e\u2066\u200b")


@table(
    "echo",
    [
        "Authorization: Basic cm9ib3Q6bG9uZy1wYXNzd29yZA==",
        "authorization: bearer abcdef0123456789",
        "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefgh",
        "see https://robot:long-password@registry.example.com/v2/",
        "GET https://store.example.com/x?X-Amz-Signature=0123456789abcdef",
        "password was long-password",
        'user "rob\\"ot" with long-password',
    ],
)
def test_a_secret_that_the_server_repeats_is_left_out(echo: str) -> None:
    for body in (echo.encode(), json.dumps({"message": echo}).encode()):
        text = read(body, hide=["long-password", "no"]).text
        assert "***" in text
        for secret in ("cm9ib3Q6", "abcdef0123456789", "eyJhbGci", "long-password", "0123456789ab"):
            assert secret not in text


@pytest.mark.parametrize(
    "text",
    [
        "Basic authentication required",
        "bearer authentication is needed",
        "no access to the project",
    ],
)
def test_words_are_not_taken_for_secrets(text: str) -> None:
    assert read(text.encode(), hide=["no", ""]).text == text


@table(
    "body",
    [
        b"x" * 1_000_000,
        b"<" * 300_000,
        b"<script>" * 40_000,
        b"<a " * 100_000,
        b"[" * 200_000,
        b'{"errors":[' + b'{"message":"m"},' * 20_000 + b'{"message":"m"}]}',
        json.dumps({"errors": [{"message": "y" * 9000, "code": "z" * 900}] * 50}).encode(),
        b"https://" * 30_000,
        b"bearer " * 30_000,
        b"&#27;" * 50_000,
        gzip.compress(bytes(3_000_000), mtime=0),
    ],
)
def test_a_long_body_gives_a_short_text(body: bytes) -> None:
    said = read(body)
    assert len(said.text) <= 1000
    assert len(said.code) <= 60


@pytest.mark.slow
@given(st.binary(max_size=400) | st.text(max_size=300).map(str.encode), st.text(max_size=40))
def test_any_body_gives_one_safe_line(body: bytes, content_type: str) -> None:
    said = read(body, content_type)
    assert "\n" not in said.text
    assert "\x1b" not in said.text
    assert len(said.text) <= 1000
