"""Read a configuration file: its defaults list, its package, and its values by dotted name."""

import re
from collections.abc import Iterator
from dataclasses import field
from typing import Any, Final

from keynet.frozen import frozen
from keynet.script.conversion import element_kind
from keynet.script.interpreter.machine import Declared, Machine
from keynet.script.interpreter.values import Unknown
from keynet.text import _

__all__ = ["ConfigFile", "declare_value", "flat", "parse", "put"]

_DEEPEST: Final = 24
_PACKAGE: Final = re.compile(rb"^\s*#\s*@package\s+(\S+)", re.MULTILINE)
# As OmegaConf reads numbers: 1e-3 is a float, which YAML 1.1 takes for text.
_FLOAT: Final = re.compile(
    r"^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?(?:[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)"
    r"|\.[0-9_]+(?:[eE][-+][0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)


@frozen
class ConfigFile:
    """One configuration: ``package`` is None without a header, ``defaults`` without a list."""

    values: dict[str, Declared] = field(default_factory=dict)
    defaults: list[Any] | None = None
    package: str | None = None


def parse(run: Machine, content: bytes, file: str) -> ConfigFile | None:
    """Read a YAML file; None when it is not a mapping.

    Args:
        file: Its path as shown to people.
    """
    import yaml

    loader = None
    try:
        loader = _loader()(content)
        node = loader.get_single_node()
        if node is None:
            return ConfigFile(package=_package(content))
        if not isinstance(node, yaml.MappingNode):
            return None
        values: dict[str, Declared] = {}
        defaults = None
        for name, line, value in _leaves(run, loader, node, "", 0):
            if name == "defaults" and isinstance(value, list):
                defaults = value
            else:
                values[name] = declare_value(name, value, line, file)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError, TypeError):
        return None
    finally:
        if loader is not None:
            loader.dispose()
    return ConfigFile(values, defaults, _package(content))


def _package(content: bytes) -> str | None:
    found = _PACKAGE.search(content[:2_000])
    return found[1].decode("utf-8", "replace") if found else None


def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """A loader that takes numbers and dates as OmegaConf does."""

        yaml_implicit_resolvers = {  # noqa: RUF012
            first: [
                (tag, pattern)
                for tag, pattern in resolvers
                if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:float")
            ]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
    return Loader


def _leaves(
    run: Machine, loader: Any, node: Any, prefix: str, depth: int
) -> Iterator[tuple[str, int, Any]]:
    """Iterate over name, line and value of everything below a mapping that is not one itself."""
    import yaml

    if depth > _DEEPEST:
        raise ValueError
    loader.flatten_mapping(node)
    for key_node, value_node in node.value:
        run.limits.spend(4)
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str | int | float) or not str(key).isprintable():
            raise ValueError
        name = f"{prefix}{key}"
        if isinstance(value_node, yaml.MappingNode) and value_node.value:
            yield from _leaves(run, loader, value_node, f"{name}.", depth + 1)
        else:
            value = loader.construct_object(value_node, deep=True)
            yield name, key_node.start_mark.line + 1, value


def declare_value(name: str, value: Any, line: int, file: str) -> Declared:
    """Declare one value; ``???`` is one that has to be set before it is used."""
    if value == "???":
        return Declared(name, "", None, line=line, file=file, notes=[_missing_note()])
    if value is None:
        return Declared(name, "", None, line=line, file=file)
    if isinstance(value, dict | list):
        kind = element_kind(value) if isinstance(value, list) else "str"
        return Declared(name, kind or "str", value, line=line, file=file)
    known = isinstance(value, bool | int | float | str)
    kind = type(value).__name__ if known else "str"
    return Declared(name, kind, value if known else Unknown(), line=line, file=file)


def _missing_note() -> str:
    return _("This value is missing in the configuration and has to be set before it is used.")


def flat(node: dict[Any, Any], prefix: str = "", depth: int = 0) -> list[tuple[str, Any]]:
    """Return name and value of everything in a dict that is not one itself."""
    found: list[tuple[str, Any]] = []
    for key, value in node.items():
        if isinstance(value, dict) and value and depth < _DEEPEST:
            found.extend(flat(value, f"{prefix}{key}.", depth + 1))
        else:
            found.append((f"{prefix}{key}", value))
    return found


def put(values: dict[str, Declared], new: Declared) -> None:
    """Set one value in a tree; what a schema says of its type stays."""
    old = values.get(new.name)
    below = [name for name in values if name.startswith(new.name + ".")]
    if new.default == {} and below:
        return
    if _missing_note() in new.notes and (below or old is not None):
        # A value that is missing replaces none.
        return
    if old is not None:
        schema = old.choices is not None or not new.kind
        values[new.name] = Declared(
            new.name,
            old.kind if schema or (old.kind, new.kind) == ("float", "int") else new.kind,
            new.default,
            help=new.help or old.help,
            choices=old.choices,
            line=new.line,
            file=new.file,
            notes=new.notes,
        )
        return
    parts = new.name.split(".")
    for count in range(1, len(parts)):
        values.pop(".".join(parts[:count]), None)
    for name in below:
        del values[name]
    values[new.name] = new
