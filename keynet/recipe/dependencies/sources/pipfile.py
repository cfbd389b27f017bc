"""Read Pipfile.lock, else Pipfile.

Source: Pipenv documentation, "Pipfile & Pipfile.lock".
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from keynet.errors import ContextInvalid
from keynet.recipe.dependencies.declared import Declared, Selection, canonical, flat
from keynet.recipe.dependencies.folder import Folder, invalid, table
from keynet.recipe.dependencies.pep508 import PLACES, holds
from keynet.recipe.dependencies.sources import constraints, pins
from keynet.recipe.dependencies.sources.constraints import Untranslatable
from keynet.text import _, fill, printable

__all__ = ["LOCK", "NAME", "python", "read"]

NAME: Final = "Pipfile"
LOCK: Final = "Pipfile.lock"
_EXPORT: Final = "pipenv requirements > requirements.txt"
_LARGEST: Final = 2_000_000
# Sections of a Pipfile that list no packages.
_OTHERS: Final = ("source", "requires", "scripts", "pipenv", "packages")


def read(folder: Folder, selection: Selection) -> Declared:
    """Return what Pipfile.lock pins, or Pipfile without it.

    Raises:
        ContextInvalid: A file is not valid, or has what pip cannot express.
    """
    pipfile = folder.toml(NAME, _LARGEST) if folder.has(NAME) else {}
    if folder.has(LOCK):
        return _locked(folder, pipfile, selection)
    only = {**_indexes(pipfile), **_unknown(pipfile)}
    packages = dict(table(pipfile, "packages"))
    lines = _lines(folder, NAME, packages, only)
    groups = {
        _group(name): section
        for name, section in pipfile.items()
        if name not in _OTHERS and isinstance(section, dict)
    }
    for group, section in groups.items():
        if selection.has_group(group):
            lines += _lines(folder, NAME, section, only)
            packages |= section
    return Declared(
        NAME,
        (*_options(pipfile), *lines),
        groups=frozenset(groups),
        pins=_pins(packages, only),
    )


def python(folder: Folder) -> str:
    """Return the Python that the Pipfile requires, as a specifier; "" if it names none."""
    try:
        requires = table(folder.toml(NAME, _LARGEST), "requires")
    except ContextInvalid:
        return ""
    version = requires.get("python_full_version") or requires.get("python_version")
    return f"=={version}.*" if isinstance(version, str) and version[:1].isdigit() else ""


def _locked(folder: Folder, pipfile: Mapping[str, Any], selection: Selection) -> Declared:
    try:
        document = json.loads(folder.read(LOCK))
    except (ValueError, RecursionError) as error:
        raise invalid(folder.where(LOCK), printable(error, 200)) from error
    default = table(document, "default")
    _check(folder, table(pipfile, "packages"), default)
    packages = dict(default)
    groups = {_group(name) for name in table(document) if name not in ("_meta", "default")}
    for name, section in table(document).items():
        if name not in ("_meta", "default") and selection.has_group(_group(name)):
            packages |= section if isinstance(section, dict) else {}
    listed = table(pipfile, "packages")
    # Pipenv loses some markers on the way to the lock.
    packages = {
        name: entry
        for name, entry in packages.items()
        if _is_for_linux(entry) and _is_for_linux(listed.get(name))
    }
    hashed = all(
        isinstance(entry, dict) and _strings(entry.get("hashes")) for entry in packages.values()
    )
    sources = {"source": table(document, "_meta").get("sources")}
    only = {} if hashed else _indexes(sources)
    lines = _lines(folder, LOCK, packages, only)
    if hashed:
        lines = [
            line + "".join(f" --hash={flat(each)}" for each in _strings(entry["hashes"]))
            for line, entry in zip(lines, packages.values(), strict=True)
        ]
    return Declared(
        LOCK,
        (*_options(sources, everything=hashed), *lines),
        groups=frozenset(groups),
        is_locked=True,
        pins=_pins(packages, only),
    )


def _is_for_linux(entry: object) -> bool:
    marker = constraints.marker(entry) if isinstance(entry, dict) else ""
    return not marker or any(holds(marker, place) for place in PLACES)


def _check(folder: Folder, wanted: Mapping[str, Any], locked: Mapping[str, Any]) -> None:
    names = {name.lower().replace("_", "-") for name in locked}
    missing = [name for name in wanted if name.lower().replace("_", "-") not in names]
    if missing:
        raise ContextInvalid(
            fill(
                _("{lock} does not fit {pipfile}: it does not have {names}."),
                lock=folder.where(LOCK),
                pipfile=folder.where(NAME),
                names=printable(", ".join(missing[:5]), 200),
            ),
            fill(_("Update the lock: {command}"), command="pipenv lock"),
        )


def _lines(
    folder: Folder, file: str, packages: Mapping[str, Any], only: Mapping[str, str]
) -> list[str]:
    """Return one line for each package.

    Args:
        only: Sources that pip could mix up with others, and their URLs, "" for one that a build
            cannot ask.
    """
    found = []
    for name, entry in packages.items():
        try:
            _check_index(entry, only)
            found.append(constraints.line(name, entry))
        except Untranslatable as error:
            raise ContextInvalid(
                fill(
                    _("{path} has {name}, which pip cannot express ({reason})."),
                    path=folder.where(file),
                    name=printable(name, 100),
                    reason=printable(error, 200),
                ),
                fill(_("Run: {command}"), command=f"pipenv lock && {_EXPORT}"),
            ) from error
    return found


def _pins(packages: Mapping[str, Any], only: Mapping[str, str]) -> dict[str, str]:
    return {
        canonical(name): only[entry["index"]]
        for name, entry in packages.items()
        if isinstance(entry, dict) and only.get(str(entry.get("index")))
    }


def _check_index(entry: object, only: Mapping[str, str]) -> None:
    if isinstance(entry, dict) and only.get(str(entry.get("index"))) == "":
        raise Untranslatable(f"index = {entry.get('index')}")


def _unknown(pipfile: Mapping[str, Any]) -> dict[str, str]:
    """Return the sources that packages name and the file lacks: no other may stand for them."""
    known = {str(source.get("name")) for source in _sources(pipfile)} or {"pypi"}
    entries = [entry for section in pipfile.values() for entry in table(section).values()]
    named = [entry.get("index") for entry in entries if isinstance(entry, dict)]
    return {str(name): "" for name in named if name is not None and str(name) not in known}


def _options(pipfile: Mapping[str, Any], *, everything: bool = False) -> list[str]:
    """Return the options for the sources; the usual one stands for the index of this machine."""
    sources = [source for source in _sources(pipfile) if isinstance(source.get("url"), str)]
    found = []
    for number, source in enumerate(sources):
        is_usual = source.get("name") == "pypi" or "pypi.org" in source["url"]
        if not is_usual and (number == 0 or everything):
            option = "--index-url" if number == 0 else "--extra-index-url"
            found.append(f"{option} {flat(source['url'])}")
    return found


def _indexes(pipfile: Mapping[str, Any]) -> dict[str, str]:
    return {str(source.get("name")): pins.usable(source) for source in _sources(pipfile)[1:]}


def _sources(pipfile: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = pipfile.get("source")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _group(name: str) -> str:
    return {"dev-packages": "dev", "develop": "dev"}.get(name, name)


def _strings(found: object) -> list[str]:
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []
