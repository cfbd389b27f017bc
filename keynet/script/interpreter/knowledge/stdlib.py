"""Functions of the standard library.

Only what depends on nothing but its arguments is computed. What depends on the machine is
unknown, with that as the reason.
"""

from collections.abc import Mapping
from typing import Final, cast

from keynet.script.interpreter.definitions import Class, Container, Function, Instance
from keynet.script.interpreter.evaluation.coroutines import ASYNCHRONOUS
from keynet.script.interpreter.evaluation.iterators import delayed, drive
from keynet.script.interpreter.knowledge.classes import make_enum
from keynet.script.interpreter.knowledge.constants import machine_handlers
from keynet.script.interpreter.knowledge.exit_stacks import EXIT_STACKS
from keynet.script.interpreter.knowledge.module_folders import LISTINGS
from keynet.script.interpreter.knowledge.pure_functions import PURE_FUNCTIONS
from keynet.script.interpreter.knowledge.reflection import REFLECTION
from keynet.script.interpreter.machine import Handler, Machine, Native
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    BoundMethod,
    Descriptor,
    External,
    Iterator,
    Partial,
    SetValue,
    Take,
    Unknown,
    Value,
    is_constant,
    kind_of,
)
from keynet.text import _, fill

__all__ = ["STDLIB"]


class Automatic(Instance):
    """What ``enum.auto()`` returns until its class is made."""

    def native(self, name: str) -> Value:
        """Mark the object as ``auto()``."""
        return True if name == "auto" else MISSING


def _first(run: Machine, given: Arguments) -> Value:
    return given.get("", 0, UNKNOWN)


def _identity_decorator(run: Machine, given: Arguments) -> Value:
    """Return what is decorated, by a decorator with or without arguments."""
    if given.positional and isinstance(given.positional[0], (Function, Class)):
        return given.positional[0]
    return Native("decorator", _first)


def _cached(run: Machine, given: Arguments) -> Value:
    """Follow ``functools.cache`` and ``lru_cache``, with or without arguments."""
    function = given.get("user_function", 0)
    if not isinstance(function, Function):
        bare = function is MISSING or is_constant(function)
        return Native("decorator", _cached) if bare else function
    function.results = {}
    run.fresh(function.results)
    return function


def _partial(run: Machine, given: Arguments) -> Value:
    if not given.positional:
        return UNKNOWN
    return Partial(given.positional[0], given.after(1))


def _dispatching(run: Machine, given: Arguments) -> Value:
    """Follow ``functools.singledispatch``: which of its functions a call takes is unknown."""
    function = given.get("func", 0)

    def dispatch(run: Machine, inner: Arguments) -> Value:
        with run.uncertain():
            run.call(function, inner)
        return UNKNOWN

    return Native("singledispatch", dispatch)


def _run_code(name: str) -> Handler:
    """Return what stands for a function that runs code which is not read."""

    def run_code(run: Machine, given: Arguments) -> Value:
        # It may register something, too.
        run.unseen_imports = True
        text = _("{function}() runs code that is not read: arguments may be missing.")
        run.note(given.line, fill(text, function=name), given.file)
        return UNKNOWN

    return run_code


def _queue(run: Machine, given: Arguments) -> Value:
    """Follow ``collections.deque``: a list without a greatest length."""
    if given.get("maxlen", 1, None) is not None:
        return Unknown("list")
    return run.call(External("builtins.list"), given)


def _wraps(run: Machine, given: Arguments) -> Value:
    wrapped = given.get("wrapped", 0)

    def wrap(run: Machine, inner: Arguments) -> Value:
        return _update_wrapper(run, Arguments((inner.get("", 0, UNKNOWN), wrapped)))

    return Native("wraps", wrap)


def _update_wrapper(run: Machine, given: Arguments) -> Value:
    wrapper, wrapped = given.get("wrapper", 0), given.get("wrapped", 1)
    if isinstance(wrapper, Function) and isinstance(wrapped, Function):
        wrapper.attributes.update(wrapped.attributes)
        wrapper.attributes["__wrapped__"] = wrapped
        wrapper.attributes["__name__"] = run.attribute(wrapped, "__name__")
        wrapper.attributes["__doc__"] = run.attribute(wrapped, "__doc__")
    return wrapper


def _copy(run: Machine, given: Arguments) -> Value:
    value = given.get("x", 0)
    if isinstance(value, (list, dict, SetValue)) and run.spoiled(value):
        return Unknown(kind_of(value))
    return run.fresh(_duplicate(run, value, 0))


def _shallow_copy(run: Machine, given: Arguments) -> Value:
    value = given.get("x", 0)
    if isinstance(value, (list, dict, SetValue)):
        if run.spoiled(value):
            return Unknown(kind_of(value))
        if isinstance(value, SetValue):
            return run.fresh(SetValue(dict(value.items)))
        return run.fresh(value.copy())
    if isinstance(value, Container):
        items = _shallow_copy(run, Arguments((value.items,)))
        return run.fresh(_container(run, value, items, dict(value.attributes)))
    if isinstance(value, Instance) and type(value) is Instance:
        return run.fresh(Instance(value.cls, dict(value.attributes), run.region))
    return value


def _container(
    run: Machine, value: Container, items: Value, attributes: dict[str, Value]
) -> Container:
    made = Container(value.cls, items)
    made.region = run.region
    # Of one that is its own __dict__, the copy is, too.
    same = value.attributes is value.items and isinstance(items, dict)
    made.attributes = cast("dict[str, Value]", items) if same else attributes
    return made


