"""One module for each way of declaring a command line."""

from keynet.script.machine import Dialect

__all__ = ["all_dialects"]


def all_dialects() -> list[Dialect]:
    """Give every dialect that is understood."""
    from keynet.script.dialects.argparse_ import ARGPARSE

    return [ARGPARSE]
