"""Merge the sources of settings, and send credentials only to their own servers."""

from collections.abc import Mapping
from typing import Any

import pydantic

from keynet.errors import UsageError
from keynet.net.addresses import AddressError, origin_of, same_server
from keynet.saved_login import SavedLogin
from keynet.settings.model import Settings
from keynet.settings.sources import SOURCES, from_environment, from_flags, from_pyproject
from keynet.text import _, fill, printable

__all__ = ["merge"]


def merge(
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    pyproject: Mapping[str, Any],
    saved: SavedLogin | None,
) -> Settings:
    """Return every setting; the first source that sets it wins.

    Args:
        flags: By setting name (``project_id``, ``model_name``); None counts as not set.
        environment: Only KEYNET_… variables are read; an empty one counts as not set.
        pyproject: The [tool.keynet] table; keys with ``-`` or ``_``.
        saved: The config file. Its secrets are used only for the servers they were saved for.

    Raises:
        UsageError: An unknown key, a value of the wrong type, or a [tool.keynet] that would
            send credentials to another server.
    """
    given = from_flags(flags)
    variables = from_environment(environment)
    table = from_pyproject(pyproject)
    values = table | variables | given
    trusted = variables | given
    for key, value in values.items():
        if isinstance(value, str) and not value.strip():
            raise _empty(key, given, table)
    _refuse_two_bases(given, variables, table)
    for key in ("server_url", "harbor_url"):
        _refuse_redirection(key, table, trusted, saved)
    if saved is not None:
        values = _from_saved(saved, values) | values
    return _validated(
        values | {"platform_token_host": _platform(trusted, saved, values)}, given, variables, table
    )


def _platform(
    trusted: Mapping[str, Any], saved: SavedLogin | None, values: Mapping[str, Any]
) -> str:
    """Return host:port of the platform that the user chose; "" when a repository chose it."""
    url = str(values.get("server_url") or "")
    own = trusted.get("server_url") or (saved.server_url if saved is not None else "")
    if not same_server(url, own):
        return ""
    try:
        origin = origin_of(url)
    except AddressError:
        return ""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return f"{host}:{origin.port}"


def _from_saved(saved: SavedLogin, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the file's settings for the chosen servers."""
    found: dict[str, Any] = {"server_url": saved.server_url or None}
    server_url = values.get("server_url") or saved.server_url
    if same_server(server_url, saved.server_url):
        found["username"] = saved.username or None
        found["insecure"] = saved.insecure
        if "api_token" not in values:
            found["api_token"] = saved.api_token
            found["api_token_expires_at"] = saved.api_token_expires_at
        if saved.harbor is not None:
            found["harbor_url"] = saved.harbor.url
            if same_server(values.get("harbor_url") or saved.harbor.url, saved.harbor.url):
                found["harbor_username"] = saved.harbor.username
                if values.get("harbor_username") in (None, saved.harbor.username):
                    found["harbor_password"] = saved.harbor.password
    if saved.ca_cert is not None:
        found["ca_cert"] = saved.ca_cert
    if saved.token_hosts:
        found["token_hosts"] = saved.token_hosts
    project = saved.project
    if project is not None and same_server(server_url, project.server_url):
        found["project_id"] = project.id
        if values.get("project_id") in (None, project.id, str(project.id)):
            found["project_title"] = project.title
    return {key: value for key, value in found.items() if value is not None}


def _refuse_two_bases(
    given: Mapping[str, Any], variables: Mapping[str, Any], table: Mapping[str, Any]
) -> None:
    values = {**table, **given}
    if values.get("base_image") is None or values.get("dockerfile") is None:
        return
    raise UsageError(
        fill(
            _("{image} and {file} both choose the base image."),
            image=_source("base_image", given, variables, table),
            file=_source("dockerfile", given, variables, table),
        ),
        _("Remove one of them: a Containerfile of your own names its base image after FROM."),
    )


def _empty(key: str, given: Mapping[str, Any], table: Mapping[str, Any]) -> UsageError:
    return UsageError(
        fill(_("{source} is empty."), source=_source(key, given, {}, table)),
        _("Give it a value, or leave it out. A variable in a script may not be set."),
    )


def _refuse_redirection(
    key: str, table: Mapping[str, Any], trusted: Mapping[str, Any], saved: SavedLogin | None
) -> None:
    if key not in table or key in trusted:
        return
    saved_url = None
    if saved is not None:
        harbor_url = saved.harbor.url if saved.harbor is not None else ""
        saved_url = saved.server_url if key == "server_url" else harbor_url
    if saved_url and same_server(str(table[key]), saved_url):
        return
    secret = "api_token" if key == "server_url" else "harbor_password"
    if not saved_url and secret not in trusted:
        return
    raise UsageError(
        fill(
            _(
                "pyproject.toml: [tool.keynet] names {url} as {key}, but the credentials are for "
                "{own}."
            ),
            url=printable(table[key], 200),
            key=key.replace("_", "-"),
            own=saved_url or _("another server"),
        ),
        fill(
            _(
                "A project cannot redirect your credentials. If you trust it, log in to that "
                "server or set {variable}."
            ),
            variable=SOURCES[key][1],
        ),
    )


def _validated(
    values: Mapping[str, Any],
    given: Mapping[str, Any],
    variables: Mapping[str, Any],
    table: Mapping[str, Any],
) -> Settings:
    try:
        return Settings.model_validate(values)
    # The cause would show every value, unescaped.
    except pydantic.ValidationError as e:
        problem = e.errors(include_url=False, include_context=False, include_input=False)[0]
        key = str(problem["loc"][0])
        raise UsageError(
            fill(
                _("{source} cannot be used: {why}."),
                source=_source(key, given, variables, table),
                why=printable(problem["msg"], 200),
            )
        ) from None


def _source(
    key: str,
    given: Mapping[str, Any],
    variables: Mapping[str, Any],
    table: Mapping[str, Any],
) -> str:
    flag, variable = SOURCES.get(key, ("", ""))
    if key in given:
        return flag or key
    if key in variables:
        return variable
    if key in table:
        return f"pyproject.toml: [tool.keynet] {key.replace('_', '-')}"
    return fill(_("{key} in the config file"), key=key)
