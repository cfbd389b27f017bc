"""sacred: the local names of configuration functions, and configurations given as dicts."""

import ast
from dataclasses import replace
from typing import Final

from keynet.script.conversion import element_kind
from keynet.script.dialects.command_line import perhaps
from keynet.script.dialects.fields.field import function_of
from keynet.script.interpreter.definitions import (
    Class,
    Frame,
    Function,
    Instance,
    Module,
    Scope,
)
from keynet.script.interpreter.machine import Declared, Dialect, Machine, Native, NativeClass
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    External,
    OneOf,
    Unknown,
    Value,
    join,
    join_all,
)
from keynet.text import _

__all__ = ["SACRED"]

_NO_VALUES: Final = (Class, Function, Module)
_MOST: Final = 1_000
_DEEPEST: Final = 10
_UNBOUND: Final = Instance()


class Experiment(Instance):
    """An ``Experiment`` or ``Ingredient``; those of ingredients are named with their path."""

    dialect = "sacred"

    def __init__(self, cls: Class | None = None) -> None:
        super().__init__(cls)
        self.found: dict[str, Declared] = {}
        self.ingredients: list[tuple[str, Experiment]] = []
        self.path = ""
        self.nested = False
        self.line = 0

    def native(self, name: str) -> Value:
        """Return a method of sacred."""
        if name == "declared":
            return True
        method = _METHODS.get(name)
        return (
            MISSING if method is None else Native(name, lambda run, given: method(run, self, given))
        )

    def declared(self) -> list[Declared]:
        """Return the entries of ingredients, then the experiment's own."""
        return self._below("", 0)[:_MOST]

    def _below(self, prefix: str, depth: int) -> list[Declared]:
        found: list[Declared] = []
        for path, ingredient in self.ingredients if depth < _DEEPEST else []:
            found.extend(ingredient._below(f"{path}.", depth + 1))
        for one in self.found.values():
            found.append(replace(one, name=f"{prefix}{one.name}", notes=list(one.notes)))
        return found


def _set_up(run: Machine, experiment: Experiment, given: Arguments) -> Value:
    experiment.line = given.line
    name = given.get("path", 0, given.get("name", 0, ""))
    experiment.path = name if isinstance(name, str) else ""
    for one in run.iterate(given.keywords.get("ingredients", ())) or ():
        if isinstance(one, Experiment) and one is not experiment:
            one.nested = True
            experiment.ingredients.append((one.path, one))
    run.created(experiment)
    return None


def _config(run: Machine, experiment: Experiment, given: Arguments) -> Value:
    """Follow a function whose local names are the configuration."""
    function = function_of(given.get("function", 0))
    if isinstance(function, Function):
        scope = Scope(function.scope.module, function.scope, {}, "function", Frame(function))
        for name in _parameters(function):
            known = experiment.found.get(name)
            scope.names[name] = UNKNOWN if known is None else known.default
        own = set(scope.names)
        # A name that is bound on some paths only has this value on the others.
        scope.names.update(dict.fromkeys(_bound(function), _UNBOUND) | scope.names)
        run.called.add(function.node)
        run.run_function(function, scope)
        names = {name: value for name, value in scope.names.items() if name not in own}
        line, file = function.node.lineno, function.scope.module.file
        _add_all(run, experiment, names, "", line, file, 0)
    return given.get("function", 0, UNKNOWN)


def _bound(function: Function) -> list[str]:
    """Return the names that a function binds, in source order."""
    statements = [] if isinstance(function.node, ast.Lambda) else function.node.body
    return [
        node.id
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]


def _parameters(function: Function) -> list[str]:
    given = function.node.args
    return [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]


def _add_all(
    run: Machine, experiment: Experiment, entries: "dict[str, Value]", prefix: str, line: int,
    file: str, depth: int,
) -> None:  # fmt: skip
    for key, value in entries.items():
        name = f"{prefix}{key}"
        if str(key).startswith("_") or isinstance(value, _NO_VALUES) or value is _UNBOUND:
            continue
        if isinstance(value, External) and "." not in value.name:
            # A module that is imported there.
            continue
        sure = run.sure_for(experiment)
        if isinstance(value, OneOf) and _UNBOUND in value.values:
            bound = [one for one in value.values if one is not _UNBOUND]
            value, sure = join_all(bound), False  # noqa: PLW2901
        if isinstance(value, dict) and value and depth < _DEEPEST and not run.spoiled(value):
            inner = {str(key): one for key, one in value.items()}
            _add_all(run, experiment, inner, f"{name}.", line, file, depth + 1)
        elif len(experiment.found) < _MOST:
            kind = element_kind(value) or (
                "" if value is None or isinstance(value, Unknown) else "str"
            )
            before = experiment.found.get(name)
            declared = Declared(name, kind, value, line=line, file=file)
            if not sure and before is not None:
                declared.default = join(before.default, value)
            elif not sure:
                declared = perhaps(declared)
            experiment.found[name] = declared


def _add_config(run: Machine, experiment: Experiment, given: Arguments) -> Value:
    entries: dict[str, Value] = dict(given.keywords)
    if given.open:
        text = _("Some of the values passed to add_config() are unknown.")
        run.note(given.line, text, given.file)
    first = given.get("cfg_or_file", 0)
    if isinstance(first, dict) and not run.spoiled(first):
        entries.update({str(key): value for key, value in first.items()})
    elif first is not MISSING:
        text = _("The configuration passed to add_config() is not read; its values are omitted.")
        run.note(given.line, text, given.file)
    _add_all(run, experiment, entries, "", given.line, given.file, 0)
    return None


def _named_config(run: Machine, _experiment: Experiment, given: Arguments) -> Value:
    text = _("A named configuration changes these defaults where it is chosen.")
    run.note(given.line, text, given.file)
    return given.get("function", 0, UNKNOWN)


def _decorator(_run: Machine, _experiment: Experiment, given: Arguments) -> Value:
    return given.get("function", 0, UNKNOWN)


def _run(run: Machine, experiment: Experiment, given: Arguments) -> Value:
    run.parsed(experiment)
    return given.get("function", 0, Unknown())


_METHODS: Final = {
    "__init__": _set_up,
    "config": _config,
    "add_config": _add_config,
    "named_config": _named_config,
    "main": _decorator,
    "command": _decorator,
    "capture": _decorator,
    "automain": _run,
    "run_commandline": _run,
}
_EXPERIMENT: Final = NativeClass(Experiment)

SACRED: Final = Dialect(
    {},
    {
        f"sacred.{name}": _EXPERIMENT
        for name in ("Experiment", "Ingredient", "experiment.Experiment", "ingredient.Ingredient")
    },
)
