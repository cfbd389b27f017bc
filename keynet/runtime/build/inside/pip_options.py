"""Read what pip would read (its settings, options of requirements files), for uv.

uv reads neither pip's settings nor all options of a requirements file, and lets the command line
win over a file. So all of it is merged here as pip merges it, and uv gets the result.

Source: pip's "Configuration" and "Requirements File Format".
"""

import configparser
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

# Settings that give other packages, and that uv does not have.
_ONLY_PIP = (
    *("prefer-binary", "use-feature", "use-deprecated", "config-settings", "global-option"),
    *("build-option", "install-option", "no-deps", "ignore-installed", "upgrade"),
    *("no-build-isolation", "force-reinstall", "ignore-requires-python"),
)
_LISTS = ("extra-index-url", "find-links", "trusted-host", "constraint", "no-binary", "only-binary")
_SWITCHES = ("pre", "no-index", "require-hashes")
_SINGLE = ("index-url", "proxy", "timeout", "retries")
_ALIASES = {"default-timeout": "timeout", "pypi-url": "index-url", "i": "index-url"}
_ALIASES.update({"f": "find-links", "r": "requirement", "c": "constraint", "e": "editable"})
_OPTION = re.compile(
    r"--?(?P<name>[a-z][a-z-]*)(?:\s*=\s*|\s+|(?<=^-[ifrce])|$)(?P<value>.*)", re.S
)
_OF_A_LINE = re.compile(r"\s--(?P<name>config-settings?|global-option|install-option)\b")
_COMMENT = re.compile(r"(?:^|\s+)#.*$")
_PYPI = "https://pypi.org/simple"
_FALSE = ("0", "false", "no", "off", "n", "f", "")


class Options:
    """Settings by pip's names, and the requirements files without the options among them."""

    def __init__(self, values: "dict[str, list[str]]", only_pip: "list[str]") -> None:
        self.values = values
        self.only_pip = only_pip
        self.texts: dict[Path, str] = {}

    def switched_on(self, name: str) -> bool:
        """Report whether a switch is set and not to a word for no."""
        return self.values.get(name, [""])[-1].lower() not in _FALSE

    def flags(self) -> "list[str]":
        """Return uv's flags; what may hold a password is in ``variables`` instead."""
        flags = []
        if self.switched_on("pre"):
            flags += ["--prerelease", "allow"]
        if self.switched_on("no-index"):
            flags.append("--no-index")
        if self.switched_on("require-hashes"):
            flags.append("--require-hashes")
        for name in ("no-binary", "only-binary"):
            for value in self.values.get(name, []):
                flags += ["--" + name, value]
        for value in self.values.get("constraint", []):
            flags += ["--constraint", value]
        return flags

    def variables(self) -> "dict[str, str]":
        """Return variables for uv: indexes, hosts, proxy, time limits."""
        found = {}
        values = self.values
        if not self.switched_on("no-index"):
            found["UV_DEFAULT_INDEX"] = " ".join(values.get("index-url", [])[-1:])
            found["UV_INDEX"] = " ".join(values.get("extra-index-url", []))
        found["UV_FIND_LINKS"] = ",".join(values.get("find-links", []))
        found["UV_INSECURE_HOST"] = " ".join(values.get("trusted-host", []))
        found["UV_HTTP_TIMEOUT"] = "".join(values.get("timeout", [])[-1:]).partition(".")[0]
        found["UV_HTTP_RETRIES"] = "".join(values.get("retries", [])[-1:])
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            found[name] = "".join(values.get("proxy", [])[-1:])
        return {name: value for name, value in found.items() if value}

    def indexes(self) -> "list[str]":
        """Return the URLs of the indexes that are asked, with their logins."""
        if self.switched_on("no-index"):
            return []
        first = self.values.get("index-url", [])[-1:] or [_PYPI]
        return first + self.values.get("extra-index-url", [])

    def write(self, folder: "Path") -> "Path":
        """Write the files for uv to a new folder, with links to archives next to them."""
        folder.mkdir()
        for source, text in self.texts.items():
            (folder / source.name).write_text(text, encoding="utf-8")
        for parent in {source.parent for source in self.texts}:
            for entry in parent.iterdir():
                if not (folder / entry.name).exists():
                    (folder / entry.name).symlink_to(entry)
        return folder


