"""Dialects: the libraries that declare command lines, one module each."""

from keynet.script.interpreter.machine import Dialect

__all__ = ["all_dialects"]


def all_dialects() -> list[Dialect]:
    """Return every dialect that is supported."""
    from keynet.script.dialects.absl import ABSL
    from keynet.script.dialects.argparse.argparse_dialect import ARGPARSE
    from keynet.script.dialects.argparse.jsonargparse import JSONARGPARSE
    from keynet.script.dialects.argparse.lightning import LIGHTNING
    from keynet.script.dialects.argparse.simple_parsing import SIMPLE_PARSING
    from keynet.script.dialects.argparse.tap import TAP
    from keynet.script.dialects.argparse.transformers import TRANSFORMERS
    from keynet.script.dialects.click.command import CLICK
    from keynet.script.dialects.click.typer import TYPER
    from keynet.script.dialects.docopt import DOCOPT
    from keynet.script.dialects.fields.configurations import CONFIGS
    from keynet.script.dialects.fields.cyclopts import CYCLOPTS
    from keynet.script.dialects.fields.field import DATACLASSES
    from keynet.script.dialects.fields.fire import FIRE
    from keynet.script.dialects.fields.pydantic import PYDANTIC
    from keynet.script.dialects.fields.settings import SETTINGS
    from keynet.script.dialects.fields.tyro import TYRO
    from keynet.script.dialects.hydra.decorated import HYDRA
    from keynet.script.dialects.sacred import SACRED

    return [
        ARGPARSE,
        CLICK,
        TYPER,
        ABSL,
        CONFIGS,
        DATACLASSES,
        CYCLOPTS,
        DOCOPT,
        FIRE,
        HYDRA,
        JSONARGPARSE,
        LIGHTNING,
        PYDANTIC,
        SACRED,
        SETTINGS,
        SIMPLE_PARSING,
        TAP,
        TRANSFORMERS,
        TYRO,
    ]
