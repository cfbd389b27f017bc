import pytest

from keynet.errors import ValidationError
from keynet.oci.descriptor import Digest
from keynet.oci.reference import Reference, is_path_component, is_tag
from tests.tables import table

DIGEST = "sha256:" + "ab" * 32


@table(
    ("text", "registry", "repository", "tag"),
    [
        ("nginx", "docker.io", "library/nginx", None),
        ("nginx:alpine", "docker.io", "library/nginx", "alpine"),
        ("me/app", "docker.io", "me/app", None),
        ("docker.io/nginx", "docker.io", "library/nginx", None),
        ("index.docker.io/me/app:1", "docker.io", "me/app", "1"),
        ("localhost/app", "localhost", "app", None),
        ("localhost:5000/app:1", "localhost:5000", "app", "1"),
        ("harbor.example.com/a/b-c/d__e:v1.0", "harbor.example.com", "a/b-c/d__e", "v1.0"),
        ("[::1]:5000/app", "[::1]:5000", "app", None),
        ("HOST/app", "HOST", "app", None),
    ],
)
def test_references_are_read_as_docker_reads_them(
    text: str, registry: str, repository: str, tag: str | None
) -> None:
    reference = Reference.parse(text)
    assert (reference.registry, reference.repository, reference.tag) == (registry, repository, tag)


@table(
    "text",
    [
        "", "/", "a//b", "a/", "Nginx", "a:b:c", "a:", "a@", "a:ta g", "https://a.b/c", "a.b/C",
        "a@sha256:12", "a@md5:" + "0" * 32, "a@" + DIGEST.upper(), "../a", "a/../b", "a b",
        "a\n", "a:b\n", "a:\u0661", "-a", "a-", "a.b/" + "x" * 260, "a:" + "t" * 129,
        "me:pw@host/app", "a.b:99999999/c", "a..b/c:d", "a\x1b[2J",
    ],
)  # fmt: skip
def test_what_breaks_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Reference.parse(text)
    assert caught.value.hint
    assert "\x1b" not in caught.value.message


def test_tag_and_digest_may_stand_together() -> None:
    reference = Reference.parse(f"a.b/c:t@{DIGEST}")
    assert str(reference) == f"a.b/c:t@{DIGEST}"
    assert reference.identifier == DIGEST
    assert reference.with_tag("x") == Reference("a.b", "c", "x")
    assert reference.with_digest(Digest.parse(DIGEST)).tag is None


def test_without_tag_and_digest_latest_is_asked_for() -> None:
    assert Reference.parse("a.b/c").identifier == "latest"


@table("text", ["a", "a-b", "a__b", "a.b", "0"])
def test_path_components(text: str) -> None:
    assert is_path_component(text)


@table("text", ["", "a/b", "A", "-a", "a-", "a___b", "..", "a\n", "ä"])
def test_an_invalid_path_component_is_refused(text: str) -> None:
    assert not is_path_component(text)


def test_tags() -> None:
    assert is_tag("v1.0_x-Y")
    assert not any(is_tag(text) for text in ("", ".a", "-a", "a/b", "a" * 129, "a\n", "\u0661"))


def test_an_invalid_name_is_shown_as_it_was_given() -> None:
    with pytest.raises(ValidationError, match=r"^'foo bar' is not a valid image reference"):
        Reference.parse("foo bar")
