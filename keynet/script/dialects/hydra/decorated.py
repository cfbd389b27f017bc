"""``hydra.main``, and structured configurations in a ``ConfigStore``."""

from pathlib import Path
from typing import Final

from keynet.script.dialects.command_line import CommandLine
from keynet.script.dialects.fields.declaring import Style, declare_all
from keynet.script.dialects.fields.field import class_fields, function_of
from keynet.script.dialects.hydra.composing import Composition, compose
from keynet.script.dialects.hydra.yaml_tree import ConfigFile, declare_value, flat
from keynet.script.interpreter.definitions import Class, Instance
from keynet.script.interpreter.machine import Declared, Dialect, Machine, Native
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    Unknown,
    Value,
)
from keynet.text import _, fill, printable

__all__ = ["HYDRA"]

_STYLE: Final = Style()


class Store(Instance):
    """The ``ConfigStore``: structured configurations by ``group/name``."""

    dialect = "hydra"
    nested = True
    line = 0

    def __init__(self) -> None:
        super().__init__()
        self.nodes: dict[str, tuple[Value, Arguments]] = {}

    def declared(self) -> list[Declared]:
        """Return nothing: only ``hydra.main`` makes a command line of it."""
        return []

    def native(self, name: str) -> Value:
        """Return ``store``."""
        return Native(name, self._store) if name == "store" else MISSING

    def _store(self, run: Machine, given: Arguments) -> Value:
        name, group = given.get("name", 0), given.get("group", 2, None)
        if isinstance(name, str) and len(self.nodes) < 500:
            key = f"{group}/{name}" if isinstance(group, str) else name
            self.nodes[key.removesuffix(".yaml")] = (given.get("node", 1), given)
        else:
            run.note(given.line, _("A stored configuration is unknown."), given.file)
        return None


def _instance(run: Machine, _given: Arguments) -> Value:
    for parser in run.parsers:
        if isinstance(parser, Store):
            return parser
    store = Store()
    run.created(store)
    return store


def _main(_run: Machine, given: Arguments) -> Value:
    def decorate(run: Machine, inner: Arguments) -> Value:
        value = inner.get("task_function", 0, UNKNOWN)
        function = function_of(value)
        if function is None:
            return value
        command_line = CommandLine("hydra", given)
        run.created(command_line)
        folder = function.scope.module.path.parent

        def parse(run: Machine, _arguments: Arguments) -> Value:
            if not command_line.found:
                command_line.found.extend(_read(run, given, folder))
            run.parsed(command_line)
            if command_line.found:
                return Unknown()
            return run.call(value, Arguments((Unknown(),), line=given.line, file=given.file))

        return Native("main", parse)

    return Native("hydra.main", decorate)


def _read(run: Machine, given: Arguments, folder: Path) -> list[Declared]:
    name, path = given.get("config_name", 1, None), given.get("config_path", 0, None)
    if not isinstance(name, str) or not (path is None or isinstance(path, str)):
        text = _(
            "Hydra's configuration is not named with config_name, so its values are not known."
        )
        run.note(given.line, text, given.file)
        return []
    if isinstance(path, str) and path.startswith("pkg://"):
        text = _("Hydra's configuration in {path} is not read.")
        run.note(given.line, fill(text, path=printable(path, 100)), given.file)
        return []
    state = Composition(folder / (path or "."), _structured(run))
    if not compose(run, state, name):
        text = _("Hydra's configuration {name} was not found in the project.")
        run.note(given.line, fill(text, name=printable(name, 100)), given.file)
        return []
    for missing in dict.fromkeys(state.missing):
        text = _("The configuration {name} was not found or is chosen on the command line.")
        run.note(given.line, fill(text, name=printable(missing, 100)), given.file)
    if state.choices:
        chosen = ", ".join(f"{group}={option}" for group, option in state.choices.items())
        text = _(
            "Hydra's configuration groups can be exchanged on the command line; what is shown is "
            "that of {chosen}."
        )
        run.note(given.line, fill(text, chosen=printable(chosen, 200)), given.file)
    return list(state.values.values())


def _structured(run: Machine) -> dict[str, ConfigFile]:
    found: dict[str, ConfigFile] = {}
    for parser in run.parsers:
        if isinstance(parser, Store):
            for key, (node, given) in parser.nodes.items():
                package = given.get("package", 3, None)
                found[key] = _config(
                    run, node, given, package if isinstance(package, str) else None
                )
    return found


def _config(run: Machine, node: Value, given: Arguments, package: str | None) -> ConfigFile:
    values: dict[str, Declared] = {}
    defaults = None
    if isinstance(node, dict):
        for name, value in flat(node):
            if name == "defaults" and isinstance(value, list):
                defaults = value
            else:
                values[name] = declare_value(name, value, given.line, given.file)
        return ConfigFile(values, defaults, package)
    cls = node.cls if isinstance(node, Instance) else node
    if not isinstance(cls, Class):
        run.note(given.line, _("A stored configuration is unknown."), given.file)
        return ConfigFile()
    for one in declare_all(run, class_fields(run, cls), _STYLE, "", node):
        if one.name == "defaults" and isinstance(one.default, list):
            defaults = one.default
            continue
        missing = getattr(one.default, "name", "") == "omegaconf.MISSING"
        if missing or one.default == "???" or one.required:
            marker = declare_value(one.name, "???", one.line, one.file)
            one.default, one.required, one.notes = None, False, marker.notes
        values[one.name] = one
    return ConfigFile(values, defaults, package)


HYDRA: Final = Dialect(
    {
        "hydra.main": _main,
        "hydra.core.config_store.ConfigStore.instance": _instance,
        "hydra.core.config_store.ConfigStore": _instance,
    },
)
