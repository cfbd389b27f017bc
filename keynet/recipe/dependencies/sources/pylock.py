"""Read pylock.toml.

Source: PyPA specification "pylock.toml" (PEP 751).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

from keynet.recipe.dependencies.declared import Declared, Selection, canonical, flat
from keynet.recipe.dependencies.folder import Folder, invalid, table
from keynet.recipe.dependencies.pep508 import both, condition, usable
from keynet.text import _, fill, printable

__all__ = ["NAME", "read"]

NAME: Final = "pylock.toml"
_LONGEST: Final = 20_000
# All different markers together: each letter costs 5 µs.
_MOST_OF_MARKERS: Final = 250_000
_MOST: Final = 5_000


def read(folder: Folder, selection: Selection, name: str = NAME) -> Declared:
    """Return what a pylock.toml pins, or another file of this kind.

    Raises:
        ContextInvalid: It is not valid, or of another version.
    """
    document = folder.toml(name)
    if not str(document.get("lock-version", "")).startswith("1."):
        raise invalid(
            folder.where(name),
            fill(
                _("its version {version} is not known"),
                version=printable(document.get("lock-version")),
            ),
            _("Make it again, for example with: uv export -o pylock.toml"),
        )
    groups = _strings(document.get("dependency-groups"))
    wanted = {
        "extras": {canonical(name) for name in selection.extras},
        "dependency_groups": {
            *map(canonical, _strings(document.get("default-groups"))),
            *map(canonical, selection.groups),
        },
    }
    places = usable(str(document.get("requires-python") or ""))
    listed = document.get("packages", [])
    packages = (
        [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    )
    if len(packages) > _MOST:
        raise invalid(folder.where(name), _("it has too many packages"))
    # Most packages share a few markers.
    markers = dict.fromkeys(str(package.get("marker") or "") for package in packages)
    if sum(map(len, markers)) > _MOST_OF_MARKERS:
        raise invalid(folder.where(name), _("its markers are too long"))
    held = {text: _places(text, places, wanted) for text in markers}
    found = []
    for package in packages:
        where = held[str(package.get("marker") or "")]
        if where:
            found.append((package, condition(where, places)))
    hashed = all(_hashes(package) or "directory" in package for package, _marker in found)
    indexes = dict.fromkeys(
        str(package["index"])
        for package, _marker in found
        if hashed and isinstance(package.get("index"), str) and _is_special(package)
    )
    return Declared(
        name,
        (
            *(f"--extra-index-url {flat(url)}" for url in indexes),
            *(
                _line(folder.where(name), package, marker, hashed=hashed)
                for package, marker in found
            ),
        ),
        extras=frozenset(_strings(document.get("extras"))),
        groups=frozenset(groups),
        is_locked=True,
    )


def _places(
    text: str, places: list[tuple[str, str]], wanted: Mapping[str, set[str]]
) -> list[tuple[str, str]]:
    """Return where a marker is true; everywhere if there is none or it is not valid."""
    if not text or len(text) > _LONGEST:
        return places
    try:
        marker = Marker(text)
        return [place for place in places if _holds(marker, place, wanted)]
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, RecursionError):
        return places


def _holds(marker: Marker, place: tuple[str, str], wanted: Mapping[str, set[str]]) -> bool:
    python, machine = place
    return marker.evaluate(
        {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{python}.9",
            "python_version": python,
            "sys_platform": "linux",
            **wanted,
        },
        context="lock_file",
    )


def _line(path: Path, package: Mapping[str, Any], marker: str, *, hashed: bool) -> str:
    name, version = flat(str(package.get("name") or "")), flat(str(package.get("version") or ""))
    line = f"{name}=={version}"
    vcs, directory = table(package, "vcs"), table(package, "directory")
    archive = table(package, "archive")
    if vcs:
        url, commit = flat(str(vcs.get("url"))), flat(str(vcs.get("commit-id") or ""))
        inside = vcs.get("subdirectory")
        fragment = f"#subdirectory={flat(inside)}" if isinstance(inside, str) else ""
        line = f"{name} @ {vcs.get('type') or 'git'}+{url}@{commit}{fragment}"
    elif directory:
        line = f"-e {_path(directory)}"
    elif archive:
        remote = archive.get("url")
        line = f"{name} @ {flat(remote)}" if isinstance(remote, str) else _path(archive)
    elif not version:
        raise invalid(path, fill(_("{name} has no version"), name=printable(name, 100)))
    marker = both(marker)
    if marker:
        line = f"{line} ; {marker}"
    if hashed and not directory:
        line += "".join(f" --hash={each}" for each in _hashes(package))
    return line


def _path(found: Mapping[str, Any]) -> str:
    path = flat(str(found.get("path") or "."))
    return path if path.startswith(("/", ".")) else f"./{path}"


def _hashes(package: Mapping[str, Any]) -> tuple[str, ...]:
    wheels = package.get("wheels")
    files = [*(wheels if isinstance(wheels, list) else ()), package.get("sdist")]
    files.append(package.get("archive"))
    return tuple(
        f"sha256:{flat(str(value))}"
        for file in files
        if isinstance(file, dict)
        for name, value in table(file, "hashes").items()
        if name == "sha256" and str(value).isalnum()
    )


def _is_special(package: Mapping[str, Any]) -> bool:
    """Report whether only the index that made the lock has this build of the package."""
    return "+" in str(package.get("version") or "")


def _strings(found: object) -> list[str]:
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []
