"""OmegaConf: configurations from files and dicts that are merged with the command line."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keynet.script.dialects.command_line import CommandLine
from keynet.script.dialects.hydra.yaml_tree import declare_value, flat, parse, put
from keynet.script.interpreter.definitions import Instance
from keynet.script.interpreter.machine import Declared, Handler, Machine, Native
from keynet.script.interpreter.values import (
    MISSING,
    Arguments,
    PathValue,
    Unknown,
    Value,
    kind_of,
)
from keynet.text import _

if TYPE_CHECKING:
    from typing import Protocol

    class Reading(Protocol):
        """A structured configuration that may be a command line by itself."""

        read: bool


__all__ = ["HANDLERS", "CommandLineConfig", "Config"]


class Config(Instance):
    """A configuration; ``known`` is False if it may have more values."""

    def __init__(
        self, found: tuple[Declared, ...], of: "Reading | None" = None, *, known: bool = True
    ) -> None:
        super().__init__()
        self.found = found
        self.of = of
        self.known = known
        self.given_by_user = False

    def native(self, name: str) -> Value:
        """Return the method that reads the command line."""
        if name != "merge_with_cli":
            return MISSING
        return Native(name, lambda run, given: _merge_with_cli(run, self, given))


class CommandLineConfig(Config):
    """What ``OmegaConf.from_cli()`` returns."""

    def __init__(self) -> None:
        super().__init__(())
        self.given_by_user = True


def _load(run: Machine, given: Arguments) -> Value:
    path = given.get("file_", 0)
    text = path.text if isinstance(path, PathValue) else path
    found = run.read_file(Path(text)) if isinstance(text, str) and "\0" not in text else None
    parsed = parse(run, *found) if found is not None else None
    return Config(tuple(parsed.values.values()) if parsed else (), known=parsed is not None)


def _create(run: Machine, given: Arguments) -> Value:
    entries = given.get("obj", 0, None)
    if not isinstance(entries, dict) or run.spoiled(entries):
        return Config((), known=entries is None)
    named = flat(entries)
    return Config(tuple(declare_value(name, one, given.line, given.file) for name, one in named))


def _merge(run: Machine, given: Arguments) -> Value:
    values: dict[str, Declared] = {}
    known = not given.open
    configs = list(_configs(run, given))
    for config in configs:
        if not config.known:
            # It may have another value of each that comes before it.
            _forget_defaults(values)
        known = known and config.known
        for one in config.found:
            put(values, replace(one, notes=list(one.notes)))
    result = Config(tuple(values.values()), known=known)
    result.given_by_user = any(config.given_by_user for config in configs)
    if not any(config.given_by_user for config in configs):
        return result
    if not known:
        text = _("A configuration that is merged with the command line is not known.")
        run.note(given.line, text, given.file)
    command_line = CommandLine("omegaconf", given)
    structured = all(config.of is not None for config in configs if config.found)
    if structured and values:
        command_line.dialect = "dataclass"
    for config in configs:
        if config.of is not None:
            config.of.read = False
    command_line.found.extend(values.values())
    run.created(command_line)
    run.parsed(command_line, complete=False)
    return result


def _forget_defaults(values: dict[str, Declared]) -> None:
    for name, one in values.items():
        values[name] = replace(one, default=Unknown(kind_of(one.default)), notes=list(one.notes))


def _merge_with_cli(run: Machine, config: Config, given: Arguments) -> Value:
    both = (config, CommandLineConfig())
    _merge(run, Arguments(both, line=given.line, file=given.file))
    return None


def _configs(run: Machine, given: Arguments) -> Iterator[Config]:
    for part in given.positional:
        if isinstance(part, Config):
            yield part
        else:
            made = _create(run, Arguments((part,), line=given.line, file=given.file))
            yield made if isinstance(made, Config) else Config((), known=False)


def _nothing(_run: Machine, _given: Arguments) -> Value:
    return Unknown()


HANDLERS: Final[dict[str, Handler]] = {
    "omegaconf.OmegaConf.create": _create,
    "omegaconf.OmegaConf.load": _load,
    "omegaconf.OmegaConf.merge": _merge,
    "omegaconf.OmegaConf.unsafe_merge": _merge,
    "omegaconf.OmegaConf.set_struct": _nothing,
    "omegaconf.OmegaConf.resolve": _nothing,
}
