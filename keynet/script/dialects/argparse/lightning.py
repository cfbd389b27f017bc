"""LightningCLI: model and data of the project, and what its hooks add; the Trainer is not read."""

from typing import Final

from keynet.script.dialects.argparse.jsonargparse import JsonParser, declare_class
from keynet.script.dialects.command_line import settled
from keynet.script.interpreter.definitions import Class, Function, Instance
from keynet.script.interpreter.evaluation.attributes import class_attribute
from keynet.script.interpreter.machine import (
    Declared,
    Dialect,
    Machine,
    Native,
    NativeClass,
)
from keynet.script.interpreter.values import MISSING, UNKNOWN, Arguments, Value
from keynet.text import _, fill

__all__ = ["LIGHTNING"]

_HOOK: Final = "add_arguments_to_parser"
_PARTS: Final = (("model_class", 0, "model"), ("datamodule_class", 1, "data"))


class Lightning(Instance):
    """A ``LightningCLI`` or an object of a class that derives from it."""

    def native(self, name: str) -> Value:
        """Return the constructor, which parses; the hooks of the library do nothing."""
        if name == "__init__":
            return Native(name, lambda run, given: _set_up(run, self, given))
        if name == _HOOK:
            return Native(name, lambda _run, _given: None)
        return MISSING


class LightningParser(JsonParser):
    """The parser that a ``LightningCLI`` passes to its hook."""

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
    parser = LightningParser()
    parser.line = given.line
    run.created(parser)
    for name, position, key in _PARTS:
        target = given.get(name, position, None)
        chosen = run.truth(given.keywords.get(f"subclass_mode_{key}", False))
        if target is None and not (key == "model" and not given.open):
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
    hook = MISSING if cli.cls is None else class_attribute(cli.cls, _HOOK)
    if isinstance(hook, Function):
        run.call(hook, Arguments((cli, parser), line=given.line, file=given.file))
    if "parser_kwargs" in given.keywords:
        text = _("parser_kwargs may name configuration files, whose values replace defaults.")
        run.note(given.line, text, given.file)
    text = _("LightningCLI's Trainer is defined outside the project; its arguments are omitted.")
    run.note(given.line, text, given.file)
    run.parsed(parser)
    return None


def _selected(key: str, given: Arguments) -> Declared:
    notes = [_("{name} selects a class, whose own parameters depend on the choice.")]
    return Declared(key, "str", None, False, "", None, given.line, given.file, notes)


def _add(run: Machine, parser: LightningParser, name: str, given: Arguments) -> Value:
    usual = {
        "add_optimizer_args": "optimizer",
        "add_lr_scheduler_args": "lr_scheduler",
    }.get(name, "")
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


LIGHTNING: Final = Dialect({}, {"*.LightningCLI": NativeClass(Lightning)})
