"""Logins stored by other programs: containers' auth files, docker's config, helpers.

Source: containers-auth.json(5); docker CLI, "Credential stores", "Credential helpers",
"DOCKER_AUTH_CONFIG".
"""

import os
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import Final

from keynet.errors import UsageError
from keynet.files import limited_read, places
from keynet.frozen import frozen
from keynet.registry.auth import login_entries
from keynet.registry.auth.credential_helper import HelperAnswers
from keynet.registry.auth.credential_sources import Credential
from keynet.registry.auth.login_entries import StoredLogins
from keynet.secret import Secret
from keynet.text import _, fill, printable

__all__ = ["AuthFile", "AuthVariable", "default_sources"]

_FILE_LIMIT: Final = 4 * 1024 * 1024
_HELPER_NAME: Final = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VARIABLE: Final = "DOCKER_AUTH_CONFIG"
_OLD_NAME: Final = ".dockercfg"
# Files that docker writes; containers' own have another name.
_DOCKER_NAMES: Final = frozenset({"config.json", _OLD_NAME})


@frozen
class AuthFile:
    """One file, docker's ``config.json`` or containers' ``auth.json``; it may be absent.

    Args:
        helper_timeout_s: The most a credential helper may take.
    """

    path: Path
    helper_timeout_s: float = 30.0
    _answers: HelperAnswers = field(
        default_factory=HelperAnswers, init=False, repr=False, compare=False
    )

    async def find(self, registry: str, repository: str) -> Credential | None:
        """Look up exactly this host[:port]; an entry for a namespace is preferred.

        Raises:
            UsageError: The file cannot be read, or a helper it names fails.
        """
        content = _content(self.path)
        if content is None:
            return None
        place = str(self.path)
        try:
            stored = login_entries.read(content, legacy=self.path.name == _OLD_NAME)
        except ValueError as error:
            raise _unusable(place, str(error)) from None
        docker = self.path.name in _DOCKER_NAMES
        ask = partial(self._answers.ask, timeout_s=self.helper_timeout_s)
        return await _find(stored, registry, repository, place, ask, docker=docker)


@frozen
class AuthVariable:
    """Logins in an environment variable, in the format of docker's ``config.json``.

    Args:
        content: The variable's value.
        name: The variable's name, for errors.
        helper_timeout_s: The most a credential helper may take.
    """

    content: Secret
    name: str = _VARIABLE
    helper_timeout_s: float = 30.0
    _answers: HelperAnswers = field(
        default_factory=HelperAnswers, init=False, repr=False, compare=False
    )

    async def find(self, registry: str, repository: str) -> Credential | None:
        """Look up exactly this host[:port]; an entry for a namespace is preferred.

        Raises:
            UsageError: The value cannot be read, or a helper it names fails.
        """
        try:
            stored = login_entries.read(self.content.reveal().encode(errors="surrogateescape"))
        except ValueError as error:
            raise _unusable(self.name, str(error)) from None
        ask = partial(self._answers.ask, timeout_s=self.helper_timeout_s)
        return await _find(stored, registry, repository, self.name, ask, docker=True)


def default_sources(
    environment: Mapping[str, str] = os.environ,
) -> tuple[AuthFile | AuthVariable, ...]:
    """Return the places where this machine's logins may be stored, in the engines' order.

    DOCKER_AUTH_CONFIG, REGISTRY_AUTH_FILE, containers' auth.json (in the runtime folder, then in
    the user's configuration), docker's config.json, .dockercfg. Most of them do not exist.
    """
    paths: list[Path] = []
    given = environment.get(_VARIABLE, "").strip()
    if given.startswith("/"):
        # GitLab keeps variables of the type "file" in files.
        paths.append(Path(given))
        given = ""
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
    paths.append(home / _OLD_NAME)
    files = tuple(AuthFile(path) for path in dict.fromkeys(paths))
    return (AuthVariable(Secret(given)), *files) if given else files


async def _find(
    stored: StoredLogins | None,
    registry: str,
    repository: str,
    place: str,
    ask: Callable[[str, str], Awaitable[Credential | None]],
    *,
    docker: bool,
) -> Credential | None:
    if stored is None:
        return None
    named = login_entries.chosen_helper(stored.credHelpers or {}, registry)
    if named is None or not named[0]:
        for key, entry in login_entries.fitting_entries(
            stored.auths or {}, registry, repository, docker=docker
        ):
            credential = login_entries.credential_of(entry, place, key)
            if credential is not None:
                return credential
    if named is None:
        named = stored.credsStore or "", login_entries.names_for_helper(registry)
    helper, names = named
    if not helper:
        return None
    if not _HELPER_NAME.fullmatch(helper):
        raise UsageError(
            fill(
                _("{path}: the credential helper {name!r} is not a valid program name."),
                path=place,
                name=printable(helper, 80),
            ),
            _("Correct credsStore or credHelpers there."),
        )
    for name in names:
        credential = await ask(helper, name)
        if credential is not None:
            return credential
    return None


def _content(path: Path) -> bytes | None:
    try:
        return limited_read.head(path, _FILE_LIMIT)
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


def _unusable(place: str, reason: str) -> UsageError:
    return UsageError(
        fill(_("The credentials in {path} cannot be read: {reason}."), path=place, reason=reason),
        _("Correct or remove them; keynet does not change them."),
    )
