"""LightningCLI: model and data of the project, and what its hooks add.

The Trainer is not read, and what the library itself adds is only named. Source:
lightning/pytorch/cli.py of Lightning 2; --print_config ends the script as --help does.
"""

from collections.abc import Callable
from typing import Final

from keynet.script.dialects.argparse.jsonargparse import JsonParser, declare_class
from keynet.script.dialects.command_line import settled
from keynet.script.interpreter.definitions import Class, Function, Instance
from keynet.script.interpreter.lineage import class_member
from keynet.script.interpreter.machine import (
    Declared,
    Dialect,
    Machine,
    Native,
    NativeClass,
)
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    Unknown,
    Value,
)
from keynet.text import _, fill

__all__ = ["LIGHTNING"]

_HOOK: Final = "add_arguments_to_parser"
_STEPS: Final = ("add_default_arguments_to_parser", "add_core_arguments_to_parser", _HOOK)
_PARTS: Final = (("model_class", 0, "model"), ("datamodule_class", 1, "data"))
# What the methods of a Trainer take besides models and data, for the subcommands.
_METHODS: Final = ("ckpt_path", "verbose", "return_predictions")


class Lightning(Instance):
    """A ``LightningCLI`` or an object of a class that derives from it.

    ``given`` is what it was made with.
    """

    def __init__(self, cls: Class | None) -> None:
        super().__init__(cls)
        self.given = Arguments()

    def native(self, name: str) -> Value:
        """Return the constructor, which parses, or a step of it that classes override."""
        method = _OWN.get(name)
        if method is None:
            return MISSING
        return Native(name, lambda run, given: method(run, self, given))


class LightningParser(JsonParser):
    """The parser that a ``LightningCLI`` passes to its hook.

    ``own`` are the arguments that the library itself adds, which are not hyperparameters;
    ``configured`` has the kinds of what the hook has added of ``optimizer`` and ``lr_scheduler``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.own: list[str] = []
        self.configured: set[str] = set()

    def native(self, name: str) -> Value:
        """Return a method, Lightning's own or jsonargparse's."""
        key = {"add_lightning_class_args": 1, "add_optimizer_args": 1, "add_lr_scheduler_args": 1}
        if name in key:
            return Native(name, lambda run, given: _add(run, self, name, given))
        return super().native(name)

    def declared(self) -> list[Declared]:
        """Return the parameters of classes, then what was added by hand."""
        found = super().declared()
        fields = {id(one) for one in self.fields}
        added = [one for one in found if id(one) not in fields]
        return [*(one for one in found if id(one) in fields), *added]


def _set_up(run: Machine, cli: Lightning, given: Arguments) -> Value:
    cli.given = given
    parser = run.call(run.attribute(cli, "init_parser"), Arguments(line=given.line))
    if not isinstance(parser, LightningParser):
        parser = _make_parser(run, cli, given)
    for step in _STEPS:
        run.call(run.attribute(cli, step), Arguments((parser,), line=given.line, file=given.file))
    if run.truth(given.get("auto_configure_optimizers", 13, True)) is not False:
        absent = [key for key in ("optimizer", "lr_scheduler") if key not in parser.configured]
        parser.own.extend(absent)
    if run.truth(given.get("run", 12, True)) is not False:
        _add_subcommands(run, cli, parser, given)
    if "parser_kwargs" in given.keywords:
        text = _("parser_kwargs may name configuration files, whose values replace defaults.")
        run.note(given.line, text, given.file)
    text = _("LightningCLI's Trainer is defined outside the project; its arguments are omitted.")
    run.note(given.line, text, given.file)
    text = _("LightningCLI itself adds {names}; these are not listed.")
    run.note(given.line, fill(text, names=", ".join(parser.own)), given.file)
    words = given.get("args", 11, None)
    run.parsed(parser, words=tuple(words) if isinstance(words, (list, tuple, dict)) else None)
    return None


def _make_parser(run: Machine, cli: Lightning, given: Arguments) -> "LightningParser":
    parser = LightningParser()
    parser.line, parser.file = cli.given.line, cli.given.file
    run.created(parser)
    parser.own.append("config")
    return parser


def _add_defaults(run: Machine, cli: Lightning, given: Arguments) -> Value:
    """Follow ``add_default_arguments_to_parser``."""
    parser = given.get("parser", 0)
    if isinstance(parser, LightningParser):
        parser.own.append("seed_everything")
    return None


def _add_core(run: Machine, cli: Lightning, given: Arguments) -> Value:
    """Follow ``add_core_arguments_to_parser``, but for the Trainer."""
    parser, given = given.get("parser", 0), cli.given
    if not isinstance(parser, LightningParser):
        return None
    for name, position, key in _PARTS:
        target = given.get(name, position, None)
        chosen = run.truth(given.keywords.get(f"subclass_mode_{key}", False))
        if target is None and (given.open or key == "data"):
            if not given.open:
                parser.own.append(key)
            continue
        if target is None or chosen is not False:
            parser.fields.append(_selected(key, given))
        elif isinstance(target, Class):
            parser.fields.extend(declare_class(run, target, f"{key}.", given))
        else:
            text = _(
                "The class for {key} is defined outside the project; its arguments are omitted."
            )
            run.note(given.line, fill(text, key=key), given.file)
    return None


def _add_subcommands(
    run: Machine, cli: Lightning, parser: "LightningParser", given: Arguments
) -> None:
    """Add what the methods of the Trainer take that the subcommands call."""
    trainer = given.get("trainer_class", 4, None)
    own = MISSING if cli.cls is None else class_member(cli.cls, "subcommands")
    if own is not MISSING or isinstance(trainer, Class | Function | Unknown):
        text = _("The subcommands of the LightningCLI are its own; their arguments are omitted.")
        run.note(given.line, text, given.file)
    else:
        parser.own.extend(_METHODS)


def _selected(key: str, given: Arguments) -> Declared:
    notes = [_("{name} selects a class, whose own parameters depend on the choice.")]
    return Declared(key, "str", None, False, "", None, given.line, given.file, notes)


def _add(run: Machine, parser: LightningParser, name: str, given: Arguments) -> Value:
    usual = {
        "add_optimizer_args": "optimizer",
        "add_lr_scheduler_args": "lr_scheduler",
    }.get(name, "")
    if usual:
        parser.configured.add(usual)
    target, key = given.get("optimizer_class", 0), given.get("nested_key", 1, usual)
    for other in ("lightning_class", "lr_scheduler_class"):
        target = given.keywords.get(other, target)
    if not isinstance(key, str) or not key:
        run.note(given.line, _("An argument whose name is unknown is omitted."), given.file)
    elif isinstance(target, Class) and not run.truth(given.keywords.get("subclass_mode", False)):
        found = declare_class(run, target, f"{key}.", given)
        parser.fields.extend(settled(run, parser, found))
    elif isinstance(target, tuple):
        parser.fields.extend(settled(run, parser, [_selected(key, given)]))
    else:
        text = _("The class for {key} is defined outside the project; its arguments are omitted.")
        run.note(given.line, fill(text, key=key), given.file)
    return UNKNOWN


_OWN: Final[dict[str, Callable[[Machine, Lightning, Arguments], Value]]] = {
    "__init__": _set_up,
    "init_parser": _make_parser,
    "add_default_arguments_to_parser": _add_defaults,
    "add_core_arguments_to_parser": _add_core,
    _HOOK: lambda _run, _cli, _given: None,
}
LIGHTNING: Final = Dialect({}, {"*.LightningCLI": NativeClass(Lightning)})
