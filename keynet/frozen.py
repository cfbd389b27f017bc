"""The decorator of keynet's values: frozen dataclasses that cost little at import.

The standard library writes six methods of a frozen dataclass as source and compiles them when the
class is made: 0.2 ms for each of more than two hundred classes, a quarter of what a push spends on
importing keynet. Here one method is compiled, ``__init__``, when the first instance is made; the
others need no source of their own.
"""

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any, NoReturn, TypeVar, dataclass_transform, overload

__all__ = ["frozen"]

_C = TypeVar("_C", bound=type)


@overload
def frozen(cls: _C) -> _C: ...


@overload
def frozen(*, eq: bool) -> Callable[[_C], _C]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def frozen(cls: Any = None, *, eq: bool = True) -> Any:
    """Make a class a dataclass, as ``dataclass(frozen=True, slots=True)`` does.

    ``dataclasses.fields``, ``replace``, ``asdict``, ``copy``, ``pickle``, ``match`` and
    ``inspect.signature`` work as with any other; ``InitVar`` does not.

    Args:
        eq: Compare the values of the fields; if not, each instance equals only itself.
    """
    return (lambda given: _made(given, eq)) if cls is None else _made(cls, eq)


def _made(cls: type, eq: bool) -> type:
    # Without a docstring, the signature would be made for one.
    cls.__doc__ = cls.__doc__ or cls.__name__
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    own = vars(made)
    methods: dict[str, Any] = {"__init__": _Initializer(made), "__repr__": _show}
    if eq:
        methods |= _comparison(made)
    for name, method in methods.items():
        # A class with an __eq__ of its own has __hash__ set to None.
        if own.get(name) is None:
            setattr(made, name, method)
    made.__setattr__ = _refuse_setting
    made.__delattr__ = _refuse_deleting
    made.__getstate__ = _state
    made.__setstate__ = _restore
    return made  # type: ignore[no-any-return]


class _Initializer:
    """Stands for ``__init__`` until the first access, which compiles it."""

    __slots__ = ("_cls",)

    def __init__(self, cls: type) -> None:
        self._cls = cls

    def __get__(self, instance: object, owner: type | None = None) -> Callable[..., None]:
        method: Any = _initializer(self._cls)
        self._cls.__init__ = method  # type: ignore[misc]
        bound: Callable[..., None] = method.__get__(instance, owner)
        return bound


def _initializer(cls: Any) -> Callable[..., None]:
    """Compile ``__init__``: a parameter for each field, then ``__post_init__`` if there is one."""
    fields = dataclasses.fields(cls)
    # Closed over by the method; the prefix keeps them apart from the fields' names.
    needed: dict[str, Any] = {"_frozen_missing": dataclasses.MISSING}
    positional: list[str] = []
    by_name: list[str] = []
    lines: list[str] = []
    for number, each in enumerate(fields):
        needed[f"_frozen_set_{number}"] = getattr(cls, each.name).__set__
        parameter = given = each.name
        if each.default_factory is not dataclasses.MISSING:
            needed[f"_frozen_make_{number}"] = each.default_factory
            parameter += "=_frozen_missing"
            given = f"_frozen_make_{number}() if {each.name} is _frozen_missing else {each.name}"
            if not each.init:
                given = f"_frozen_make_{number}()"
        elif each.default is not dataclasses.MISSING:
            needed[f"_frozen_default_{number}"] = each.default
            parameter += f"=_frozen_default_{number}"
            if not each.init:
                given = f"_frozen_default_{number}"
        if each.init:
            (by_name if each.kw_only else positional).append(parameter)
        lines.append(f"_frozen_set_{number}(self, {given})")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    parameters = ", ".join(["self", *positional, *(["*", *by_name] if by_name else [])])
    body = "; ".join(lines) or "pass"
    source = (
        f"def make({', '.join(needed)}):\n def __init__({parameters}): {body}\n return __init__"
    )
    scope: dict[str, Any] = {}
    exec(source, scope)  # noqa: S102 - of the names of fields, which are identifiers
    method: Any = scope["make"](**needed)
    method.__module__ = cls.__module__
    method.__qualname__ = f"{cls.__qualname__}.__init__"
    method.__annotations__ = {each.name: each.type for each in fields if each.init}
    return method  # type: ignore[no-any-return]


def _comparison(cls: Any) -> dict[str, Callable[..., Any]]:
    compared = dataclasses.fields(cls)
    equal = _getter([each.name for each in compared if each.compare])
    hashed = _getter(
        [each.name for each in compared if (each.compare if each.hash is None else each.hash)]
    )

    def is_equal(self: object, other: object) -> bool:
        same = other.__class__ is self.__class__
        return bool(equal(self) == equal(other)) if same else NotImplemented

    def hash_of(self: object) -> int:
        return hash(hashed(self))

    return {"__eq__": is_equal, "__hash__": hash_of}


def _getter(names: list[str]) -> Callable[[object], Any]:
    return attrgetter(*names) if names else lambda _instance: ()


@recursive_repr()
def _show(self: Any) -> str:
    shown = (
        f"{each.name}={getattr(self, each.name)!r}"
        for each in dataclasses.fields(self)
        if each.repr
    )
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _refuse_setting(self: object, name: str, given: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deleting(self: object, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, each.name) for each in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for each, given in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, each.name, given)
