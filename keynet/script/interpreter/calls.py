"""Follow calls: of functions, classes, bound methods and unknown callables."""

from typing import Final

from keynet.script.arguments import Note
from keynet.script.interpreter.branching.flow import merged, settle
from keynet.script.interpreter.branching.managers import inside
from keynet.script.interpreter.definitions import (
    Class,
    Container,
    EnumMember,
    Frame,
    Function,
    Instance,
    Scope,
)
from keynet.script.interpreter.evaluation.coroutines import coroutine, handed_over
from keynet.script.interpreter.evaluation.generators import is_coroutine, is_generator
from keynet.script.interpreter.evaluation.iterators import (
    LAZY,
    as_lists,
    content,
    later,
)
from keynet.script.interpreter.knowledge.records import set_fields
from keynet.script.interpreter.lineage import class_member, outside_bases
from keynet.script.interpreter.machine import Machine, Native, PerhapsFinished
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    BoundMethod,
    Descriptor,
    External,
    Iterator,
    OneOf,
    Partial,
    Take,
    Unknown,
    Value,
    is_constant,
    join,
    join_all,
)
from keynet.text import _, fill, printable

__all__ = ["bind_arguments", "call"]

_MAX_CALLS: Final = 28
_MAX_SAME: Final = 8
# Steps for one function that declares no arguments, over all of its calls.
_MAX_IDLE: Final = 8_000
_HEAVY: Final = 200
# Its own methods call those of the class that derives from it.
_UPDATING: Final = "collections.UserDict"
_ANYTHING: Final = Arguments(open=True)
_DICTS: Final = frozenset(
    ["builtins.dict", "collections.OrderedDict", "collections.UserDict", "typing.Dict"]
)


def call(run: Machine, function: Value, given: Arguments) -> Value:  # noqa: PLR0911
    """Follow a call and return its result."""
    run.limits.spend(1)
    match function:
        case Native():
            return function.call(run, as_lists(run, given))
        case BoundMethod():
            return call(run, function.function, given.before(function.receiver))
        case Function():
            return _call_function(run, function, given)
        case Class():
            return _instantiate(run, function, given)
        case External():
            return _call_external(run, function, given)
        case OneOf():
            return _call_alternatives(run, function, given)
        case Partial():
            first = function.arguments
            merged = Arguments(
                (*first.positional, *given.positional),
                {**first.keywords, **given.keywords},
                first.open or given.open,
                given.line,
                given.file,
            )
            return call(run, function.function, merged)
        case Descriptor():
            return call(run, function.function, given)
        case Instance():
            return _call_instance(run, function, given)
    return _call_unknown(run, function, given)


def _call_instance(run: Machine, instance: Instance, given: Arguments) -> Value:
    if instance.cls is not None:
        method = class_member(instance.cls, "__call__")
        if method is not MISSING:
            return call(run, method, given.before(instance))
    native = instance.native("__call__")
    if native is not MISSING:
        return call(run, native, given)
    return _call_unknown(run, instance, given)


def _call_alternatives(run: Machine, function: OneOf, given: Arguments) -> Value:
    # A comprehension would take a frame more of Python's stack.
    results: list[Value] = []
    finished: PerhapsFinished | None = None
    regions: list[int] = []
    for one in function.values:
        if not is_constant(one):
            with run.uncertain():
                regions.append(run.region)
                try:
                    results.append(call(run, one, given))
                except PerhapsFinished as error:
                    # Another alternative may be another parser.
                    finished = error
    settle(run, regions)
    if finished is not None:
        raise finished
    return join_all(results)