def _duplicate(run: Machine, value: Value, depth: int) -> Value:  # noqa: PLR0911
    run.limits.spend(1)
    if depth > 8:
        return UNKNOWN
    if isinstance(value, list):
        return [_duplicate(run, item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {key: _duplicate(run, item, depth + 1) for key, item in value.items()}
    if isinstance(value, SetValue):
        return SetValue(dict(value.items))
    if isinstance(value, Container):
        items = _duplicate(run, value.items, depth + 1)
        return _container(run, value, items, dict(value.attributes))
    if isinstance(value, Instance) and type(value) is Instance:
        attributes = {k: _duplicate(run, v, depth + 1) for k, v in value.attributes.items()}
        return Instance(value.cls, attributes, run.region)
    return value


def _namespace(run: Machine, given: Arguments) -> Value:
    return Instance(None, dict(given.keywords), run.region)


def _default_dict(run: Machine, given: Arguments) -> Value:
    made = run.call(External("builtins.dict"), given.after(1))
    if given.get("", 0, None) is not None:
        # Access to a missing key adds it, which is not followed.
        run.spoil(made)
    return made


def _from_keys(run: Machine, given: Arguments) -> Value:
    keys = run.iterate(given.get("", 0))
    if keys is None or not all(is_constant(key) for key in keys):
        return UNKNOWN
    return run.fresh(dict.fromkeys(keys, given.get("", 1, None)))


def _chain(run: Machine, given: Arguments) -> Value:
    result: list[Value] = []
    for part in given.positional:
        items = run.iterate(part)
        if items is None:
            return Unknown("list")
        result.extend(items)
    return run.fresh(result) if len(result) < 4096 else Unknown("list")


def _chained(run: Machine, given: Arguments) -> Value:
    def parts(take: Take) -> None:
        for part in given.positional:
            drive(run, part, take)

    made = delayed(_chain)(run, given)
    if isinstance(made, Iterator) and not given.open:
        made.drive = parts
    return made


def _chain_of(run: Machine, given: Arguments) -> Value:
    parts = run.iterate(given.get("", 0))
    return Unknown("list") if parts is None else _chain(run, Arguments(tuple(parts)))


def _product(run: Machine, given: Arguments) -> Value:
    rows: list[tuple[Value, ...]] = [()]
    for part in given.positional:
        items = run.iterate(part)
        if items is None or len(items) * len(rows) > 4096:
            return Unknown("list")
        rows = [(*row, item) for row in rows for item in items]
    run.limits.spend(len(rows))
    return Unknown("list") if given.keywords else run.fresh(list(rows))


def _import_module(run: Machine, given: Arguments) -> Value:
    name, package = given.get("name", 0), given.get("package", 1, None)
    if isinstance(name, str) and name.startswith(".") and isinstance(package, str):
        name = package + name if not name.startswith("..") else UNKNOWN
    if not isinstance(name, str):
        run.unseen_imports = True
        return UNKNOWN
    # A module that is imported on a condition is rarely worth reading.
    return run.import_name(name) if not run.region else UNKNOWN


def _run_file(run: Machine, given: Arguments) -> Value:
    """Follow what runs a file that is found when the script runs."""
    run.unseen_imports = True
    return UNKNOWN


def _shuffle(run: Machine, given: Arguments) -> Value:
    run.spoil(given.get("", 0))
    return None


def _call_now(run: Machine, given: Arguments) -> Value:
    function = given.get("main", 0)
    if isinstance(function, Function):
        return run.call(function, Arguments((), {}, given.open, given.line, given.file))
    return _first(run, given)


def _method_type(run: Machine, given: Arguments) -> Value:
    return BoundMethod(given.get("", 0, UNKNOWN), given.get("", 1, UNKNOWN))


STDLIB: Final[Mapping[str, Handler]] = {
    **machine_handlers(),
    **LISTINGS,
    **REFLECTION,
    **PURE_FUNCTIONS,
    **ASYNCHRONOUS,
    **EXIT_STACKS,
    "enum.auto": lambda run, given: Automatic(),
    "functools.partial": _partial,
    "functools.wraps": _wraps,
    "functools.update_wrapper": _update_wrapper,
    "functools.singledispatch": _dispatching,
    "functools.singledispatchmethod": _dispatching,
    "functools.cache": _cached,
    "functools.cached_property": lambda run, given: Descriptor(
        "cached_property", given.get("func", 0)
    ),
    "functools.lru_cache": _cached,
    "contextlib.contextmanager": _identity_decorator,
    "dataclasses.dataclass": _identity_decorator,
    "copy.copy": _shallow_copy,
    "copy.deepcopy": _copy,
    "argparse.FileType": lambda run, given: External("argparse.FileType.opener"),
    "argparse.Namespace": _namespace,
    "types.SimpleNamespace": _namespace,
    "collections.OrderedDict": lambda run, given: run.call(External("builtins.dict"), given),
    "collections.defaultdict": _default_dict,
    "collections.deque": _queue,
    "builtins.dict.fromkeys": _from_keys,
    "itertools.chain": _chained,
    "itertools.chain.from_iterable": delayed(_chain_of),
    "itertools.product": _product,
    "importlib.import_module": _import_module,
    "importlib.util.spec_from_file_location": _run_file,
    "random.shuffle": _shuffle,
    "atexit.register": _first,
    "sys.exit": _first,
    "builtins.exec": _run_code("exec"),
    "runpy.run_module": _run_code("run_module"),
    "runpy.run_path": _run_code("run_path"),
    "builtins.exit": _first,
    "builtins.quit": _first,
    "platform.system": lambda run, given: "Linux",
    "types.MethodType": _method_type,
    **{f"enum.{name}": make_enum for name in ("Enum", "Flag", "IntEnum", "IntFlag", "StrEnum")},
    "typing.cast": lambda run, given: given.get("", 1, UNKNOWN),
    "absl.app.run": _call_now,
}  # fmt: skip