def configured(environment: "dict[str, str]", prefix: "Path") -> "dict[str, list[str]]":
    """Merge pip's settings: files by kind, then [global] < [install] < PIP_* variables."""
    sections: dict[str, dict[str, str]] = {"global": {}, "install": {}}
    for path in _files(environment, prefix):
        parser = configparser.RawConfigParser()
        try:
            parser.read(str(path), encoding="utf-8")
        except (OSError, UnicodeDecodeError, configparser.Error):
            # pip stops there. It is the base image's own file, and uv needs none of it.
            continue
        for section, found in sections.items():
            if parser.has_section(section):
                found.update(parser.items(section))
    merged = dict(sections["global"])
    merged.update(sections["install"])
    for name, value in environment.items():
        if name.startswith("PIP_") and value:
            merged[name[len("PIP_") :]] = value
    values: dict[str, list[str]] = {}
    for name, value in merged.items():
        key = name.lower().replace("_", "-").lstrip("-")
        values[_ALIASES.get(key, key)] = value.split()
    return values


def _files(environment: "dict[str, str]", prefix: "Path") -> "list[Path]":
    named = environment.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    home = Path(environment.get("HOME") or "/root")
    directories = environment.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    user = Path(environment.get("XDG_CONFIG_HOME") or str(home / ".config"))
    files = [Path(directory, "pip", "pip.conf") for directory in directories.split(":")]
    files += [Path("/etc/pip.conf"), home / ".pip" / "pip.conf", user / "pip" / "pip.conf"]
    files.append(prefix / "pip.conf")
    return [*files, Path(named)] if named else files


def read(file: "Path", settings: "dict[str, list[str]]") -> "Options":
    """Read requirements files with all that they include, over the settings."""
    known = (*_LISTS, *_SWITCHES, *_SINGLE)
    options = Options({name: list(settings[name]) for name in known if name in settings}, [])
    for name in _ONLY_PIP:
        if Options({name: settings.get(name, [""])}, []).switched_on(name):
            options.only_pip.append(f"pip's setting {name} is known to pip only")
    _read(file, options)
    return options


def _read(file: "Path", options: "Options") -> None:
    if file in options.texts:
        return
    options.texts[file] = ""
    kept = []
    for line in _logical_lines(file.read_text(encoding="utf-8")):
        text = _COMMENT.sub("", line).strip()
        found = _OPTION.fullmatch(text)
        name = _ALIASES.get(found.group("name"), found.group("name")) if found else ""
        if found and name in ("requirement", "constraint"):
            value = _unquoted(found.group("value"))
            # What a URL names, uv fetches itself.
            if "://" not in value:
                _read(file.parent / value, options)
        if found is None or name in ("requirement", "constraint", "editable"):
            kept.append(text)
            _note_line(text, options)
        else:
            _set(name, _unquoted(found.group("value")), file.parent, options)
    options.texts[file] = "".join(line + "\n" for line in kept)


def _note_line(text: str, options: "Options") -> None:
    if "--hash" in text:
        options.values["require-hashes"] = ["1"]
    found = _OF_A_LINE.search(text)
    if found:
        options.only_pip.append("a requirement has --" + found.group("name"))


def _set(name: str, value: str, folder: "Path", options: "Options") -> None:
    values = options.values
    if name == "index-url":
        # As pip does: the indexes of the settings, and those named before, no longer count.
        values["index-url"] = [value]
        values.pop("extra-index-url", None)
        values.pop("no-index", None)
    elif name == "no-index":
        values["no-index"] = ["1"]
        for index in ("index-url", "extra-index-url"):
            values.pop(index, None)
    elif name in _SWITCHES:
        values[name] = ["1"]
    elif name == "find-links" and (folder / value).exists():
        values.setdefault(name, []).append(str(folder / value))
    elif name in ("no-binary", "only-binary"):
        values.setdefault(name, []).extend(value.split(","))
    elif name in _LISTS:
        values.setdefault(name, []).append(value)
    else:
        options.only_pip.append(f"--{name} is known to pip only")


def _logical_lines(text: str) -> "Iterator[str]":
    """Join continued lines as pip does."""
    pending = ""
    for line in text.splitlines():
        if line.endswith("\\") and not _COMMENT.match(line):
            pending += line.rstrip("\\")
            continue
        joined = " " + line if pending and _COMMENT.match(line) else line
        yield pending + joined
        pending = ""
    if pending:
        yield pending


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return value.strip()
