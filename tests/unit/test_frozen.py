"""Values behave as the standard library's frozen dataclasses do."""

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from keynet.frozen import frozen
from tests.tables import table


def _made_by(decorate: Callable[[type], type]) -> dict[str, Any]:
    """Return the same classes, made by one decorator."""

    @decorate
    class Point:
        """Two numbers."""

        x: int
        y: int = 0
        kind: ClassVar[str] = "point"

    class Named(Point):
        """With parameters that are named as what an initializer needs."""

        _missing: str = "m"
        _set_0: list[int] = field(default_factory=list, hash=False)
        _default_1: str = field(default="d", repr=False)
        make: int = field(default=5, compare=False)
        late: int = field(default=6, kw_only=True)
        kept: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)
        fixed: int = field(default=7, init=False)

    class Checked:
        """Refuses and changes what it is given."""

        text: str

        def __post_init__(self) -> None:
            if not self.text:
                raise ValueError("empty")
            object.__setattr__(self, "text", self.text.upper())

    class Own:  # noqa: PLW1641 - made by the decorator
        """With methods of its own."""

        name: str
        seen: int = 0

        def __eq__(self, other: object) -> bool:
            return isinstance(other, type(self)) and other.name == self.name

        def __repr__(self) -> str:
            return "own"

    class Nothing:
        """Without fields."""

    class Undocumented:
        given: int

    classes: list[Any] = [Named, Checked, Own, Nothing, Undocumented]
    return {"Point": Point} | {each.__name__: decorate(each) for each in classes}


STANDARD = _made_by(dataclass(frozen=True, slots=True))
OURS = _made_by(frozen)

ARGUMENTS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Point", (1,), {}),
    ("Point", (1, 2), {}),
    ("Point", (), {"y": 2, "x": 1}),
    ("Named", (1,), {}),
    ("Named", (1, 2, "z", [3], "e", 9), {"late": 8}),
    ("Named", (1,), {"_set_0": [], "make": 0}),
    ("Checked", ("word",), {}),
    ("Own", ("a", 3), {}),
    ("Nothing", (), {}),
    ("Undocumented", (3,), {}),
]


@table(("name", "given", "named"), ARGUMENTS)
def test_instances_are_those_of_a_frozen_dataclass(
    name: str, given: tuple[Any, ...], named: Mapping[str, Any]
) -> None:
    ours, standard = OURS[name](*given, **named), STANDARD[name](*given, **named)
    assert repr(ours) == repr(standard)
    assert dataclasses.asdict(ours) == dataclasses.asdict(standard)
    assert hash(ours) == hash(OURS[name](*given, **named))
    assert ours == OURS[name](*given, **named)
    assert ours != standard
    for copied in (copy.copy(ours), copy.deepcopy(ours), dataclasses.replace(ours)):
        assert copied == ours


def test_what_is_left_out_of_a_comparison_counts_in_none() -> None:
    named = OURS["Named"]
    assert named(1, make=1) == named(1, make=2)
    assert named(1) != named(2)
    assert named(1) != named(1, late=0)
    assert hash(named(1, _set_0=[1])) == hash(named(1, _set_0=[2]))


def test_each_instance_has_default_objects_of_its_own() -> None:
    one, other = OURS["Named"](1), OURS["Named"](1)
    assert one._set_0 is not other._set_0
    assert one.kept is not other.kept


@table(
    ("name", "given", "named"),
    [
        ("Point", (), {}),
        ("Point", (1, 2, 3), {}),
        ("Point", (1,), {"z": 2}),
        ("Named", (1, 2, "z", [3], "e", 9, 8), {}),
        ("Named", (1,), {"fixed": 2}),
    ],
)
def test_wrong_arguments_are_refused_in_the_same_words(
    name: str, given: tuple[Any, ...], named: Mapping[str, Any]
) -> None:
    with pytest.raises(TypeError) as standard:
        STANDARD[name](*given, **named)
    with pytest.raises(TypeError) as ours:
        OURS[name](*given, **named)
    assert str(ours.value) == str(standard.value)


def test_a_check_of_the_class_refuses() -> None:
    with pytest.raises(ValueError, match="empty"):
        OURS["Checked"]("")


@pytest.mark.parametrize("name", ["x", "other"])
def test_nothing_is_set_or_deleted(name: str) -> None:
    point = OURS["Point"](1)
    with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot assign to field '{name}'"):
        setattr(point, name, 2)
    with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot delete field '{name}'"):
        delattr(point, name)
    assert point == OURS["Point"](1)
    assert not hasattr(point, "__dict__")


@table("name", OURS)
def test_a_class_shows_its_fields_and_signature(name: str) -> None:
    # Of classes of which no instance has been made.
    ours = _made_by(frozen)[name]
    assert [each.name for each in dataclasses.fields(ours)] == [
        each.name for each in dataclasses.fields(STANDARD[name])
    ]
    assert ours.__match_args__ == STANDARD[name].__match_args__
    shown, wanted = inspect.signature(ours), inspect.signature(STANDARD[name])
    assert list(shown.parameters) == list(wanted.parameters)
    for parameter, other in zip(shown.parameters.values(), wanted.parameters.values(), strict=True):
        assert (parameter.kind, parameter.annotation) == (other.kind, other.annotation)


@frozen
class Kept:
    """Of this module, so that it can be pickled."""

    name: str
    inner: tuple["Kept", ...] = ()


def test_values_are_pickled_and_matched() -> None:
    kept = Kept("a", (Kept("b"),))
    assert pickle.loads(pickle.dumps(kept)) == kept
    match kept:
        case Kept(name, (Kept(inner),)):
            assert (name, inner) == ("a", "b")
        case _:
            pytest.fail("a value does not match its class")


def test_a_subclass_that_is_no_value_starts_as_its_base_does() -> None:
    class More(Kept):
        def __init__(self) -> None:
            super().__init__("more")

    assert More().name == "more"


def test_without_comparison_an_instance_equals_only_itself() -> None:
    @frozen(eq=False)
    class Named:
        name: str
        parts: tuple[str, ...] = ()

    one, other = Named("a"), Named("a")
    assert one != other
    assert len({one, other, one}) == 2
    assert repr(one).endswith("Named(name='a', parts=())")
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.name = "b"  # type: ignore[misc]
