"""One module for each way of declaring a command line."""

from keynet.script.machine import Dialect

__all__ = ["all_dialects"]


def all_dialects() -> list[Dialect]:
    """Give every dialect that is understood."""
    from keynet.script.dialects.argparse_ import ARGPARSE
    from keynet.script.dialects.click_ import CLICK
    from keynet.script.dialects.typer_ import TYPER

    return [ARGPARSE, CLICK, TYPER]
