"""Names for images, containers and networks: safe for engines, different for all ids."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keynet.errors import InvalidRunSettings
from keynet.runtime.workspace.safe_names import (
    check_network_name,
    container_name,
    image_tag,
    new_id,
    safe_name,
)
from tests.tables import table

AWKWARD = [
    "",
    " ",
    "모델",
    "모델 학습",
    "ABC",
    "abc",
    "a" * 300,
    "a" * 299,
    "a..b",
    "-x",
    "x-",
    "../../etc",
    "a/b",
    "a:b",
    "a\nb",
    "a\0b",
    "\udcff",
    "\u00e9",
    "e\u0301",
]
UUID = "3f0c1c6e-2d5b-4c0e-9a57-0123456789ab"


@table("given_id", ["abc", "w-1", "a.b_c", UUID, "0"])
def test_a_safe_id_stays_as_it_is(given_id: str) -> None:
    assert image_tag(given_id) == f"keynet-workspace:{given_id}"
    assert container_name(given_id) == f"workspace_{given_id}"


@table("text", AWKWARD)
def test_every_text_gets_a_name_that_engines_take(text: str) -> None:
    name = safe_name(text)
    assert re.fullmatch(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*", name)
    # A container's name is a host name on its network, a tag has 128 characters at most.
    assert len(container_name(text)) <= 63
    assert re.fullmatch(r"keynet-workspace:[a-z0-9][a-z0-9._-]{0,127}", image_tag(text))


def test_two_ids_never_have_one_name() -> None:
    names = [safe_name(text) for text in [*AWKWARD, *map(safe_name, AWKWARD)]]
    # "abc" is the one whose name is itself.
    assert len(set(names)) == len(names) - 1


@pytest.mark.medium
@given(st.text(), st.text())
def test_names_are_equal_only_for_equal_texts(one: str, two: str) -> None:
    assert (safe_name(one) == safe_name(two)) == (one == two)
    assert safe_name(one) != safe_name(f"{safe_name(one)}x")


@pytest.mark.medium
@given(st.text())
def test_a_name_that_was_made_is_not_taken_for_another_text(text: str) -> None:
    made = safe_name(text)
    assert made == text or safe_name(made) != made


def test_what_can_be_read_stays_in_front_of_the_hash() -> None:
    assert safe_name("My Model v2").startswith("my-model-v2--")


def test_a_length_without_room_for_a_hash_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="no room"):
        safe_name("ABC", 10)


def test_new_ids_are_safe_and_differ() -> None:
    assert new_id() != new_id()
    assert safe_name(identity := new_id()) == identity


@pytest.mark.parametrize("name", ["keynet-network", "A.b_c-1", "x"])
def test_a_valid_network_name_is_taken(name: str) -> None:
    assert check_network_name(name) == name


@table("name", ["", "-x", "a b", "네트워크", "a/b", "a:b", "x" * 129, "a\n"])
def test_another_network_name_is_refused_with_its_place(name: str) -> None:
    with pytest.raises(InvalidRunSettings, match=r"^--network: "):
        check_network_name(name, "--network")
