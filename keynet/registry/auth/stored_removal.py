"""Remove the logins of one registry from files of docker and containers.

For engines that cannot do it themselves: their daemon is down, or they are no longer installed.
"""

import contextlib
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from keynet.files import atomic, limited_read, places
from keynet.frozen import frozen
from keynet.registry.auth import login_entries
from keynet.registry.auth.stored_logins import AuthFile, default_sources
from keynet.text import _, fill

__all__ = ["Removal", "remove"]

_LIMIT: Final = 4 * 1024 * 1024
_OLD_NAME: Final = ".dockercfg"


@frozen
class Removal:
    """What became of a registry's logins in one file.

    ``left`` says why some could not be removed; "" if none is left there.
    """

    file: Path
    removed: bool = False
    left: str = ""


def remove(host: str, environment: Mapping[str, str] = os.environ) -> list[Removal]:
    """Remove the logins of exactly this host[:port]; return the files that had some."""
    found = []
    for source in default_sources(environment):
        if isinstance(source, AuthFile):
            removal = _from_file(source.path, host)
            if removal.removed or removal.left:
                found.append(removal)
    return found


def _from_file(path: Path, host: str) -> Removal:
    nothing = Removal(path)
    try:
        content = limited_read.head(path, _LIMIT)
    except OSError as error:
        absent = not os.path.lexists(path)
        return nothing if absent else replace(nothing, left=error.strerror or str(error))
    legacy = path.name == _OLD_NAME
    try:
        stored = login_entries.read(content, legacy=legacy)
        document = json.loads(content) if stored is not None else {}
    except (ValueError, RecursionError):
        # Engines do not read it either; nothing says that it has this login.
        return nothing
    if stored is None:
        return nothing
    docker = path.name != "auth.json"
    fitting = login_entries.fitting_entries(stored.auths or {}, host, "", docker=docker)
    keys = [key for key, _entry in fitting]
    named = login_entries.chosen_helper(stored.credHelpers or {}, host)
    helper = named[0] if named is not None else stored.credsStore
    left = _in_helper(helper, host) if helper and keys else ""
    return _without(replace(nothing, left=left), document, keys, legacy=legacy)


def _without(
    unchanged: Removal, document: dict[str, Any], keys: list[str], *, legacy: bool
) -> Removal:
    """Write the file again without these entries, as docker does."""
    if not keys:
        return unchanged
    entries = document if legacy else document["auths"]
    for key in keys:
        del entries[key]
    path = places.real(unchanged.file)
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        atomic.write(path, json.dumps(document, indent="\t", ensure_ascii=False), mode=mode)
        with contextlib.suppress(OSError):
            path.chmod(mode)
    except OSError as error:
        return replace(unchanged, left=error.strerror or str(error))
    return replace(unchanged, removed=True)


def _in_helper(helper: str, host: str) -> str:
    return fill(
        _(
            "the password itself may be with the credential helper; to remove it: "
            "echo {host} | docker-credential-{helper} erase"
        ),
        host=host,
        helper=helper,
    )
