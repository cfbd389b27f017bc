"""argparse as a dialect, with configargparse, which has its parsers by name.

Source: configargparse, "README", "Design Notes".
"""

from typing import Final

from keynet.script.dialects.argparse.action import ACTIONS, Action
from keynet.script.dialects.argparse.parser import Group, Parser
from keynet.script.interpreter.definitions import Class, Instance
from keynet.script.interpreter.machine import Dialect, Machine, NativeClass
from keynet.script.interpreter.values import Arguments, Value

__all__ = ["ARGPARSE"]


def _shared_parser(run: Machine, given: Arguments) -> Value:
    """Return configargparse's parser of this name, made on the first call."""
    key = given.get("name", 0, "default")
    for parser in run.parsers:
        if isinstance(parser, Parser) and isinstance(key, str) and parser.key == key:
            return parser
    parser = Parser()
    parser.key = key
    keywords = {name: value for name, value in given.keywords.items() if name != "name"}
    run.call(parser.native("__init__"), Arguments((), keywords, given.open, given.line, given.file))
    return parser


def _make_action_object(cls: Class | None) -> Instance:
    return Action.bare(cls)


_PARSER: Final = NativeClass(Parser)
_GROUP: Final = NativeClass(Group)
_ACTION: Final = NativeClass(_make_action_object)

ARGPARSE: Final = Dialect(
    {
        f"configargparse.{name}": _shared_parser
        for name in (
            "get_arg_parser",
            "get_argument_parser",
            "getArgumentParser",
            "getArgParser",
            "getParser",
            "get_parser",
            "init_argument_parser",
            "initArgumentParser",
        )
    },
    {
        "*.ArgumentParser": _PARSER,
        "*.ArgParser": _PARSER,
        "configargparse.Parser": _PARSER,
        "argparse._ArgumentGroup": _GROUP,
        "argparse._MutuallyExclusiveGroup": _GROUP,
        **dict.fromkeys(ACTIONS, _ACTION),
    },
)
