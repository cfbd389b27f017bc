"""Properties of what looks like a secret, for variables and arguments alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keynet import confidential
from keynet.confidential import Use

_WORDS = st.sampled_from(
    [
        "api",
        "key",
        "token",
        "pad",
        "sort",
        "hf",
        "password",
        "dim",
        "max",
        "num",
        "file",
        "secret",
        "auth",
        "my",
        "db",
        "pass",
        "id",
        "env",
    ]
)
_NAMES = st.lists(_WORDS, min_size=1, max_size=4).flatmap(
    lambda words: st.sampled_from("_-.").map(lambda between: between.join(words))
)
_USES: st.SearchStrategy[Use] = st.sampled_from(["variable", "argument"])
_TOKENS = st.one_of(
    st.from_regex(r"ghp_[A-Za-z0-9]{36}", fullmatch=True),
    st.from_regex(r"npm_[A-Za-z0-9]{36}", fullmatch=True),
    st.from_regex(r"hf_[A-Za-z]{34}", fullmatch=True),
    st.from_regex(r"sk-proj-[A-Za-z0-9]{40}", fullmatch=True),
    st.from_regex(r"glpat-[A-Za-z0-9_-]{20}", fullmatch=True),
    st.from_regex(r"eyJ[A-Za-z0-9_-]{20}\.eyJ[A-Za-z0-9_-]{20}\.[A-Za-z0-9_-]{20}", fullmatch=True),
    st.from_regex(r"[a-z]{3,8}://[a-z]{0,8}:[a-z0-9]{1,12}@[a-z]{1,8}/", fullmatch=True),
)


@pytest.mark.slow
@given(st.one_of(_NAMES, st.text()), _TOKENS, _USES)
def test_a_token_is_found_under_any_name(name: str, token: str, use: Use) -> None:
    assert confidential.is_suspicious(name, token, use)


@pytest.mark.medium
@given(st.text(), _TOKENS, st.text())
def test_a_token_is_found_inside_a_text(before: str, token: str, after: str) -> None:
    text = f"{before} {token} {after}"
    assert confidential.is_suspicious_value(text)
    assert confidential.mentions_secret(text)


@pytest.mark.medium
@given(st.one_of(_NAMES, st.text()))
def test_a_variable_is_never_less_suspicious_than_an_argument(name: str) -> None:
    if confidential.is_suspicious_name(name, "argument"):
        assert confidential.is_suspicious_name(name, "variable")


@pytest.mark.medium
@given(_NAMES)
def test_the_spelling_of_a_name_does_not_matter(name: str) -> None:
    words = name.replace("-", "_").replace(".", "_").split("_")
    camel = words[0].lower() + "".join(word.capitalize() for word in words[1:])
    for use in ("variable", "argument"):
        expected = confidential.is_suspicious_name("_".join(words), use)
        assert confidential.is_suspicious_name("_".join(words).upper(), use) == expected
        assert confidential.is_suspicious_name(camel, use) == expected


@pytest.mark.medium
@given(st.text(), st.text(), _USES)
def test_any_text_is_accepted(name: str, value: str, use: Use) -> None:
    confidential.is_suspicious(name, value, use)
    confidential.is_suspicious_path(name)
    confidential.mentions_secret(value)
