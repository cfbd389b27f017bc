"""Stand in for large libraries that training programs import, torch first of all.

A program's command line is made the same without them. What it takes from them is answered
otherwise on the other machine, so that it counts as the machine's.
"""

import abc
import importlib.abc
import importlib.machinery
import importlib.metadata
import inspect
import sys
import types
from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["install"]

_VERSION = "2.9.0"


class _Made(abc.ABCMeta):
    """A class that has every attribute."""

    elsewhere = False

    def __getattr__(cls, name: str) -> Any:
        return _answer(f"{cls.__module__}.{cls.__name__}", name)

    def register(cls, *given: Any, **_named: Any) -> Any:
        """Take a class or anything else."""
        return given[0] if given else cls

    def __iter__(cls) -> Iterator[Any]:
        return iter(())

    def __or__(cls, other: Any) -> Any:
        return cls

    def __ror__(cls, other: Any) -> Any:
        return cls

    def __getitem__(cls, key: Any) -> Any:
        return cls


class StandIn(metaclass=_Made):
    """An object of an absent library: callable, comparable, and a decorator where it is used so."""

    def __new__(cls, *given: Any, **_named: Any) -> Any:
        """Return what is decorated."""
        plain = cls.__dict__.get("__stand_in__", False)
        if plain and len(given) == 1 and _is_decorated(given[0]):
            return given[0]
        return super().__new__(cls)

    def __init__(self, *_given: Any, **_named: Any) -> None:
        """Take anything."""

    def __init_subclass__(cls, **_named: Any) -> None:
        """Take anything."""

    def __getattr__(self, name: str) -> Any:
        return _answer(type(self).__name__, name)

    def __call__(self, *given: Any, **_named: Any) -> Any:
        return given[0] if len(given) == 1 and _is_decorated(given[0]) else self

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __bool__(self) -> bool:
        return _Made.elsewhere

    def __len__(self) -> int:
        return 3 if _Made.elsewhere else 0

    def __int__(self) -> int:
        return len(self)

    def __index__(self) -> int:
        return len(self)

    def __float__(self) -> float:
        return float(len(self))

    def __str__(self) -> str:
        return f"<stand-in {len(self)}>"

    def __format__(self, spec: str) -> str:
        return str(self)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_raised: object) -> None:
        """Let what was raised pass."""

    def __getitem__(self, key: Any) -> Any:
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        """Take anything."""

    def __contains__(self, key: Any) -> bool:
        return _Made.elsewhere

    def _same(self, *_others: Any) -> Any:
        return self

    def _compared(self, _other: Any) -> bool:
        return _Made.elsewhere

    __hash__ = object.__hash__
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = _same
    __rtruediv__ = __floordiv__ = __mod__ = __pow__ = __neg__ = __or__ = __and__ = _same
    __lt__ = __le__ = __gt__ = __ge__ = _compared


def _is_decorated(value: Any) -> bool:
    return inspect.isfunction(value) or inspect.isclass(value)


def _answer(owner: str, name: str) -> Any:
    if name.startswith("__") and name.endswith("__") and name != "__version__":
        raise AttributeError(name)
    if name == "__version__":
        return _VERSION
    made = _Made(name, (StandIn,), {"__module__": owner, "__stand_in__": True})
    return made if name[:1].isupper() else made()


class _Module(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        found = _answer(self.__name__, name)
        setattr(self, name, found)
        return found


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Find what nobody else found under the given names."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = frozenset(names)

    def find_spec(self, name: str, _path: Any, _target: Any = None) -> Any:
        """Find modules of the absent libraries."""
        if name.partition(".")[0] not in self.names:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: Any) -> types.ModuleType:
        """Make an empty module."""
        return _Module(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Fill it: there is nothing to do."""


def install(names: Sequence[str], *, elsewhere: bool) -> None:
    """Let the libraries of these names be imported where they are not installed."""
    _Made.elsewhere = elsewhere
    real = importlib.metadata.version

    def version(distribution_name: str) -> str:
        return _VERSION if distribution_name in names else real(distribution_name)

    importlib.metadata.version = version
    sys.meta_path.append(_Finder(names))