def _call_external(run: Machine, function: External, given: Arguments) -> Value:
    name = function.name
    native_class = run.native_class(name)
    if native_class is not None:
        run.declarations += 1
        instance = native_class.make(None)
        instance.region = run.region
        run.fresh(instance)
        call(run, instance.native("__init__"), given)
        return instance
    handler = run.handler(name)
    if handler is not None:
        run.declarations += not run.declares_nothing(name)
        return handler(run, given if name in LAZY else as_lists(run, given, name))
    owner, _dot, method = name.rpartition(".")
    if run.native_class(owner) is not None and given.positional:
        receiver, *_rest = given.positional
        if isinstance(receiver, Instance):
            native = receiver.native(method)
            if native is not MISSING:
                return call(run, native, given.after(1))
    if given.positional and isinstance(given.positional[0], Container):
        # dict.update(self, …) in a class that derives from dict.
        found = run.attribute(given.positional[0].items, method)
        if isinstance(found, Native):
            return call(run, found, given.after(1))
    return _call_unknown(run, function, given)


def _call_unknown(run: Machine, function: Value, given: Arguments) -> Value:
    """Record the functions and parsers passed to an unknown callable.

    The result is unknown, but for a parser that is passed: libraries that add arguments
    return it.
    """
    every = [*given.positional, *given.keywords.values()]
    for value in (function, *every):
        if isinstance(value, Iterator):
            with run.uncertain():
                content(run, value, partly=True)
    if isinstance(function, Instance):
        _manage(run, function)
    handed_over(run, every)
    run.call_later(value for value in every if isinstance(value, (Function, BoundMethod, Partial)))
    for value in every:
        if isinstance(value, Instance) and value.native("declared") is not MISSING:
            name = function.name if isinstance(function, External) else ""
            run.notes.append(
                Note(
                    given.line,
                    fill(
                        _("{function}() may add arguments that are unknown."),
                        function=printable(name or "?", 100),
                    ),
                    given.file,
                )
            )
            return value
    if isinstance(function, External):
        return run.unknown_call(function.name)
    return Unknown(why=function.why if isinstance(function, Unknown) else "")


def _manage(run: Machine, manager: Instance) -> None:
    """Follow a context manager that something unknown may enter, such as a decorator."""
    for name, count in (("__enter__", 0), ("__exit__", 3)):
        method = run.attribute(manager, name)
        if not isinstance(method, Unknown):
            with run.uncertain():
                call(run, method, Arguments((UNKNOWN,) * count))


def _call_function(run: Machine, function: Function, given: Arguments) -> Value:
    if is_generator(run, function):
        return later(
            run,
            lambda partly: _follow_function(run, function, given, partly=partly),
            function,
            given,
            code=function.node,
            drive=lambda take: _drive(run, function, given, take),
        )
    if is_coroutine(run, function):
        return coroutine(
            run, function, lambda: _follow_function(run, function, given), function, given
        )
    if function.managers:
        return inside(run, function.managers, lambda: _follow_function(run, function, given))
    results = function.results
    if results is None:
        return _follow_function(run, function, given)
    values = (*given.positional, *given.keywords.values())
    if given.open or not all(map(is_constant, values)):
        return _follow_function(run, function, given)
    key = given.positional, tuple(given.keywords.items())
    kept, certain = results.get(key, (MISSING, False))
    if not certain:
        # What was returned where that may not have been called may be returned here again.
        made = _follow_function(run, function, given)
        kept = made if kept is MISSING else join(kept, made)
        results[key] = kept, run.may_change(results)
    return kept


def _drive(run: Machine, function: Function, given: Arguments, take: Take) -> None:
    _follow_function(run, function, given, take=take)


def _follow_function(
    run: Machine,
    function: Function,
    given: Arguments,
    *,
    partly: bool = False,
    take: Take | None = None,
) -> Value:
    same = run.active.get(function.node, 0)
    if len(run.active) >= _MAX_CALLS or same >= _MAX_SAME or run.calls >= _MAX_CALLS:
        run.limits.meet("calls")
        return UNKNOWN
    idle = run.idle.get(function.node, 0)
    if idle > _MAX_IDLE:
        return UNKNOWN
    declarations, steps = run.declarations, run.limits.steps
    scope = Scope(function.scope.module, function.scope, {}, "function", Frame(function))
    scope.frame.region, scope.frame.time = run.region, run.time
    scope.frame.partly, scope.frame.take = partly, take
    bind_arguments(run, function, given, scope)
    run.active[function.node] = same + 1
    run.calls += 1
    run.called.add(function.node)
    scope.frame.number = run.enter()
    run.scopes.append(scope)
    try:
        result = run.run_function(function, scope)
        if scope.frame.exits:
            # What was made here reads the names as they were wherever it was left.
            scope.names = merged(run, [scope.names, *scope.frame.exits])
        return result
    finally:
        run.scopes.pop()
        run.leave()
        run.calls -= 1
        spent = steps - run.limits.steps
        if declarations == run.declarations and spent > _HEAVY and take is None:
            run.idle[function.node] = idle + spent
        if same:
            run.active[function.node] = same
        else:
            del run.active[function.node]


def bind_arguments(run: Machine, function: Function, given: Arguments, scope: Scope) -> None:
    """Bind the arguments of a call to the parameters of a function."""
    parameters = function.node.args
    run.limits.spend(len(given.positional) + len(given.keywords))
    positional = [*parameters.posonlyargs, *parameters.args]
    names = scope.names
    for parameter, value in zip(positional, given.positional, strict=False):
        names[parameter.arg] = value
    rest = dict(given.keywords)
    for parameter in [*parameters.args, *parameters.kwonlyargs]:
        if parameter.arg in rest:
            names[parameter.arg] = rest.pop(parameter.arg)
    defaults = function.parameter_defaults()
    for parameter in [*positional, *parameters.kwonlyargs]:
        if parameter.arg not in names:
            default = defaults.get(parameter.arg, UNKNOWN)
            names[parameter.arg] = join(default, UNKNOWN) if given.open else default
    if parameters.vararg is not None:
        extra = given.positional[len(positional) :]
        names[parameters.vararg.arg] = Unknown("list") if given.open and not extra else extra
    if parameters.kwarg is not None:
        run.fresh(rest)
        names[parameters.kwarg.arg] = rest
        if given.open:
            run.spoil(rest)


def _instantiate(run: Machine, cls: Class, given: Arguments) -> Value:
    if any(name.startswith("enum.") for name in outside_bases(cls)):
        return _member(run, cls, given)
    instance = _bare(run, cls)
    instance.region = run.region
    run.fresh(instance)
    initialise = class_member(cls, "__init__")
    if initialise is not MISSING:
        call(run, initialise, given.before(instance))
        return instance
    native = instance.native("__init__")
    if native is not MISSING:
        call(run, native, given)
    elif isinstance(instance, Container):
        verb = "update" if isinstance(instance.items, dict) else "extend"
        if given.positional or given.keywords or given.open:
            call(run, run.attribute(instance.items, verb), given)
            if _UPDATING in outside_bases(cls) and class_member(cls, "__setitem__") is not MISSING:
                # It is called for each item.
                run.call(run.attribute(instance.items, "update"), _ANYTHING)
    else:
        set_fields(run, cls, instance, given)
        after = class_member(cls, "__post_init__")
        if after is not MISSING:
            call(run, after, Arguments((instance,)))
    return instance


def _bare(run: Machine, cls: Class) -> Instance:
    for name in outside_bases(cls):
        if name in _DICTS or name == "builtins.list":
            return Container(cls, run.fresh({} if name in _DICTS else []))
        native_class = run.native_class(name)
        if native_class is not None:
            return native_class.make(cls)
    return Instance(cls)


def _member(run: Machine, cls: Class, given: Arguments) -> Value:
    wanted = given.get("value", 0)
    for member in run.members(cls):
        if isinstance(wanted, EnumMember) and wanted is member:
            return member
        if is_constant(wanted) and is_constant(member.value) and member.value == wanted:
            return member
    return UNKNOWN
