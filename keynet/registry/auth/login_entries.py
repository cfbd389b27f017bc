"""The format in which docker and containers store logins, and which entry fits a registry. Pure.

Source: docker CLI, "Credential stores", "Credential helpers"; containers-auth.json(5).
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as Malformed

from keynet.errors import UsageError
from keynet.oci.reference import DOCKER_HUB, DOCKER_HUB_ALIASES
from keynet.registry.address import registry_name
from keynet.registry.auth.credential_sources import Credential
from keynet.secret import Secret
from keynet.text import _, fill, printable

__all__ = [
    "Entry",
    "StoredLogins",
    "chosen_helper",
    "credential_of",
    "fitting_entries",
    "names_for_helper",
    "read",
]

_HUB_KEY: Final = "https://index.docker.io/v1/"
_IDENTITY_USER: Final = "<token>"


class _Stored(BaseModel):
    model_config = ConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, defer_build=True
    )


class Entry(_Stored):
    """One login; an empty one stands for a login that a helper keeps."""

    auth: str | None = None
    username: str | None = None
    password: str | None = None
    identitytoken: str | None = None


class StoredLogins(_Stored):
    """A whole file of logins."""

    auths: Annotated[dict[str, Entry | None] | None, Field(default=None)]
    credHelpers: dict[str, str | None] | None = None
    credsStore: str | None = None


def read(content: bytes, *, legacy: bool = False) -> StoredLogins | None:
    """Read a file of logins; None: it is empty.

    Editors and shells of Windows write UTF-16, and a byte order mark.

    Args:
        legacy: In the format of ``.dockercfg``, which has the entries of ``auths`` alone.

    Raises:
        ValueError: It is not such a file; the text, for people, has no value in it.
    """
    try:
        text = content.decode(json.detect_encoding(content)).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise ValueError(_("it is not text")) from None
    if not text.strip():
        return None
    if legacy:
        text = f'{{"auths": {text}}}'
    try:
        return StoredLogins.model_validate_json(text)
    except Malformed as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"][:1])
        raise ValueError(printable(f"{place} {first['msg']}".strip(), 200)) from None


def fitting_entries(
    auths: Mapping[str, Entry | None], registry: str, repository: str, *, docker: bool
) -> list[tuple[str, Entry]]:
    """Return the entries that fit: of the nearest namespace, then the exact key, then URLs.

    Args:
        docker: Docker's own key for Docker Hub goes before the name that podman uses.
    """
    parts = repository.split("/") if repository else []
    exact = _exact_keys(registry, docker=docker)
    keys = [
        "/".join([name, *parts[:length]])
        for length in range(len(parts), 0, -1)
        for name in exact
        if "://" not in name
    ]
    keys += exact
    keys += [key for key in auths if _names(key, registry)]
    found = ((key, auths.get(key)) for key in dict.fromkeys(keys))
    return [(key, entry) for key, entry in found if entry is not None]


def chosen_helper(
    helpers: Mapping[str, str | None], registry: str
) -> tuple[str, tuple[str, ...]] | None:
    """Return the helper that is named for this registry, and the names to ask it for, in order.

    "" instead of a helper: the registry's login is in ``auths``. None: none is named.
    """
    keys = [*_exact_keys(registry, docker=True), *(k for k in helpers if _names(k, registry))]
    for key in keys:
        if key in helpers:
            return helpers[key] or "", names_for_helper(registry, key)
    return None


def names_for_helper(registry: str, key: str = "") -> tuple[str, ...]:
    """Return the names under which a helper may keep a registry's login.

    Args:
        key: The name of the registry in ``credHelpers``.
    """
    names = (_HUB_KEY, registry) if registry == DOCKER_HUB else (registry,)
    return tuple(dict.fromkeys((*names, key or registry)))


def credential_of(entry: Entry, place: str, key: str) -> Credential | None:
    """Return the credential in an entry; None: it has none.

    Args:
        place: The file, for the error.

    Raises:
        UsageError: It cannot be decoded.
    """
    username, password = entry.username or "", entry.password or ""
    if entry.auth:
        try:
            # base64(1) wraps its output, and ends it with a newline.
            whole = base64.b64decode("".join(entry.auth.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise UsageError(
                fill(
                    _("The entry for {key} in {path} cannot be decoded."),
                    key=printable(key, 200),
                    path=place,
                ),
                _("Sign in to that registry again."),
            ) from error
        # A password need not be UTF-8; it goes to the registry as it is.
        username, _colon, password = whole.decode(errors="surrogateescape").partition(":")
        password = password.rstrip("\r\n\x00")
        if username == _IDENTITY_USER and password:
            return Credential("", Secret(password), identity=True)
    if entry.identitytoken:
        return Credential(username, Secret(entry.identitytoken.strip()), identity=True)
    if not username and not password:
        return None
    return Credential(username, Secret(password))


def _exact_keys(registry: str, *, docker: bool) -> list[str]:
    """Return the keys of a registry, the one that docker, or else podman, writes first."""
    if registry != DOCKER_HUB:
        return [registry]
    others: Iterable[str] = sorted(DOCKER_HUB_ALIASES - {DOCKER_HUB})
    return [_HUB_KEY, DOCKER_HUB, *others] if docker else [DOCKER_HUB, _HUB_KEY, *others]


def _names(key: str, registry: str) -> bool:
    """Report whether a key is a URL of this host, as docker reads it, or the whole host's name.

    A name with a path, without a scheme, is podman's key of a namespace.
    """
    # Names of hosts have no case; the part after the host is not compared here.
    if registry_name(key.lower()) != registry.lower():
        return False
    scheme, separator, _rest = key.partition("://")
    if separator:
        return scheme.lower() in ("http", "https")
    return key.partition("/")[2].strip("/") in ("", "v1", "v2")
