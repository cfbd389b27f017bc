"""Two lists of hyperparameters compared."""

from typing import Any

from keynet.script.comparison import Change, compare
from tests.tables import table


def argument(name: str, **fields: Any) -> dict[str, Any]:
    plain = {"type": "str", "default": None, "required": False, "help": "", "choices": None}
    return {"name": name, **plain, **fields}


@table(
    ("field", "old", "new"),
    [
        ("type", "int", "float"),
        ("default", 0.1, 0.2),
        ("default", 1, True),
        ("default", 0, False),
        ("default", None, ""),
        ("default", [1, 2], [2, 1]),
        ("default", {"a": 1}, {"a": True}),
        ("required", False, True),
        ("choices", ["a"], ["a", "b"]),
        ("choices", None, ["a"]),
    ],
)
def test_a_changed_field_is_shown_with_both_values(field: str, old: Any, new: Any) -> None:
    result = compare([argument("x", **{field: old})], [argument("x", **{field: new})])
    assert result.changed == (Change("x", field, old, new),)
    assert not result.equal
    assert not result.added + result.removed


@table(
    ("field", "old", "new"),
    [
        ("help", "a", "b"),
        ("default", 1, 1.0),
        ("default", [1, 2], [1.0, 2.0]),
        ("choices", ["a", "b"], ["b", "a"]),
    ],
)
def test_what_a_user_cannot_feel_is_no_change(field: str, old: Any, new: Any) -> None:
    assert compare([argument("x", **{field: old})], [argument("x", **{field: new})]).equal


def test_arguments_of_one_side_keep_the_order_of_its_source() -> None:
    old = [argument("b"), argument("a"), argument("c")]
    new = [argument("z"), argument("c"), argument("y")]
    result = compare(old, new)
    assert [one["name"] for one in result.added] == ["z", "y"]
    assert [one["name"] for one in result.removed] == ["b", "a"]
    assert result.changed == ()


def test_the_order_of_arguments_does_not_count() -> None:
    one, other = argument("a"), argument("b", default=1)
    assert compare([one, other], [other, one]).equal


def test_the_json_form_groups_the_changes_of_one_argument() -> None:
    old = [argument("x", type="int", default=1)]
    result = compare(old, [argument("x", type="float", default=2)]).to_json()
    assert result["changed"] == [
        {"name": "x", "type": {"old": "int", "new": "float"}, "default": {"old": 1, "new": 2}}
    ]
    assert result["equal"] is False
