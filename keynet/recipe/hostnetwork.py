"""How this host reaches the network: proxies, certificate authorities, package index."""

import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from keynet.errors import ContextInvalid
from keynet.events import Notice
from keynet.files import limited_read
from keynet.frozen import frozen
from keynet.plan import HostNetwork
from keynet.recipe import certificates
from keynet.recipe.packages import index_logins
from keynet.secret import Secret
from keynet.text import _, fill, printable, stacked

__all__ = ["Detected", "detect", "index_hosts", "index_origins"]

_LARGEST: Final = 1_000_000
_PROXIES: Final = ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "ftp_proxy")
# Settings of where packages come from; others are the developer's preferences.
_SINGLE: Final = ("index-url", "proxy", "timeout", "retries", "no-index")
_LISTS: Final = ("extra-index-url", "find-links", "trusted-host")
_OF_URLS: Final = ("index-url", "extra-index-url", "find-links")
_ALIASES: Final = {"default-timeout": "timeout", "pypi-url": "index-url"}
_UV_NAME: Final = r"^[A-Za-z0-9._-]+=(?=[A-Za-z][A-Za-z0-9+.-]*:|[/.])"


@frozen
class Detected:
    """The host's settings, with notices on those that do not work inside a build."""

    network: HostNetwork
    notices: tuple[Notice, ...] = ()


def detect(
    environment: Mapping[str, str],
    home: Path,
    *,
    global_files: tuple[Path, ...] | None = None,
    site_prefix: Path | None = None,
) -> Detected:
    """Read proxies, pip's (else uv's) settings and the CA bundle as tools on this host do.

    What cannot be read is ignored with a warning: many builds need none of it.

    Args:
        global_files: pip.conf of the machine, least important first; by default where pip looks.
        site_prefix: The environment whose pip.conf is read; by default this Python's.
    """
    notices: list[Notice] = []
    files = _pip_files(environment, home, global_files, site_prefix or Path(sys.prefix))
    settings = _pip_settings(environment, files, notices)
    if not {"index-url", "extra-index-url", "find-links", "no-index"} & settings.keys():
        settings |= _uv_settings(environment)
    usable = _without_local(settings, notices)
    if "client-cert" in settings:
        notices.append(
            Notice(_("pip's client certificate is a private key and is not sent into the build."))
        )
    usable = _with_netrc(usable, environment, home)
    network = HostNetwork(
        proxies=_proxies(environment),
        ca_bundle=_ca_bundle(environment, _one(settings.get("cert", [])), notices),
        pip_conf=Secret(_pip_conf(usable)) if usable else None,
    )
    return Detected(network, tuple(notices))


def index_hosts(network: HostNetwork) -> frozenset[str]:
    """Return host[:port] of every package index that the user's own settings name."""
    return frozenset(origin.partition("://")[2] for origin in index_origins(network))


def index_origins(network: HostNetwork) -> frozenset[str]:
    """Return scheme://host[:port] of every package index that the user's own settings name."""
    text = network.pip_conf.reveal() if network.pip_conf is not None else ""
    urls = (urlsplit(word) for word in text.split() if _is_remote(word))
    return frozenset(
        f"{url.scheme.lower()}://{url.netloc.rpartition('@')[2].lower()}" for url in urls
    )


def _ca_bundle(
    environment: Mapping[str, str], pip_cert: str | None, notices: list[Notice]
) -> bytes | None:
    try:
        return certificates.bundle(environment, pip_cert)
    except ContextInvalid as error:
        notices.append(Notice(stacked(error.message, error.hint)))
        return None


def _proxies(environment: Mapping[str, str]) -> dict[str, Secret]:
    """Return both spellings of each, since programs differ in which one they read."""
    proxies = {}
    for name in _PROXIES:
        value = environment.get(name) or environment.get(name.upper())
        if value:
            proxies[name] = proxies[name.upper()] = Secret(value)
    return dict(sorted(proxies.items()))


def _pip_settings(
    environment: Mapping[str, str], files: Iterable[Path], notices: list[Notice]
) -> dict[str, list[str]]:
    """Merge as pip does: files by kind, then [global] < [install] < PIP_* variables."""
    sections: dict[str, dict[str, list[str]]] = {"global": {}, "install": {}}
    for path in files:
        try:
            found = _pip_file(path)
        except ContextInvalid as error:
            notices.append(Notice(stacked(error.message, error.hint)))
            continue
        for section, options in found.items():
            sections[section] |= options
    settings = sections["global"] | sections["install"]
    for name, value in environment.items():
        if name.startswith("PIP_") and value:
            settings[_key(name.removeprefix("PIP_"))] = value.split()
    return settings


