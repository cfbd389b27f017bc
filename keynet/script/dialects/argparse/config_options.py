"""configargparse: the options for configuration files that a parser adds to itself."""

from collections.abc import Iterator

from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.values import Arguments, Value

__all__ = ["config_options"]


def config_options(run: Machine, given: Arguments) -> Iterator[Arguments]:
    """Iterate over what ``add_argument`` is called with for them.

    Args:
        given: The arguments of the parser's constructor.
    """
    names = run.iterate(given.keywords.get("args_for_setting_config_path", ()))
    if names:
        keywords: dict[str, Value] = {
            "dest": "config_file",
            "required": given.keywords.get("config_arg_is_required", False),
            "help": given.keywords.get("config_arg_help_message", "config file path"),
        }
        yield Arguments(tuple(names), keywords, False, given.line, given.file)
    writing = run.iterate(given.keywords.get("args_for_writing_out_config_file", ()))
    if writing:
        keywords = {"dest": "write_out_config_file_to_this_path"}
        yield Arguments(tuple(writing), keywords, False, given.line, given.file)
