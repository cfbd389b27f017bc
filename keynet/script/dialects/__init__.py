"""Dialects: the libraries that declare command lines, one module each."""

from typing import Final

from keynet.script.interpreter.outside import Library

__all__ = ["LIBRARIES"]

_FLAGS: Final = (
    "bool", "boolean", "config_dict", "config_file", "enum", "enum_class", "float", "integer",
    "list", "multi_enum", "multi_enum_class", "multi_float", "multi_integer", "multi_string",
    "multistring", "spaceseplist", "string",
)  # fmt: skip


def _library(
    name: str, module: str, constant: str, used_by: tuple[str, ...], *words: str
) -> Library:
    return Library(name, f"{__name__}.{module}", constant, used_by, words)


# ``parser_type``, module and constant, the parts of names that bring the dialect in, the words
# that show a command line of it.
LIBRARIES: Final = (
    _library(
        "argparse",
        "argparse.argparse_dialect",
        "ARGPARSE",
        ("argparse", "configargparse", "ArgumentParser", "ArgParser"),
        "ArgumentParser",
        "argparse",
        "ArgParser",
        "add_argument",
    ),
    _library(
        "click",
        "click.click_dialect",
        "CLICK",
        (
            "asyncclick",
            "click",
            "click_default_group",
            "click_extra",
            "click_option_group",
            "cloup",
            "rich_click",
        ),
        "click",
    ),
    _library("typer", "click.typer", "TYPER", ("typer",), "typer", "Typer"),
    _library(
        "absl",
        "absl",
        "ABSL",
        ("absl", "gflags", "tensorflow", *(f"DEFINE_{kind}" for kind in _FLAGS)),
        "DEFINE_",
        "absl",
    ),
    _library(
        "dataclass",
        "fields.configurations",
        "CONFIGS",
        ("draccus", "omegaconf", "pyrallis"),
        "pyrallis",
        "draccus",
        "OmegaConf",
    ),
    # These two declare no command line: others read the fields that they describe.
    _library("dataclasses", "fields.field", "DATACLASSES", ("field", "ib")),
    _library("pydantic", "fields.pydantic", "PYDANTIC", ("pydantic",)),
    _library("cyclopts", "fields.cyclopts", "CYCLOPTS", ("cyclopts",), "cyclopts"),
    _library("docopt", "docopt", "DOCOPT", ("docopt",), "docopt"),
    _library("fire", "fields.fire", "FIRE", ("fire",), "fire"),
    _library("hydra", "hydra.decorated", "HYDRA", ("hydra",), "hydra"),
    _library(
        "jsonargparse",
        "argparse.jsonargparse",
        "JSONARGPARSE",
        ("jsonargparse", "LightningArgumentParser"),
        "jsonargparse",
    ),
    _library("jsonargparse", "argparse.lightning", "LIGHTNING", ("LightningCLI",), "LightningCLI"),
    _library("sacred", "sacred", "SACRED", ("sacred",), "sacred"),
    _library(
        "pydantic_settings",
        "fields.settings",
        "SETTINGS",
        ("pydantic_settings",),
        "pydantic_settings",
    ),
    _library(
        "simple_parsing",
        "argparse.simple_parsing",
        "SIMPLE_PARSING",
        ("simple_parsing",),
        "simple_parsing",
    ),
    _library("tap", "argparse.tap", "TAP", ("tap",), "tap", "Tap"),
    _library(
        "transformers",
        "argparse.transformers",
        "TRANSFORMERS",
        ("H4ArgumentParser", "HfArg", "HfArgumentParser", "TrlParser"),
        "HfArgumentParser",
        "TrlParser",
        "H4ArgumentParser",
    ),
    _library("tyro", "fields.tyro", "TYRO", ("tyro",), "tyro"),
)
