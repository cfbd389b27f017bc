"""Read the project and the dependencies of Poetry's own table in a pyproject.toml.

Source: Poetry documentation, "The pyproject.toml file", "Repositories".
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from keynet.errors import ContextInvalid
from keynet.recipe.dependencies.declared import canonical, flat
from keynet.recipe.dependencies.folder import Folder, table
from keynet.recipe.dependencies.pep508 import both, parse, specifiers
from keynet.recipe.dependencies.project_metadata import Metadata
from keynet.recipe.dependencies.sources import constraints, pins
from keynet.recipe.dependencies.sources.constraints import Untranslatable
from keynet.text import _, fill, printable

__all__ = ["EXPORT", "PLACES", "metadata", "placed", "unlocked_source"]

# It stands for the index that the user's own settings name.
_PUBLIC: Final = "https://pypi.org/simple"
EXPORT: Final = "poetry export -o requirements.txt"
_NAME: Final = "pyproject.toml"
# Keys of a dependency that comes from no index.
PLACES: Final = frozenset(["path", "file", "url", "git"])
_PARTS: Final = ("rev", "tag", "branch", "subdirectory", "extras")


def metadata(folder: Folder, document: Mapping[str, Any]) -> Metadata:
    """Return what ``[tool.poetry]`` says.

    Raises:
        ContextInvalid: A dependency has a form that pip cannot express.
    """
    own = table(document, "tool", "poetry")
    dependencies = table(own, "dependencies")
    urls = _urls(own)
    listed: list[str] = []
    optional: dict[str, list[str]] = {}
    for name, entry in dependencies.items():
        if canonical(name) == "python":
            continue
        lines = _lines(folder, name, entry, urls)
        if isinstance(entry, dict) and entry.get("optional") is True:
            optional[canonical(name)] = lines
        else:
            listed += lines
    extras = {
        extra: tuple(line for name in _strings(names) for line in optional.get(canonical(name), ()))
        for extra, names in table(own, "extras").items()
    }
    return Metadata(
        files=(_NAME,),
        name=str(own.get("name") or ""),
        version=str(own.get("version") or ""),
        requires=tuple(listed),
        options=_indexes(own),
        extras=extras,
        groups=_groups(folder, own, urls),
        requires_python=_python(dependencies.get("python")),
        entry_points=_entry_points(own),
        import_paths=tuple(
            str(package["from"])
            for package in own.get("packages") or ()
            if isinstance(package, dict) and isinstance(package.get("from"), str)
        ),
        is_package=own.get("package-mode", True) is not False and bool(own.get("name")),
        compiles=bool(own.get("build")),
        pins=_pins(own, urls),
    )


def placed(document: Mapping[str, Any], lines: Iterable[str], group: str = "") -> tuple[str, ...]:
    """Return requirements of ``[project]``, each from the place that Poetry's table has for it.

    Args:
        document: ``metadata`` has read it without an error.
        lines: The requirements, which may be those of a dependency group.
        group: Its name.
    """
    own = table(document, "tool", "poetry")
    of_group = {canonical(name): found for name, found in _group_tables(own).items()}
    listed_there = {**table(own, "dependencies"), **of_group.get(canonical(group), {})}
    entries = {
        canonical(name): entry if isinstance(entry, list) else [entry]
        for name, entry in listed_there.items()
    }
    found: list[str] = []
    for line in lines:
        requirement = parse(line) if line[:1] not in "-./" else None
        listed = entries.get(canonical(requirement.name), []) if requirement else []
        if requirement is None or requirement.url or not any(map(_has_place, listed)):
            found.append(line)
            continue
        name, extras = requirement.name, sorted(requirement.extras)
        for entry in listed:
            markers = both(str(requirement.marker or ""), constraints.marker(entry))
            place = {key: entry[key] for key in (*PLACES, *_PARTS) if key in entry}
            if not _has_place(entry):
                place["version"] = str(requirement.specifier)
            found.append(constraints.line(name, {"extras": extras, **place, "markers": markers}))
    return tuple(found)


def _has_place(entry: object) -> bool:
    return isinstance(entry, dict) and bool(PLACES & entry.keys())


def unlocked_source(document: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the package sources that Poetry asks for named packages only."""
    return frozenset(
        str(source.get("name"))
        for source in _sources(table(document, "tool", "poetry"))
        if source.get("priority") in ("explicit", "supplemental", "secondary")
    )


