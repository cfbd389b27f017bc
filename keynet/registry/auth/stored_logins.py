"""Logins stored by other programs: containers' auth files, docker's config, helpers.

Source: containers-auth.json(5); docker CLI, "Credential stores", "Credential helpers".
"""

import base64
import binascii
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as Malformed

from keynet.errors import UsageError
from keynet.files import limited_read, places
from keynet.oci.reference import DOCKER_HUB
from keynet.registry.address import registry_name
from keynet.registry.auth.credential_helper import ask_helper
from keynet.registry.auth.credential_sources import Credential
from keynet.secret import Secret
from keynet.text import _, fill, printable

__all__ = ["AuthFile", "default_sources"]

_FILE_LIMIT: Final = 4 * 1024 * 1024
_HUB_KEY: Final = "https://index.docker.io/v1/"
_HELPER_NAME: Final = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class _Entry(BaseModel):
    model_config = ConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, defer_build=True
    )

    auth: str | None = None
    username: str | None = None
    password: str | None = None
    identitytoken: str | None = None


class _Stored(BaseModel):
    model_config = ConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, defer_build=True
    )

    auths: Annotated[dict[str, _Entry] | None, Field(default=None)]
    credHelpers: dict[str, str] | None = None
    credsStore: str | None = None


@dataclass(frozen=True, slots=True)
class AuthFile:
    """One file, docker's ``config.json`` or containers' ``auth.json``; it may be absent.

    Args:
        helper_timeout_s: The most a credential helper may take.
    """

    path: Path
    helper_timeout_s: float = 30.0

    async def find(self, registry: str, repository: str) -> Credential | None:
        """Look up exactly this host[:port]; an entry for a namespace is preferred.

        Raises:
            UsageError: The file cannot be read, or a helper it names fails.
        """
        stored = _read(self.path)
        if stored is None:
            return None
        helper = (stored.credHelpers or {}).get(registry)
        if helper is None:
            for key, entry in _entries(stored.auths or {}, registry, repository):
                credential = _credential(entry, self.path, key)
                if credential is not None:
                    return credential
            helper = stored.credsStore
        if not helper:
            return None
        if not _HELPER_NAME.fullmatch(helper):
            raise UsageError(
                fill(
                    _("{path}: the credential helper {name!r} is not a valid program name."),
                    path=self.path,
                    name=printable(helper, 80),
                ),
                _("Correct credsStore or credHelpers in that file."),
            )
        key = _HUB_KEY if registry == DOCKER_HUB else registry
        return await ask_helper(helper, key, self.helper_timeout_s)


def default_sources(environment: Mapping[str, str] = os.environ) -> tuple[AuthFile, ...]:
    """Return the files where this machine's logins may be stored, in the engines' order.

    REGISTRY_AUTH_FILE, containers' auth.json (in the runtime folder, then in the user's
    configuration), docker's config.json. Most of them do not exist.
    """
    paths: list[Path] = []
    if environment.get("REGISTRY_AUTH_FILE"):
        paths.append(Path(environment["REGISTRY_AUTH_FILE"]))
    home = Path(environment.get("HOME") or places.home())
    if environment.get("XDG_RUNTIME_DIR"):
        paths.append(Path(environment["XDG_RUNTIME_DIR"], "containers/auth.json"))
    else:
        paths.append(Path(f"/run/containers/{os.getuid()}/auth.json"))
    configured = environment.get("XDG_CONFIG_HOME")
    folder = Path(configured) if configured else home / ".config"
    paths.append(folder / "containers/auth.json")
    docker = environment.get("DOCKER_CONFIG")
    paths.append((Path(docker) if docker else home / ".docker") / "config.json")
    return tuple(AuthFile(path) for path in dict.fromkeys(paths))


def _read(path: Path) -> _Stored | None:
    try:
        content = limited_read.head(path, _FILE_LIMIT)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        # A folder that is hidden from this user (HOME is another user's) has nothing of theirs.
        if isinstance(error, PermissionError) and not os.path.lexists(path):
            return None
        raise UsageError(
            fill(
                _("The credentials in {path} cannot be read: {reason}."),
                path=path,
                reason=error.strerror,
            ),
            _("Let your user read that file, or name another with REGISTRY_AUTH_FILE."),
        ) from error
    if not content.strip():
        return None
    try:
        return _Stored.model_validate_json(content)
    except Malformed as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"][:1])
        raise UsageError(
            fill(
                _("The credentials in {path} cannot be read: {reason}."),
                path=path,
                reason=printable(f"{place} {first['msg']}".strip(), 200),
            ),
            _("Correct or remove that file; keynet does not change it."),
        ) from None


def _entries(
    auths: Mapping[str, _Entry], registry: str, repository: str
) -> list[tuple[str, _Entry]]:
    """Return the entries that fit, the most specific first."""
    found: list[tuple[str, _Entry]] = []
    parts = repository.split("/") if repository else []
    for length in range(len(parts), 0, -1):
        key = "/".join([registry, *parts[:length]])
        if key in auths:
            found.append((key, auths[key]))
    # Docker's own keys may be URLs; only whole hosts are compared.
    found.extend(
        (key, entry)
        for key, entry in auths.items()
        if registry_name(key) == registry and (key == registry or _is_url_of_host(key))
    )
    return found


def _is_url_of_host(key: str) -> bool:
    scheme, separator, rest = key.partition("://")
    path = (rest if separator else key).partition("/")[2].strip("/")
    return (not separator or scheme in ("http", "https")) and path in ("", "v1", "v2")


def _credential(entry: _Entry, path: Path, key: str) -> Credential | None:
    username, password = entry.username or "", entry.password or ""
    if entry.auth:
        try:
            text = base64.b64decode(entry.auth, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise UsageError(
                fill(
                    _("The entry for {key} in {path} cannot be decoded."),
                    key=printable(key, 200),
                    path=path,
                ),
                _("Sign in to that registry again."),
            ) from error
        username, _colon, password = text.partition(":")
        password = password.rstrip("\x00")
    if entry.identitytoken:
        return Credential(username, Secret(entry.identitytoken), identity=True)
    if not username and not password:
        return None
    return Credential(username, Secret(password))
