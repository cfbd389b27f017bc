"""Show uv the packages that an environment inherits, which it would not look for.

uv reads the metadata in an environment's own folder only. So the metadata of the inherited
packages is put there while uv resolves and installs: what fits is used, what does not is installed
into the environment, where it comes first on the import path. Nothing of the base is changed.

Source: PEP 376 and 627 (RECORD); setuptools, "requires.txt" of egg-info.
"""

import re
import shutil
from pathlib import Path

from keynet.runtime.build.inside.made_environment import Made

_MARK = "keynet: of the base"
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
# As far as uv has to be spared: it refuses folders whose version is not one of PEP 440.
_VERSION = re.compile(
    r"v?(?:\d+!)?\d+(?:\.\d+)*[._-]?(?:(?:a|b|c|rc|alpha|beta|pre|preview)[._-]?\d*)?"
    r"(?:-\d+|[._-]?(?:post|rev|r)[._-]?\d*)?(?:[._-]?dev[._-]?\d*)?"
    r"(?:\+[a-z0-9]+(?:[._-][a-z0-9]+)*)?",
    re.IGNORECASE,
)
_COPIED = ("direct_url.json",)


def show(made: "Made") -> None:
    """Put the metadata of each inherited package into the environment's own folder."""
    seen = set()
    for folder in made.path:
        try:
            entries = sorted(Path(folder).iterdir())
        except OSError:
            continue
        for entry in entries if Path(folder) != made.packages else ():
            text = _metadata(entry)
            if text is None:
                continue
            project, version = _field(text, "Name"), _field(text, "Version")
            key = re.sub(r"[-_.]+", "-", project).lower()
            if key in seen or not _NAME.fullmatch(project) or not _VERSION.fullmatch(version):
                continue
            seen.add(key)
            _write(made.packages, entry, key.replace("-", "_"), version, text)


def hide(made: "Made") -> None:
    """Remove what ``show`` has put there, as far as it has not been replaced."""
    for folder in made.packages.glob("*.dist-info"):
        installer = folder / "INSTALLER"
        if installer.is_file() and installer.read_text(encoding="utf-8").strip() == _MARK:
            shutil.rmtree(str(folder))


def _metadata(path: "Path") -> "str | None":
    """Return the text of METADATA or PKG-INFO; None if the path is something else."""
    if path.suffix == ".dist-info":
        file = path / "METADATA"
    elif path.suffix == ".egg-info":
        file = path / "PKG-INFO" if path.is_dir() else path
    else:
        return None
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    required = path / "requires.txt"
    if path.suffix == ".egg-info" and path.is_dir() and required.is_file():
        head, blank, body = text.partition("\n\n")
        lines = _requires(required.read_text(encoding="utf-8", errors="replace"))
        text = "\n".join([head, *lines]) + blank + body
    return text


def _requires(text: str) -> "list[str]":
    """Translate requires.txt, in which sections stand for extras and markers."""
    lines, condition = [], ""
    for line in (each.strip() for each in text.splitlines()):
        if line.startswith("["):
            extra, _colon, marker = line.strip("[]").partition(":")
            if extra:
                lines.append("Provides-Extra: " + extra)
            wanted = [f'extra == "{extra}"'] if extra else []
            wanted += [f"({marker})"] if marker else []
            condition = " and ".join(wanted)
        elif line:
            lines.append("Requires-Dist: " + line + ("; " + condition if condition else ""))
    return lines


def _field(text: str, name: str) -> str:
    found = re.search(rf"^{name}:[ \t]*(\S*)[ \t]*$", text.partition("\n\n")[0], re.M)
    return found.group(1) if found else ""


def _write(packages: "Path", source: "Path", name: str, version: str, text: str) -> None:
    folder = packages / "{}-{}.dist-info".format(name, version.replace("-", "_"))
    try:
        folder.mkdir()
    except FileExistsError:
        return
    files = {"METADATA": text, "INSTALLER": _MARK + "\n"}
    for copied in _COPIED:
        if (source / copied).is_file():
            files[copied] = (source / copied).read_text(encoding="utf-8", errors="replace")
    # uv removes exactly these if it installs another version.
    files["RECORD"] = "".join(f"{folder.name}/{file},,\n" for file in [*files, "RECORD"])
    for file, content in files.items():
        (folder / file).write_text(content, encoding="utf-8")
