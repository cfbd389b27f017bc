"""Labels of containers and networks: written, read back, and refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from keynet.errors import InvalidRunSettings
from keynet.runtime.workspace.labels import IMAGE_LABELS, Labels
from tests.tables import table

MOMENT = datetime(2026, 11, 28, 9, 5, 7, 123456, tzinfo=UTC)


def test_labels_have_the_documented_names_and_an_rfc_3339_time() -> None:
    assert Labels(MOMENT, "w-1", "모델 학습").as_mapping() == {
        "keynet.managed": "true",
        "keynet.created": "2026-11-28T09:05:07Z",
        "keynet.workspace.id": "w-1",
        "keynet.workspace.name": "모델 학습",
    }


def test_a_time_of_another_zone_is_written_in_utc() -> None:
    seoul = datetime(2026, 11, 28, 18, 5, 7, tzinfo=timezone(timedelta(hours=9)))
    assert Labels(seoul).as_mapping()["keynet.created"] == "2026-11-28T09:05:07Z"


def test_labels_of_a_network_have_no_workspace() -> None:
    assert sorted(Labels(MOMENT).as_mapping()) == ["keynet.created", "keynet.managed"]


def test_images_carry_no_time() -> None:
    assert dict(IMAGE_LABELS) == {"keynet.managed": "true"}


def test_labels_are_read_back() -> None:
    labels = Labels(MOMENT.replace(microsecond=0), "w-1", "a=b, c")
    assert Labels.parse(labels.as_mapping()) == labels


@pytest.mark.parametrize("labels", [{}, {"keynet.managed": "false"}, {"a": "b"}])
def test_other_things_have_no_labels_of_keynet(labels: dict[str, str]) -> None:
    assert Labels.parse(labels) is None


@table(
    "created",
    ["", "yesterday", "2026-13-01T00:00:00Z", "2026-11-28", "0001-01-01T00:00:00+23:59"],
)
def test_a_broken_time_does_not_hide_what_keynet_has_made(created: str) -> None:
    found = Labels.parse({"keynet.managed": "true", "keynet.created": created})
    assert found is not None
    assert found.created.tzinfo is not None
    assert found.as_mapping()


@pytest.mark.parametrize("name", ["a\0b", "가" * 400, "\udcff"])
def test_a_name_that_no_engine_takes_is_refused(name: str) -> None:
    with pytest.raises(InvalidRunSettings, match=r"keynet\.workspace\.name"):
        Labels(MOMENT, "w-1", name)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidRunSettings, match="time zone"):
        Labels(datetime(2026, 11, 28))


def test_flags_are_one_argument_a_label() -> None:
    assert Labels(MOMENT, "-x", "a b").flags() == (
        "--label=keynet.managed=true",
        "--label=keynet.created=2026-11-28T09:05:07Z",
        "--label=keynet.workspace.id=-x",
        "--label=keynet.workspace.name=a b",
    )
