"""What a random script declares in each of its worlds, against what was read from it."""

import argparse
import contextlib
import itertools
import os
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from keynet.script.arguments import Extraction

from .random_scripts import CONDITIONS

__all__ = ["silently_false", "worlds"]


class _Parsed(BaseException):
    """Not an Exception, which scripts catch."""


def worlds(script: str) -> Iterator[list[dict[str, Any]]]:
    """Run a script under each combination of its conditions; iterate over what it declares.

    A world in which it fails has no truth.
    """
    used = [name for name in CONDITIONS if name in script]
    code = compile(script, "train.py", "exec")
    for values in itertools.product((None, "1"), repeat=len(used)):
        found = _run(code, dict(zip(used, values, strict=True)))
        if found is not None:
            yield found


def _run(code: Any, conditions: dict[str, str | None]) -> list[dict[str, Any]] | None:
    def parse(self: argparse.ArgumentParser, *_args: object, **_kwargs: object) -> None:
        raise _Parsed(self)

    def conflict(self: object, *_args: object) -> None:
        # Scripts that go on after a conflict of their own arguments are no real ones.
        raise SystemExit

    real = argparse.ArgumentParser.parse_known_args
    stages: list[argparse.ArgumentParser] = []

    def parse_known(self: argparse.ArgumentParser, *args: Any, **kwargs: Any) -> Any:
        stages.append(self)
        return real(self, *args, **kwargs)

    environment = {k: v for k, v in os.environ.items() if k not in CONDITIONS}
    environment |= {k: v for k, v in conditions.items() if v is not None}
    with (
        patch.object(argparse.ArgumentParser, "parse_args", parse),
        patch.object(argparse.ArgumentParser, "parse_known_args", parse_known),
        patch.object(argparse._ActionsContainer, "_handle_conflict_error", conflict),
        patch.dict(os.environ, environment, clear=True),
        patch("sys.argv", ["train.py", *(["--stage=1"] if conditions.get("known.stage") else [])]),
        contextlib.suppress(Exception, SystemExit),
    ):
        try:
            exec(code, {"__name__": "__main__", "__file__": "train.py"})
        except _Parsed as parsed:
            parsers = [*stages, parsed.args[0]]
            return [_described(action) for parser in parsers for action in _actions(parser)]
    return None


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in dict.fromkeys(action.choices.values()):
                yield from _actions(child)
        elif not isinstance(action, argparse._HelpAction):
            yield action


def _described(action: argparse.Action) -> dict[str, Any]:
    """Describe an action as documented for what keynet reads."""
    kind = "str" if action.type is None else getattr(action.type, "__name__", "str")
    if isinstance(action, argparse._CountAction):
        kind = "int"
    elif action.nargs == 0:
        kind = "bool"
    default = None if action.default is argparse.SUPPRESS else action.default
    if isinstance(default, str) and action.type in (int, float):
        with contextlib.suppress(ValueError):
            default = action.type(default)
    return {
        "name": action.dest,
        "type": kind,
        "default": list(default) if isinstance(default, tuple) else default,
        "required": action.required,
        "choices": None if action.choices is None else [str(one) for one in action.choices],
    }


def silently_false(real: list[dict[str, Any]], found: Extraction) -> Iterator[str]:
    """Iterate over what was read otherwise than it is, and has no note.

    A note that an argument is missing cannot name it; each other one does.
    """
    expected = {one["name"]: one for one in reversed(real)}
    read = {one.name: one.to_json() for one in found.arguments}
    for name in expected.keys() - read.keys():
        if not found.notes:
            yield f"{name} is missing"
    for name, argument in read.items():
        if any(name in note.message for note in found.notes):
            continue
        if name not in expected:
            yield f"{name} does not exist"
            continue
        for key, value in expected[name].items():
            if repr(_number(value)) != repr(_number(argument[key])):
                yield f"{name}: {key} is {value!r} and not {argument[key]!r}"


def _number(value: Any) -> Any:
    """Return a number as JSON has it, which knows no difference between 1 and 1.0."""
    if isinstance(value, list):
        return [_number(one) for one in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
