import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keynet.errors import ValidationError
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.platform import Platform, choose
from keynet.oci.reference import Reference

COMPONENT = st.from_regex(r"[a-z0-9]+((\.|_|__|-{1,3})[a-z0-9]+){0,2}", fullmatch=True)
REPOSITORY = (
    st.lists(COMPONENT, min_size=1, max_size=4).map("/".join).filter(lambda name: len(name) < 200)
)
HOST = st.one_of(
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?\.[a-z]{2,6}", fullmatch=True),
    st.sampled_from(["localhost", "docker.io", "[::1]:5000", "127.0.0.1:80", "a:1", "HOST"]),
)
TAG = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", fullmatch=True)
DIGEST = st.one_of(
    st.binary(max_size=20).map(Digest.of),
    st.text("0123456789abcdef", min_size=128, max_size=128).map(lambda h: Digest("sha512", h)),
)


@st.composite
def references(draw: st.DrawFn) -> Reference:
    registry, repository = draw(HOST), draw(REPOSITORY)
    if registry == "docker.io" and "/" not in repository:
        repository = f"library/{repository}"
    tag, digest = draw(st.none() | TAG), draw(st.none() | DIGEST)
    return Reference(registry, repository, tag, digest)


@pytest.mark.slow
@given(references())
def test_references_round_trip(reference: Reference) -> None:
    assert Reference.parse(str(reference)) == reference


@pytest.mark.medium
@given(st.text(max_size=60))
def test_any_text_is_a_reference_or_refused_by_our_own_error(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except ValidationError:
        return
    assert Reference.parse(str(reference)) == reference
    assert not any(character.isspace() for character in str(reference))


@pytest.mark.medium
@given(DIGEST)
def test_digests_round_trip(digest: Digest) -> None:
    assert Digest.parse(str(digest)) == digest


@pytest.mark.medium
@given(st.text(max_size=100))
def test_any_text_is_a_digest_or_refused(text: str) -> None:
    try:
        digest = Digest.parse(text)
    except ValidationError:
        return
    assert str(digest) == text


NAME = st.from_regex(r"[A-Za-z0-9._-]{1,10}", fullmatch=True)
ARCHITECTURE = st.sampled_from(["amd64", "arm64", "arm", "aarch64", "armhf", "armel", "X86_64"])
VARIANT = st.sampled_from(["v1", "v6", "v7", "v8", "8", "V9", "v8.2", "", "v"])
PLATFORM = st.builds(Platform, NAME, NAME | ARCHITECTURE, st.none() | NAME | VARIANT)


@pytest.mark.medium
@given(PLATFORM)
def test_platforms_round_trip(platform: Platform) -> None:
    assert Platform.parse(str(platform)) == platform
    assert Platform(platform.os, platform.architecture, platform.variant) == platform
    assert platform.matches(platform)


@pytest.mark.slow
@given(PLATFORM, st.lists(PLATFORM))
def test_what_is_chosen_runs_there(wanted: Platform, offered: list[Platform]) -> None:
    chosen = choose(offered, wanted, lambda platform: platform)
    if wanted in offered:
        assert chosen == wanted
    elif chosen is None:
        assert not any(platform.matches(wanted) for platform in offered)
    else:
        assert chosen.matches(wanted)


@pytest.mark.medium
@given(
    st.builds(
        Descriptor,
        st.just("application/vnd.oci.image.manifest.v1+json"),
        DIGEST,
        st.integers(0, 2**43),
        st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=3),
        st.none() | st.just("a/b"),
        st.none() | PLATFORM,
    )
)
def test_descriptors_round_trip_through_the_wire_models(descriptor: Descriptor) -> None:
    from keynet.archive.json_documents import DescriptorModel

    document = json.dumps(descriptor.to_json())
    read = DescriptorModel.model_validate_json(document).value()
    assert read == descriptor
    assert dict(read.annotations) == dict(descriptor.annotations)
