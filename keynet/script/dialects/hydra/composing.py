"""Compose a configuration from its defaults list, as Hydra does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from keynet.frozen import frozen
from keynet.script.dialects.hydra.yaml_tree import ConfigFile, parse, put
from keynet.script.interpreter.machine import Declared, Machine
from keynet.script.interpreter.values import Unknown
from keynet.text import _, fill, printable

__all__ = ["Composition", "compose"]

_MOST_FILES: Final = 100
_DEEPEST: Final = 12
_REFERENCE: Final = re.compile(r"\$\{([\w.]+)\}")


@dataclass(slots=True)
class Composition:
    """A composition under way.

    Args:
        folder: Where the files are; None when there are only structured configurations.
        stored: Structured configurations by ``group/name``.
        choices: The option chosen for each group.
        missing: Configurations that were not found.
    """

    folder: Path | None
    stored: dict[str, ConfigFile]
    values: dict[str, Declared] = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    overrides: dict[str, str] = field(default_factory=dict)
    read: dict[str, ConfigFile | None] = field(default_factory=dict)


def compose(run: Machine, state: Composition, name: str) -> bool:
    """Fill ``state.values`` from the primary configuration; report whether it was found."""
    primary = _find(run, state, name)
    if primary is None:
        return False
    _collect_overrides(run, state, primary, "", 0)
    _merge(run, state, primary, name, "", 0)
    _resolve(state.values)
    return True


def _find(run: Machine, state: Composition, name: str) -> ConfigFile | None:
    name = name.removesuffix(".yaml").removesuffix(".yml").strip("/")
    if name not in state.read and len(state.read) < _MOST_FILES:
        state.read[name] = _read(run, state, name)
    return state.read.get(name)


def _read(run: Machine, state: Composition, name: str) -> ConfigFile | None:
    if state.folder is not None and ".." not in name.split("/"):
        for suffix in (".yaml", ".yml"):
            found = run.read_file(state.folder / f"{name}{suffix}")
            if found is not None:
                content, shown = found
                parsed = parse(run, content, shown)
                if parsed is None:
                    run.note(1, _("This configuration file cannot be read."), shown)
                return parsed or ConfigFile()
    return state.stored.get(name)


@frozen
class _Entry:
    """One entry of a defaults list; ``group`` is "" for a file of the same group."""

    option: Any
    group: str = ""
    package: str | None = None
    override: bool = False
    optional: bool = False


def _entries(defaults: list[Any]) -> Iterator[_Entry]:
    for item in defaults:
        if isinstance(item, str):
            option, _at, package = item.partition("@")
            yield _Entry(option, package=package or None)
        elif isinstance(item, dict) and len(item) == 1:
            [(key, option)] = item.items()
            words = str(key).split()
            if not words:
                continue
            group, _at, package = words[-1].partition("@")
            yield _Entry(
                option, group, package or None, "override" in words[:-1], "optional" in words[:-1]
            )


def _collect_overrides(
    run: Machine, state: Composition, config: ConfigFile, parent: str, depth: int
) -> None:
    """Collect what defaults lists override before anything is merged, the outer ones first."""
    run.limits.spend(20)
    entries = list(_entries(config.defaults or []))
    for entry in entries:
        if entry.override and isinstance(entry.option, str):
            state.overrides.setdefault(_group(entry, parent), entry.option)
    for entry in entries:
        if entry.override or entry.option == "_self_" or depth >= _DEEPEST:
            continue
        for option in entry.option if isinstance(entry.option, list) else [entry.option]:
            group = _group(entry, parent)
            chosen = state.overrides.get(group, option) if entry.group else option
            if not isinstance(chosen, str) or group.split("/")[0] == "hydra":
                continue
            name = _name(group, chosen)
            found = _find(run, state, name)
            if found is not None:
                _collect_overrides(run, state, found, name.rpartition("/")[0], depth + 1)


def _group(entry: _Entry, parent: str) -> str:
    group = entry.group.strip("/")
    if entry.group.startswith("/"):
        return group
    return "/".join(part for part in (parent, group) if part)


def _name(group: str, option: str) -> str:
    if option.startswith("/"):
        return option.lstrip("/")
    return "/".join(part for part in (group, option) if part)


def _merge(
    run: Machine, state: Composition, config: ConfigFile, path: str, package: str, depth: int
) -> None:
    """Merge a configuration after and before what its defaults list names."""
    run.limits.spend(20)
    entries = list(_entries(config.defaults or []))
    # Without _self_, a configuration comes after its defaults.
    own = next((n for n, e in enumerate(entries) if e.option == "_self_"), len(entries))
    parent = path.rpartition("/")[0]
    for number, entry in enumerate([*entries, None]):
        if number == own:
            _put_all(state, config, package)
        if entry is None or entry.option == "_self_" or entry.override or depth >= _DEEPEST:
            continue
        options = entry.option if isinstance(entry.option, list) else [entry.option]
        for option in options:
            _merge_option(run, state, entry, option, (parent, package), depth)


def _merge_option(
    run: Machine, state: Composition, entry: _Entry, option: Any, below: tuple[str, str], depth: int
) -> None:
    parent, package = below
    group = _group(entry, parent)
    option = state.overrides.get(group, option) if entry.group else option
    if group.split("/")[0] == "hydra" or option is None:
        return
    text = str(option)
    if entry.group:
        state.choices[f"{group}@{entry.package}" if entry.package else group] = text
    if text == "???" or "${" in text:
        state.missing.append(group or text)
        return
    name = _name(group, text)
    found = _find(run, state, name)
    if found is None:
        if not entry.optional:
            state.missing.append(name)
        return
    inner = _package_of(found, entry, name, parent, package)
    _merge(run, state, found, name.removesuffix(".yaml"), inner, depth + 1)


def _package_of(config: ConfigFile, entry: _Entry, name: str, parent: str, package: str) -> str:
    group = name.rpartition("/")[0]
    usual = group.replace("/", ".")
    if parent and group.startswith(parent) and package != parent.replace("/", "."):
        # Below a configuration that was moved to another package.
        rest = group[len(parent) :].strip("/").replace("/", ".")
        usual = ".".join(part for part in (package, rest) if part)
    wanted = entry.package if entry.package is not None else config.package
    if wanted is None:
        return usual
    if wanted.startswith("_global_"):
        return wanted.removeprefix("_global_").lstrip(".")
    if wanted.startswith("_here_"):
        return ".".join(p for p in (package, wanted.removeprefix("_here_").lstrip(".")) if p)
    wanted = wanted.replace("_group_", usual)
    if entry.package is not None and package:
        return f"{package}.{wanted}"
    return wanted


def _put_all(state: Composition, config: ConfigFile, package: str) -> None:
    for one in config.values.values():
        name = f"{package}.{one.name}" if package else one.name
        if name.split(".")[0] == "hydra":
            continue
        put(
            state.values,
            Declared(
                name, one.kind, one.default, one.required, one.help, one.choices, one.line,
                one.file, list(one.notes),
            ),
        )  # fmt: skip


def _resolve(values: dict[str, Declared]) -> None:
    """Follow references to other values; anything that is computed is unknown."""
    for one in values.values():
        target, seen = one, 0
        while isinstance(target.default, str) and "${" in target.default and seen < _DEEPEST:
            match = _REFERENCE.fullmatch(target.default)
            other = values.get(match[1]) if match else None
            if other is None:
                break
            target, seen = other, seen + 1
        if target is one and not (isinstance(one.default, str) and "${" in one.default):
            continue
        if isinstance(target.default, str) and "${" in target.default:
            text = _("it is computed from other values of the configuration ({value})")
            why = fill(text, value=printable(target.default, 100))
            one.default, one.kind = Unknown(why=why), "str"
        else:
            one.default, one.kind = target.default, one.kind if one.choices else target.kind
