"""One module for each way of declaring a command line."""

from keynet.script.interpreter.machine import Dialect

__all__ = ["all_dialects"]


def all_dialects() -> list[Dialect]:
    """Give every dialect that is understood."""
    from keynet.script.dialects.absl_ import ABSL
    from keynet.script.dialects.argparse_ import ARGPARSE
    from keynet.script.dialects.click_ import CLICK
    from keynet.script.dialects.configs_ import CONFIGS
    from keynet.script.dialects.fields import DATACLASSES
    from keynet.script.dialects.fire_ import FIRE
    from keynet.script.dialects.jsonargparse_ import JSONARGPARSE
    from keynet.script.dialects.pydantic_ import PYDANTIC
    from keynet.script.dialects.simple_parsing_ import SIMPLE_PARSING
    from keynet.script.dialects.tap_ import TAP
    from keynet.script.dialects.transformers_ import TRANSFORMERS
    from keynet.script.dialects.typer_ import TYPER
    from keynet.script.dialects.tyro_ import TYRO

    return [
        ARGPARSE,
        CLICK,
        TYPER,
        ABSL,
        CONFIGS,
        DATACLASSES,
        FIRE,
        JSONARGPARSE,
        PYDANTIC,
        SIMPLE_PARSING,
        TAP,
        TRANSFORMERS,
        TYRO,
    ]