def _group_tables(own: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    tables = {name: table(group, "dependencies") for name, group in table(own, "group").items()}
    if table(own, "dev-dependencies"):
        tables.setdefault("dev", table(own, "dev-dependencies"))
    return tables


def _groups(
    folder: Folder, own: Mapping[str, Any], urls: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    return {
        group: tuple(
            line
            for name, entry in dependencies.items()
            if canonical(name) != "python"
            for line in _lines(folder, name, entry, urls, required=False)
        )
        for group, dependencies in _group_tables(own).items()
    }


def _pins(own: Mapping[str, Any], urls: Mapping[str, str]) -> dict[str, str]:
    return {
        canonical(name): urls[entry["source"]]
        for dependencies in (*_group_tables(own).values(), table(own, "dependencies"))
        for name, entry in dependencies.items()
        if isinstance(entry, dict) and entry.get("source") in urls
    }


def _urls(own: Mapping[str, Any]) -> dict[str, str]:
    """Return the sources that a build can ask, by name."""
    return {
        str(source["name"]): url
        for source in _sources(own)
        if isinstance(source.get("name"), str) and (url := pins.usable(source))
    }


def _lines(
    folder: Folder,
    name: str,
    entry: object,
    urls: Mapping[str, str],
    *,
    required: bool = True,
) -> list[str]:
    found = []
    for each in entry if isinstance(entry, list) else [entry]:
        try:
            _check_source(each, urls, one=each is entry)
            found.append(constraints.line(name, each))
        except Untranslatable as error:
            if not required:
                return []
            raise ContextInvalid(
                fill(
                    _("{path}: [tool.poetry.dependencies] has {name}, which pip cannot express "
                      "({reason})."),
                    path=folder.where(_NAME),
                    name=printable(name, 100),
                    reason=printable(error, 200),
                ),
                fill(_("Run: {command}"), command=EXPORT),
            ) from error  # fmt: skip
    return found


def _check_source(entry: object, urls: Mapping[str, str], *, one: bool) -> None:
    """Refuse a source that is not known, or one of several alternatives."""
    source = entry.get("source") if isinstance(entry, dict) else None
    if isinstance(source, str) and not (one and source in urls):
        raise Untranslatable(f"source = {source}")


def _indexes(own: Mapping[str, Any]) -> tuple[str, ...]:
    primary = [
        url
        for source in _sources(own)
        if (url := flat(str(source.get("url") or "")))
        and not url.startswith(_PUBLIC)
        and source.get("priority", "primary") in ("primary", "default")
        and not source.get("secondary")
    ]
    return tuple(
        f"{option} {url}"
        for option, url in zip(
            ["--index-url", *["--extra-index-url"] * len(primary)], primary, strict=False
        )
    )


def _sources(own: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = own.get("source")
    return (
        [source for source in found if isinstance(source, dict)] if isinstance(found, list) else []
    )


def _python(entry: object) -> str:
    try:
        found = constraints.version(entry) if isinstance(entry, str) else ""
    except Untranslatable:
        return ""
    return found if specifiers(found) is not None else ""


def _entry_points(own: Mapping[str, Any]) -> dict[str, tuple[tuple[str, str], ...]]:
    groups = {**table(own, "plugins"), "console_scripts": table(own, "scripts")}
    return {
        group: tuple((name, value) for name, value in points.items() if isinstance(value, str))
        for group, points in groups.items()
        if isinstance(points, dict)
    }


def _strings(found: object) -> list[str]:
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []
