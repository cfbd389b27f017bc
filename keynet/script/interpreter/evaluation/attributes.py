"""Evaluate ``value.name`` for each kind of value."""

import ast
from typing import Final, cast

from keynet.script.files.bodies import docstring
from keynet.script.interpreter.definitions import (
    Class,
    Container,
    EnumMember,
    Function,
    Instance,
    Module,
    Scope,
    Super,
)
from keynet.script.interpreter.evaluation import methods
from keynet.script.interpreter.evaluation.path_methods import path_attribute
from keynet.script.interpreter.knowledge.constants import constant
from keynet.script.interpreter.lineage import class_member, outside_bases
from keynet.script.interpreter.machine import Machine, Native, Young
from keynet.script.interpreter.names import is_data, names_of, through_stars
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    BoundMethod,
    Descriptor,
    External,
    Generic,
    Imported,
    OneOf,
    Partial,
    PathValue,
    SetValue,
    Unknown,
    Value,
    join,
    join_all,
)

__all__ = [
    "OF_OBJECT",
    "attribute",
    "bound",
    "plain_attribute",
]

# What every object has to set and delete attributes, and to return them.
OF_OBJECT: Final = frozenset(["__delattr__", "__getattribute__", "__setattr__"])
_OF_CONTAINERS: Final = ("builtins.dict.", "builtins.list.", "builtins.object.")
_LONGEST_NAME: Final = 300


def attribute(run: Machine, value: Value, name: str) -> Value:  # noqa: PLR0911, PLR0912
    """Return an attribute, Unknown when the object is not known to have it."""
    match value:
        case External():
            dotted = f"{value.name}.{name}"
            if name == "__name__" and value.name.startswith("builtins."):
                return value.name.removeprefix("builtins.")
            return constant(dotted) if len(dotted) <= _LONGEST_NAME else UNKNOWN
        case Instance():
            return _of_instance(run, value, name)
        case Module():
            return _of_module(run, value, name)
        case Class():
            return _of_class(run, value, name)
        case OneOf():
            return _of_alternatives(run, value, name)
        case Function():
            return _of_function(run, value, name)
        case Super():
            return _of_super(run, value, name)
        case EnumMember():
            return _of_member(run, value, name)
        case PathValue():
            return path_attribute(value, name)
        case Unknown():
            if name == "run_until_complete":
                # That of an event loop, whatever made it.
                return External("asyncio.event_loop.run_until_complete")
            return Unknown(why=value.why)
        case Generic(name="typing.Annotated" | "typing_extensions.Annotated"):
            return attribute(run, value.arguments[0], name) if value.arguments else UNKNOWN
        case Partial() if name == "func":
            return value.function
        case BoundMethod() if name == "__self__":
            return value.receiver
        case BoundMethod() if isinstance(value.function, Function):
            return _of_function(run, value.function, name)
        case Descriptor():
            return attribute(run, value.function, name)
        case str() | list() | tuple() | dict() | SetValue() | int() | float() | bytes():
            return methods.method(value, name)
    return UNKNOWN


def _of_alternatives(run: Machine, value: OneOf, name: str) -> Value:
    # A comprehension would take one more frame of Python's stack.
    found: list[Value] = []
    for item in value.values:
        if item is not None:
            found.append(attribute(run, item, name))
    return join_all(found)


def _of_module(run: Machine, module: Module, name: str) -> Value:
    scope = run.load(module)
    if scope is not None and name == "__dict__" and not module.stars:
        return names_of(run, scope)
    if scope is not None and name in scope.names:
        value = scope.names[name]
        if isinstance(value, Imported):
            if value.module is module and value.name == name:
                # ``from package import module`` inside the package itself.
                value = run.submodule(module, name) or UNKNOWN
            else:
                value = run.resolve(value)
            scope.names[name] = value
        return value
    inner = run.submodule(module, name)
    if inner is not None:
        return inner
    value = through_stars(run, module.stars, name) if module.stars else UNKNOWN
    if not isinstance(value, Unknown):
        return value
    if module.hints:
        return _hinted(run, module, name)
    return UNKNOWN


def _hinted(run: Machine, module: Module, name: str) -> Value:
    """Return what a lazily imported name is, as its ``if TYPE_CHECKING:`` block says."""
    if isinstance(module.hints, list):
        scope = Scope(module, None, {}, "module")
        blocks, module.hints = module.hints, {}
        for block in blocks:
            imports = (ast.Import, ast.ImportFrom)
            run.execute([one for one in block if isinstance(one, imports)], scope)
        module.hints = scope.names
    value = module.hints.get(name, UNKNOWN)
    return run.resolve(value) if isinstance(value, Imported) else value


def _of_instance(run: Machine, instance: Instance, name: str) -> Value:
    if run.intercepted and instance.cls is not None:
        getter = class_member(instance.cls, "__getattribute__")
        if getter is not MISSING:
            found = run.call(bound(run, getter, instance, instance.cls), Arguments((name,)))
            behind = plain_attribute(run, instance, name)
            # Methods are rarely replaced by others.
            methods = isinstance(behind, BoundMethod) and isinstance(found, Unknown)
            return behind if methods else found
    return plain_attribute(run, instance, name)


def plain_attribute(run: Machine, instance: Instance, name: str) -> Value:  # noqa: PLR0911
    """Return an attribute of an object without calling its ``__getattribute__``."""
    if name in instance.attributes:
        return _perhaps(run, instance, instance.attributes[name])
    if instance.cls is not None:
        value = class_member(instance.cls, name)
        if value is not MISSING:
            return _perhaps(run, instance, bound(run, value, instance, instance.cls))
    value = instance.native(name)
    if value is not MISSING:
        run.declarations += 1
        return value
    if isinstance(instance, Container):
        found = methods.method(instance.items, name)
        if not isinstance(found, Unknown):
            return found
    if name == "__class__" and instance.cls is not None:
        return instance.cls
    if name in ("_asdict", "_replace") and instance.cls is not None:
        called = {"_asdict": "asdict", "_replace": "replace"}[name]
        return BoundMethod(External(f"dataclasses.{called}"), instance)
    if name in ("_field_defaults", "_fields") and instance.cls is not None:
        return _of_class(run, instance.cls, name)
    if name == "__dict__":
        return _as_dict(run, instance)
    getter = MISSING if instance.cls is None else class_member(instance.cls, "__getattr__")
    if instance.cls is not None and getter is not MISSING:
        return run.call(bound(run, getter, instance, instance.cls), Arguments((name,)))
    return UNKNOWN


def _perhaps(run: Machine, instance: Instance, value: Value) -> Value:
    """Return what an object had, and may have no more where all may have changed."""
    if run.spoiled(instance.attributes) and is_data(value):
        return join(value, UNKNOWN)
    return value


def _as_dict(run: Machine, instance: Instance) -> Value:
    """Return ``__dict__``: what is changed in it is changed in the object."""
    names = cast("dict[Value, Value]", instance.attributes)
    run.mirrors[id(names)] = names, instance
    young = run.young.get(id(instance))
    if young is not None:
        run.young[id(names)] = Young(names, young.region, young.frame, young.time)
    return names


def bound(run: Machine, value: Value, receiver: Value, cls: Class) -> Value:  # noqa: PLR0911
    """Return what a member of a class is where it is asked of an object."""
    if isinstance(value, (Function, Partial)):
        return BoundMethod(value, receiver)
    if isinstance(value, External) and value.name.startswith(_OF_CONTAINERS):
        return BoundMethod(value, receiver)
    if isinstance(value, Descriptor):
        if value.kind == "classmethod":
            return BoundMethod(value.function, cls)
        if value.kind in ("property", "cached_property"):
            made = run.call(BoundMethod(value.function, receiver), Arguments())
            if value.kind == "cached_property" and isinstance(receiver, Instance):
                _keep(run, value.function, receiver, made)
            return made
        return value.function
    if isinstance(value, OneOf):
        parts = [bound(run, item, receiver, cls) for item in value.values]
        return OneOf(tuple(parts))
    if isinstance(value, Instance) and value.native("default") is not MISSING:
        return value.native("default")
    return _described(run, value, receiver, cls)


def _described(run: Machine, value: Value, receiver: Value, cls: Class) -> Value:
    """Return what the ``__get__`` of a descriptor of the project returns, else the value itself."""
    owner = value.cls if isinstance(value, Instance) else None
    getter = MISSING if owner is None else class_member(owner, "__get__")
    if owner is None or getter is MISSING:
        return value
    return run.call(bound(run, getter, value, owner), Arguments((receiver, cls)))


def _keep(run: Machine, function: Value, receiver: Instance, made: Value) -> None:
    """Keep what a ``cached_property`` has returned, unless that is uncertain."""
    if isinstance(function, Function) and run.sure_for(receiver):
        run.kept_by(made, receiver)
        receiver.attributes[function.name] = made


def _of_class(run: Machine, cls: Class, name: str) -> Value:  # noqa: PLR0911, PLR0912
    value = class_member(cls, name)
    if isinstance(value, Descriptor):
        if value.kind == "classmethod":
            return BoundMethod(value.function, cls)
        return value.function if value.kind == "staticmethod" else value
    if value is not MISSING:
        return _described(run, value, None, cls)
    if name in ("__name__", "__qualname__"):
        return cls.name
    if name == "__doc__":
        return ast.get_docstring(cls.node, clean=False)
    if name == "__annotations__":
        return run.call(External("inspect.get_annotations"), Arguments((cls,)))
    if name == "__dataclass_fields__":
        fields = run.iterate(run.call(External("dataclasses.fields"), Arguments((cls,))))
        return run.fresh({run.attribute(field, "name"): field for field in fields or ()})
    if name in ("_field_defaults", "_fields", "__attrs_attrs__"):
        return run.call(External(f"keynet.{name}"), Arguments((cls,)))
    if name == "__subclasses__":
        return Native(name, lambda run, _given: _derived(run, cls))
    if name == "__members__":
        return run.fresh({k: v for k, v in cls.namespace.items() if isinstance(v, EnumMember)})
    if name == "__module__":
        return cls.scope.names.get("__name__", UNKNOWN)
    if name == "__dict__":
        return run.fresh(dict(cls.namespace))
    for base in outside_bases(cls):
        native_class = run.native_class(base)
        if native_class is not None:
            own: Value = MISSING
            if native_class.attribute is not None:
                own = native_class.attribute(run, cls, name)
                run.declarations += own is not MISSING
            return External(f"{base}.{name}") if own is MISSING else own
    return UNKNOWN


def _derived(run: Machine, cls: Class) -> Value:
    """Return the classes that derive from a class, once every module that may is read."""
    run.fill_registry(cls.derived)
    return run.fresh(list(cls.derived)) if not run.spoiled(cls.derived) else Unknown("list")


def _of_function(run: Machine, function: Function, name: str) -> Value:  # noqa: PLR0911
    if name in function.attributes:
        return function.attributes[name]
    if name == "__annotations__":
        return run.call(External("inspect.get_annotations"), Arguments((function,)))
    if name == "__kwdefaults__":
        return run.fresh(dict(function.keyword_defaults))
    if name == "__code__":
        return run.call(External("keynet.code"), Arguments((function,)))
    if name in ("__name__", "__qualname__"):
        return function.name
    if name == "__doc__" and not isinstance(function.node, ast.Lambda):
        return docstring(function.node, clean=False)
    if name == "__defaults__":
        return function.defaults
    return UNKNOWN


def _of_super(run: Machine, value: Super, name: str) -> Value:
    receiver = value.receiver
    cls = receiver.cls if isinstance(receiver, Instance) else receiver
    if not isinstance(cls, Class):
        return UNKNOWN
    found = class_member(cls, name, value.owner)
    if found is not MISSING:
        return bound(run, found, receiver, cls)
    if isinstance(receiver, Instance):
        native = receiver.native(name)
        if native is not MISSING:
            return native
    if name in OF_OBJECT:
        return BoundMethod(External(f"builtins.object.{name}"), receiver)
    if isinstance(receiver, Container):
        return methods.method(receiver.items, name)
    return Native("object", lambda _run, _arguments: UNKNOWN) if name == "__init__" else UNKNOWN


def _of_member(run: Machine, member: EnumMember, name: str) -> Value:
    if name in ("value", "_value_"):
        return member.value
    if name in ("name", "_name_"):
        return member.name
    value = class_member(member.cls, name)
    if value is not MISSING:
        return bound(run, value, member, member.cls)
    if isinstance(member.value, (str, int, float)):
        return methods.method(member.value, name)
    return UNKNOWN
