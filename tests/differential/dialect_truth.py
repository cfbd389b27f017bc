"""Dump what libraries other than argparse, click and typer make of a script's declarations.

Started by the packages' interpreter: ``python dialect_truth.py OUT.json DIALECT SCRIPT``.
"""

import argparse
import collections.abc
import dataclasses
import enum
import inspect
import os
import runpy
import sys
import types
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.differential import truth
else:
    import truth  # a program's neighbour, in an environment that has no `tests`


def kind_and_choices(hint: Any, default: Any) -> tuple[str, list[str] | None]:
    """Name the type of the values of a resolved annotation."""
    if hint is inspect.Parameter.empty:
        return truth.type_of_values([default] if default is not None else []), None
    origin, members = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return kind_and_choices(members[0], default)
    if origin in {typing.Union, types.UnionType}:
        return kind_and_choices(next(m for m in members if m is not type(None)), default)
    if origin is typing.Literal:
        return truth.type_of_values(list(members)), [str(member) for member in members]
    if origin in {list, tuple, set, collections.abc.Sequence}:
        kinds = {kind_and_choices(m, None)[0] for m in members if m is not ...}
        return kinds.pop() if len(kinds) == 1 else "str", None
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return "str", [member.name for member in hint]
    return truth.type_of_converter(hint), None


def of_fields(owner: Any, prefix: str = "", instance: Any = None) -> dict[str, dict[str, Any]]:
    """List the fields of a dataclass, those of nested ones with dotted names."""
    found: dict[str, dict[str, Any]] = {}
    hints = typing.get_type_hints(owner, include_extras=True)
    for field in dataclasses.fields(owner):
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if instance is not None:
            default = getattr(instance, field.name)
        hint = hints[field.name]
        members = [m for m in (hint, *typing.get_args(hint)) if _is_nested(m)]
        for member in members:
            matching = default if type(default) is member else None
            found |= of_fields(member, f"{prefix}{field.name}.", matching)
        if not members:
            name = f"{prefix}{field.name}"
            found[name] = argument(name, hint, default, default is dataclasses.MISSING)
    return found


def _is_nested(hint: Any) -> bool:
    return isinstance(hint, type) and dataclasses.is_dataclass(hint)


def of_function(function: Any, prefix: str = "") -> dict[str, dict[str, Any]]:
    """List the parameters of a function."""
    found = {}
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD and parameter.name != "self":
            several = parameter.kind is inspect.Parameter.VAR_POSITIONAL
            missing = parameter.default is inspect.Parameter.empty and not several
            default = None if missing or several else parameter.default
            name = f"{prefix}{parameter.name}"
            found[name] = argument(name, parameter.annotation, default, missing)
    return found


def argument(name: str, hint: Any, default: Any, required: bool) -> dict[str, Any]:
    """Describe one argument."""
    if default is dataclasses.MISSING:
        default = None
    kind, choices = kind_and_choices(hint, default)
    if isinstance(default, enum.Enum):
        default = default.name
    return {
        "name": name,
        "type": kind,
        "default": truth.json_value(default),
        "required": required,
        "help": None,
        "choices": choices,
    }


def catch_absl() -> None:
    """Read the flags of the script's own module when the app starts."""
    from absl import app, flags

    required: set[str] = set()
    real = flags.mark_flag_as_required

    def mark(name: str, *args: Any, **kwargs: Any) -> None:
        required.add(name)
        real(name, *args, **kwargs)

    flags._validators.mark_flag_as_required = mark
    flags._defines._validators.mark_flag_as_required = mark
    flags.mark_flag_as_required = mark

    def run(*_args: Any, **_kwargs: Any) -> None:
        own = flags.FLAGS.flags_by_module_dict()[sys.argv[0]]
        found = []
        for flag in own:
            kinds = [kind for kind in ("bool", "float", "int") if kind in flag.flag_type()]
            kind = kinds[0] if kinds else "str"
            default = flag.default
            if isinstance(default, enum.Enum):
                default = default.name
            choices = getattr(flag.parser, "enum_values", None)
            if hasattr(flag.parser, "enum_class"):
                choices = [member.name for member in flag.parser.enum_class]
            found.append(
                {
                    "name": flag.name,
                    "type": kind,
                    "default": truth.json_value(default),
                    "required": flag.name in required,
                    "help": flag.help,
                    "choices": choices,
                }
            )
        finish(found)

    app.run = run


def catch_fire() -> None:
    """Read the signatures of what is given to Fire()."""
    import fire

    def start(component: Any, *_args: Any, **_kwargs: Any) -> None:
        if inspect.isclass(component):
            found = of_function(component)
            for name, function in vars(component).items():
                if not name.startswith("_"):
                    found = {**of_function(function), **found}
            finish(list(found.values()))
        finish(list(of_function(component).values()))

    fire.Fire = start


def catch_tyro() -> None:
    """Take names, choices and what is required from tyro's parser, the rest from the types."""
    import tyro

    def cli(f: Any, **_kwargs: Any) -> None:
        names = {}
        for action in actions(tyro.extras.get_parser(f)):
            names[action.dest] = action
        found = of_fields(f) if dataclasses.is_dataclass(f) else of_function(f)
        arguments = [found[name] for name in names if name in found]
        for one in arguments:
            action = names[one["name"]]
            one["choices"] = None if action.choices is None else list(action.choices)
            one["required"] = action.required
        assert len(arguments) == len(names), (sorted(names), sorted(found))
        finish(arguments)

    tyro.cli = cli


def actions(parser: argparse.ArgumentParser) -> list[Any]:
    """List a parser's actions and those of its sub-commands."""
    found = []
    for action in parser._actions:
        if isinstance(action.choices, dict):
            for child in action.choices.values():
                found += actions(child)
        elif type(action).__name__ != "_HelpAction":
            found.append(action)
    return found


def catch_jsonargparse() -> None:
    """Read the types of the actions when the parser parses."""
    import jsonargparse

    def parse(self: Any, *_args: Any, **_kwargs: Any) -> None:
        found = []
        for action in self._actions:
            name = type(action).__name__
            if name in {"_HelpAction", "_ActionPrintConfig", "_ActionConfigLoad"}:
                continue
            if name == "_ActionHelpClassPath":
                continue
            hint = getattr(action, "_typehint", None) or str
            found.append(argument(action.dest, hint, action.default, action.required))
        # CLI() adds a --config of its own, which is no hyperparameter.
        asked = "--config" in SCRIPT.read_text()
        finish([one for one in found if one["name"] != "config" or asked])

    jsonargparse.ArgumentParser.parse_args = parse


def catch_argparse() -> None:
    """Read the argparse parser that the library makes; its options' names, not their places."""
    order: list[Any] = []
    real = argparse.ArgumentParser.parse_known_args

    def parse(self: Any, *args: Any, **kwargs: Any) -> Any:
        order.extend(self._actions)
        found = []
        for one in truth.argparse_arguments(self):
            found.append(one)
        if not found:
            return real(self, *args, **kwargs)
        by_dest = {action.dest: action for action in self._actions}
        for one in found:
            options = by_dest[one["name"]].option_strings
            if options:
                one["name"] = (
                    next(o for o in options if o[:2] == "--").lstrip("-").replace("-", "_")
                )
        finish(found)
        return None

    argparse.ArgumentParser.parse_known_args = parse  # type: ignore[method-assign]


def catch_fields() -> None:
    """Read the dataclass of a decorated main function."""
    import pyrallis

    def wrap(*_args: Any, **_kwargs: Any) -> Any:
        def decorate(function: Any) -> Any:
            hints = typing.get_type_hints(function)
            owner = next(iter(hints.values()))
            path = argument("config_path", str, None, required=False)
            return lambda: finish([path, *of_fields(owner).values()])

        return decorate

    pyrallis.wrap = wrap


def finish(found: list[dict[str, Any]]) -> None:
    """Write the result and leave."""
    truth.finish(OUT, found, str(SCRIPT))


CATCH = {
    "absl": catch_absl,
    "dataclass": catch_fields,
    "fire": catch_fire,
    "jsonargparse": catch_jsonargparse,
    "simple_parsing": catch_argparse,
    "tap": catch_argparse,
    "tyro": catch_tyro,
}

if __name__ == "__main__":
    OUT, DIALECT, SCRIPT = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    sys.argv = [str(SCRIPT)]
    os.environ["COLUMNS"] = "200"
    CATCH[DIALECT]()
    runpy.run_path(str(SCRIPT), run_name="__main__")
    raise SystemExit("the script ended without parsing")
