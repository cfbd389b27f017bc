"""Run one real program up to its parse call and dump the parser that it made.

Started by the interpreter of the packages' environment, so standard library only::

    python truth.py OUT.json FRAMEWORK START [ARGUMENT ...]

START is ``module`` (as with ``python -m``) or ``module:function`` (a console script).
KEYNET_TRUTH_ELSEWHERE=1 pretends another machine: what differs then depends on the machine.
"""

import argparse
import contextlib
import enum
import importlib.metadata
import importlib.util
import inspect
import itertools
import json
import math
import os
import pathlib
import runpy
import socket
import sys
import typing
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.differential import stand_in
else:
    import stand_in  # a program's neighbour, in an environment that has no `tests`

SAMPLES = (
    "1", "0", "2", "0.5", "1e-3", "true", "false", "True", "False", "yes", "no", "a", "b=1",
    "1,2", "0.1,2.5", "3.11",
)  # fmt: skip
NOT_JSON = object()
# An attribute would not do: programs copy an action's own ones.
MADE: dict[argparse.Action, int] = {}


def json_value(value: Any) -> Any:
    """Return the JSON form of a default, None for what has none."""
    plain = _json_value(value)
    return None if plain is NOT_JSON else plain


def _json_value(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return _json_value(value.value)
    if value is None or isinstance(value, bool | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else NOT_JSON
    if isinstance(value, pathlib.PurePath):
        return str(value)
    if isinstance(value, list | tuple | set | frozenset):
        members = [_json_value(member) for member in value]
        if isinstance(value, set | frozenset):
            members.sort(key=repr)
        return NOT_JSON if any(member is NOT_JSON for member in members) else members
    if isinstance(value, dict):
        pairs = {key: _json_value(member) for key, member in value.items()}
        clean = all(isinstance(key, str) for key in pairs)
        return pairs if clean and NOT_JSON not in pairs.values() else NOT_JSON
    return NOT_JSON


def type_of_values(values: list[Any]) -> str:
    """Name the one type that all the values have, ``str`` when there is none."""
    flat = [m for v in values for m in (v if isinstance(v, list | tuple | set) else [v])]
    kinds = {type(value) for value in flat}
    for kind in (bool, int, float):
        if kinds and all(issubclass(k, kind) for k in kinds):
            if kind is int and bool in kinds:
                return "str"
            return kind.__name__
    return "str"


def type_of_converter(converter: Any) -> str:
    """Name what a converter makes of the words that a user could give it."""
    if converter is None or isinstance(converter, argparse.FileType):
        return "str"
    if isinstance(converter, type):
        for kind in (bool, int, float):
            if issubclass(converter, kind):
                return kind.__name__
        return "str"
    samples = dict.fromkeys([*SAMPLES, *_own_words(converter)])
    made = [value for sample in samples for value in _converted(converter, sample)]
    made = [value for value in made if value is not None]
    return type_of_values(made) if made else _annotated(converter)


def _annotated(converter: Any) -> str:
    """Take a converter at its word when it refuses every sample."""
    with contextlib.suppress(TypeError, ValueError):
        returned = inspect.signature(converter, eval_str=False).return_annotation
        name = getattr(returned, "__name__", returned)
        return name if name in {"bool", "int", "float"} else "str"
    return "str"


def _own_words(converter: Any) -> list[str]:
    """List the texts that a converter compares with: it may treat them as no other word."""
    held = getattr(getattr(converter, "__code__", None), "co_consts", ())
    flat = [part for one in held for part in (one if isinstance(one, tuple | frozenset) else [one])]
    return sorted({one for one in flat if isinstance(one, str) and one.isidentifier()})


def _converted(converter: Callable[[str], Any], sample: str) -> Iterator[Any]:
    # A foreign converter may raise anything; what it refuses says nothing of its type.
    with contextlib.suppress(BaseException):
        yield converter(sample)


def argparse_arguments(parser: argparse.ArgumentParser) -> list[dict[str, Any]]:
    """List the actions of a parser and its sub-commands in the order they were made."""
    actions = {id(action): action for action in _actions(parser, set())}
    ordered = sorted(actions.values(), key=lambda action: MADE.get(action, 0))
    return [_argparse_argument(action) for action in ordered if _is_argument(action)]


def _actions(parser: argparse.ArgumentParser, seen: set[int]) -> Iterator[argparse.Action]:
    if id(parser) in seen:
        return
    seen.add(id(parser))
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from _actions(child, seen)
        else:
            yield action


def _is_argument(action: argparse.Action) -> bool:
    exits = isinstance(action, argparse._HelpAction | argparse._VersionAction)
    return not exits and action.dest != argparse.SUPPRESS


def _argparse_argument(action: argparse.Action) -> dict[str, Any]:
    default = None if action.default is argparse.SUPPRESS else action.default
    required = action.required
    parsed = _parsed_default(action, default)
    if not action.option_strings:
        optional = {argparse.OPTIONAL, argparse.ZERO_OR_MORE, argparse.REMAINDER}
        required = action.nargs not in optional
    return {
        "name": action.dest,
        "type": _argparse_type(action),
        "default": json_value(parsed),
        "declared_default": json_value(default),
        "required": bool(required),
        "help": None if action.help in {None, argparse.SUPPRESS} else action.help,
        "choices": _choices(action.choices),
    }


def _parsed_default(action: argparse.Action, default: Any) -> Any:
    """Convert a default as ``parse_args`` does: one that is a string goes through ``type=``.

    It stays what it is where it is refused, or converted to an object that JSON does not have or
    has in another form than the one that a user types.
    """
    # A positional of any number takes its default as it is; FileType would open a file.
    as_it_is = not action.option_strings and action.nargs == argparse.ZERO_OR_MORE
    opens = action.type is open or isinstance(action.type, argparse.FileType)
    if not isinstance(default, str) or action.type is None or as_it_is or opens:
        return default
    if action.nargs == 0:
        return default
    for made in _converted(action.type, default):  # type: ignore[arg-type]
        is_number = isinstance(made, float)
        foreign = isinstance(made, enum.Enum) or _json_value(made) is NOT_JSON
        return default if foreign and not is_number else made
    return default


def _argparse_type(action: argparse.Action) -> str:
    flags = argparse._StoreTrueAction | argparse._StoreFalseAction | argparse.BooleanOptionalAction
    if isinstance(action, flags):
        return "bool"
    if isinstance(action, argparse._CountAction):
        return "int"
    if isinstance(action, argparse._StoreConstAction | argparse._AppendConstAction):
        return type_of_values([action.const])
    if action.nargs == 0 and action.type is None:
        # A flag of the program's own: what it stores, else that it was given.
        known = [value for value in (action.const, action.default) if value is not None]
        return type_of_values(known[:1]) if known else "bool"
    return type_of_converter(action.type)


def _choices(choices: Any) -> list[str] | None:
    if choices is None:
        return None
    values = sorted(choices, key=repr) if isinstance(choices, set | frozenset) else choices
    return [str(getattr(value, "value", value)) for value in values] or None


def click_arguments(command: Any) -> list[dict[str, Any]]:
    """List the parameters of a click or typer command, its sub-commands' after its own."""
    found = []
    for param in command.params:
        if not _is_help_or_version(param):
            found.append(_click_argument(param))
    for child in _sub_commands(command):
        found.extend(click_arguments(child))
    return found


def _sub_commands(command: Any) -> Iterator[Any]:
    if not hasattr(command, "get_command"):
        return
    modules = [sys.modules[one.__module__] for one in type(command).__mro__]
    own: Any = next(one for one in [*modules, sys.modules.get("click")] if hasattr(one, "Context"))
    context = own.Context(command)
    names = list(getattr(command, "commands", None) or {})
    for name in itertools.chain(
        names, (n for n in command.list_commands(context) if n not in names)
    ):
        child = command.get_command(context, name)
        if child is not None:
            yield child


def _is_help_or_version(param: Any) -> bool:
    if param.name in {"install_completion", "show_completion"}:
        return True
    if type(param).__name__ == "HelpOption":
        return True
    made_by = getattr(getattr(param, "callback", None), "__qualname__", "")
    return made_by.startswith(("help_option.", "version_option."))


def _click_argument(param: Any) -> dict[str, Any]:
    kind = _click_type(param)
    flag = getattr(param, "is_flag", False)
    default = param.default
    if callable(default) and "Sentinel" not in type(default).__name__:
        # click calls it when it parses.
        default = _called(default)
    if _is_switch(param) and default is False:
        # Of several switches of one name; the one that is on by default says True.
        default = None
    if "Sentinel" in type(default).__name__ or default is ...:
        default = False if flag and kind == "bool" and not param.required else None
        if getattr(param, "count", False):
            default = 0
    help_text = getattr(param, "help", None)
    return {
        "name": param.name,
        "type": kind,
        "default": json_value(default),
        "required": bool(param.required),
        "help": help_text,
        "choices": _click_choices(param.type) if hasattr(param, "type") else _typer_choices(param),
    }


def _called(default: Callable[[], Any]) -> Any:
    with contextlib.suppress(Exception):
        return default()
    return None


def _click_type(param: Any) -> str:
    if _is_switch(param):
        return type_of_values([param.flag_value])
    if not hasattr(param, "type"):
        return _typer_type(param)
    kind = param.type
    members = list(getattr(kind, "types", ())) or [kind]
    names = {_click_type_name(member) for member in members}
    return names.pop() if len(names) == 1 else "str"


def _is_switch(param: Any) -> bool:
    value = getattr(param, "flag_value", True)
    unset = isinstance(value, bool) or "Sentinel" in type(value).__name__
    return getattr(param, "is_flag", False) and not unset


def _typer_type(param: Any) -> str:
    """Name the type of a parameter of typer 0.29, which has an annotation and no click type."""
    described = param.type_descriptor
    converter = getattr(described.parameter_info, "parser", None)
    if converter is not None:
        return type_of_converter(converter)
    if getattr(described.parameter_info, "click_type", None) is not None:
        return _click_type_name(described.parameter_info.click_type)
    kinds = {_kind_of_annotation(one) for one in _members(described.annotation)}
    return kinds.pop() if len(kinds) == 1 else "str"


def _members(annotation: Any) -> list[Any]:
    """List the types of a list's elements or a tuple's members."""
    if typing.get_origin(annotation) in {list, tuple, set}:
        return [one for one in typing.get_args(annotation) if one is not ...]
    return [annotation]


def _kind_of_annotation(annotation: Any) -> str:
    if typing.get_origin(annotation) is typing.Literal:
        return type_of_values(list(typing.get_args(annotation)))
    if isinstance(annotation, type) and not issubclass(annotation, enum.Enum):
        return type_of_converter(annotation)
    return "str"


def _typer_choices(param: Any) -> list[str] | None:
    (annotation, *_more) = _members(param.type_descriptor.annotation)
    if typing.get_origin(annotation) is typing.Literal:
        return [str(one) for one in typing.get_args(annotation)]
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return [str(one.value) for one in annotation]
    return None


def _click_type_name(kind: Any) -> str:
    names = [parent.__name__ for parent in type(kind).__mro__]
    for ancestor, name in (
        ("IntParamType", "int"),
        ("FloatParamType", "float"),
        ("BoolParamType", "bool"),
    ):
        if ancestor in names:
            return name
    if hasattr(kind, "func"):
        return type_of_converter(kind.func)
    if type(kind).__module__.partition(".")[0] in {"click", "typer"}:
        return "str"
    # A type of the program's own is what it makes of the user's words.
    return type_of_converter(lambda word: kind.convert(word, None, None))


def _click_choices(kind: Any) -> list[str] | None:
    choices = getattr(kind, "choices", None)
    if choices is None:
        return None
    return [c.name if isinstance(c, enum.Enum) else str(c) for c in choices] or None


def merge_switches(arguments: list[dict[str, Any]], params: list[Any]) -> None:
    """Give the first of several switches of one name the default of the chosen one."""
    for param in params:
        if _is_switch(param) and param.default is True:
            first = next(a for a in arguments if a["name"] == param.name)
            first["default"] = json_value(param.flag_value)


def finish(out: str, arguments: list[dict[str, Any]], entry: str) -> None:
    """Write what was found and leave at once, before the program does its work."""
    pathlib.Path(out).write_text(json.dumps({"entry": entry, "arguments": arguments}))
    os._exit(0)


def catch_argparse(done: Callable[[list[dict[str, Any]]], None], stages: int) -> None:
    """Stop at the parse call number ``stages``; earlier ones are carried out."""
    order = itertools.count(1)
    calls = itertools.count(1)
    real_init = argparse.Action.__init__
    real_parse = argparse.ArgumentParser.parse_known_args

    def init(self: argparse.Action, *args: Any, **kwargs: Any) -> None:
        real_init(self, *args, **kwargs)
        MADE[self] = next(order)

    def parse(self: argparse.ArgumentParser, *args: Any, **kwargs: Any) -> Any:
        if not _looks_for_its_file(self) and next(calls) >= stages:
            done(argparse_arguments(self))
        return real_parse(self, *args, **kwargs)

    argparse.Action.__init__ = init  # type: ignore[method-assign]
    argparse.ArgumentParser.parse_known_args = parse  # type: ignore[method-assign]


def _looks_for_its_file(parser: argparse.ArgumentParser) -> bool:
    """Report whether this is the parser of one option by which configargparse finds its file."""
    caller = sys._getframe(2).f_globals.get("__name__")
    return type(parser) is argparse.ArgumentParser and caller == "configargparse"


def catch_click(done: Callable[[list[dict[str, Any]]], None], framework: str) -> None:
    """Stop where the command would read its command line."""

    def main(self: Any, *_args: Any, **_kwargs: Any) -> None:
        arguments = click_arguments(self)
        merge_switches(arguments, list(_all_params(self)))
        done(arguments)

    names = {"click": ["click.core"], "typer": ["click.core", "typer.core", "typer._click.core"]}
    for name in names[framework]:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        for class_name in ("BaseCommand", "Command", "TyperCommand", "TyperGroup"):
            command = getattr(module, class_name, None)
            if inspect.isclass(command) and "main" in vars(command):
                command.main = main  # type: ignore[attr-defined]


def _all_params(command: Any) -> Iterator[Any]:
    yield from command.params
    for child in _sub_commands(command):
        yield from _all_params(child)


def pretend_elsewhere() -> None:
    """Look like another machine, with one plugin of each kind fewer."""
    real_count = os.cpu_count()
    os.cpu_count = lambda: (real_count or 1) + 3
    socket.gethostname = lambda: "elsewhere"
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        stream.isatty = lambda: True  # type: ignore[method-assign]
    real_entry_points = importlib.metadata.entry_points

    def fewer(**wanted: Any) -> Any:
        found: Any = real_entry_points(**wanted)
        return type(found)(list(found)[:-1]) if wanted else found

    importlib.metadata.entry_points = fewer


def start(target: str) -> None:
    """Run the program as ``python -m`` or its console script would."""
    module, _, function = target.partition(":")
    if not function:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        return
    called: Any = importlib.import_module(module)
    for part in function.split("."):
        called = getattr(called, part)
    called()


def entry_file(target: str) -> str:
    """Return the file that a user would call the script."""
    module, _, function = target.partition(":")
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise SystemExit(f"no module {module}")
    if spec.submodule_search_locations and not function:
        return str(pathlib.Path(spec.origin).with_name("__main__.py"))
    # Compiled modules (mypyc) lie beside their source.
    origin = pathlib.Path(spec.origin)
    return str(origin.with_name(origin.name.split(".")[0] + ".py"))


def run() -> None:
    """Do what the module says."""
    out, framework, target, stages, *arguments = sys.argv[1:]
    if os.environ.get("KEYNET_TRUTH_WITHOUT"):
        sys.modules[os.environ["KEYNET_TRUTH_WITHOUT"]] = None  # type: ignore[assignment]
    elsewhere = bool(os.environ.get("KEYNET_TRUTH_ELSEWHERE"))
    if elsewhere:
        pretend_elsewhere()
    stand_in.install(os.environ["KEYNET_TRUTH_ABSENT"].split(), elsewhere=elsewhere)
    entry = entry_file(target)
    sys.argv = [entry, *arguments]
    sys.path[0] = ""

    def done(found: list[dict[str, Any]]) -> None:
        finish(out, found, entry)

    if framework == "argparse":
        catch_argparse(done, int(stages))
    else:
        catch_click(done, framework)
    start(target)
    raise SystemExit("the program ended without a parse call")


if __name__ == "__main__":
    run()