def _pip_files(
    environment: Mapping[str, str],
    home: Path,
    global_files: tuple[Path, ...] | None,
    site_prefix: Path,
) -> list[Path]:
    named = environment.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    if global_files is None:
        directories = environment.get("XDG_CONFIG_DIRS") or "/etc/xdg"
        global_files = (
            *(Path(directory, "pip", "pip.conf") for directory in directories.split(":")),
            Path("/etc/pip.conf"),
        )
    user = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    files = [
        *global_files,
        home / ".pip" / "pip.conf",
        user / "pip" / "pip.conf",
        site_prefix / "pip.conf",
    ]
    return [*files, Path(named)] if named else files


def _pip_file(path: Path) -> dict[str, dict[str, list[str]]]:
    try:
        content = limited_read.read(path, _LARGEST)
        if content is None:
            raise _unreadable(path, _("it is too large"))
        text = content.decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, printable(error)) from error
    import configparser

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error as error:
        # The parser's own message quotes lines, which may hold passwords.
        raise _unreadable(path, type(error).__name__) from error
    return {
        section: {_key(key): value.split() for key, value in parser.items(section) if value.strip()}
        for section in ("global", "install")
        if parser.has_section(section)
    }


def _unreadable(path: Path, reason: str) -> ContextInvalid:
    return ContextInvalid(
        fill(_("pip's settings {path} cannot be read: {reason}."), path=path, reason=reason),
        _("Fix the file; `pip config debug` shows how pip reads it."),
    )


def _key(name: str) -> str:
    key = name.lower().replace("_", "-").removeprefix("--")
    return _ALIASES.get(key, key)


def _uv_settings(environment: Mapping[str, str]) -> dict[str, list[str]]:
    def urls(*names: str) -> list[str]:
        values = [value for name in names for value in environment.get(name, "").split()]
        return [re.sub(_UV_NAME, "", value) for value in values]

    found = {
        "index-url": (urls("UV_DEFAULT_INDEX") or urls("UV_INDEX_URL"))[:1],
        "extra-index-url": urls("UV_INDEX") + urls("UV_EXTRA_INDEX_URL"),
        "find-links": environment.get("UV_FIND_LINKS", "").replace(",", " ").split(),
        "trusted-host": urls("UV_INSECURE_HOST"),
    }
    return {key: values for key, values in found.items() if values}


def _without_local(
    settings: Mapping[str, list[str]], notices: list[Notice]
) -> dict[str, list[str]]:
    """Return the settings that work inside a build, without indexes on this machine's disk."""
    usable: dict[str, list[str]] = {}
    for key in (*_SINGLE, *_LISTS):
        values = settings.get(key, [])
        kept = [value for value in values if key not in _OF_URLS or _is_remote(value)]
        if kept:
            usable[key] = kept
        local = [value for value in values if value not in kept]
        if local:
            notices.append(
                Notice(
                    fill(
                        _(
                            "pip's setting {key} is not used in the build: {values} exists only on "
                            "this machine."
                        ),
                        key=key,
                        values=", ".join(printable(value, 200) for value in local),
                    ),
                    "note",
                )
            )
    if "index-url" in settings and "index-url" not in usable:
        # The public index has other packages by the same names: it is not asked in its place.
        first, *more = usable.pop("extra-index-url", [""])
        usable |= {"index-url": [first]} if first else {"no-index": ["true"]}
        usable |= {"extra-index-url": more} if more else {}
    return usable


def _is_remote(value: str) -> bool:
    return value.lower().startswith(("http://", "https://"))


def _with_netrc(
    settings: dict[str, list[str]], environment: Mapping[str, str], home: Path
) -> dict[str, list[str]]:
    """Add the passwords of ~/.netrc to the index URLs, where pip on this host reads them."""
    logins = index_logins.read(environment, home)
    if logins is None:
        return settings
    return {
        key: [index_logins.with_login(each, logins) for each in values]
        if key in _OF_URLS
        else values
        for key, values in settings.items()
    }


def _pip_conf(settings: Mapping[str, Iterable[str]]) -> str:
    lines = ["[global]"]
    for key in sorted(settings):
        lines.append(f"{key} = " + "\n    ".join(settings[key]))
    return "\n".join(lines) + "\n"


def _one(values: list[str]) -> str | None:
    return " ".join(values) or None
