"""Examine what a push needs of the platform: config file, login, backend and registry."""

import asyncio
import contextlib
import os
import shlex
import socket
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from keynet import credentials, settings
from keynet.backend.client import BackendClient
from keynet.errors import KeynetError, RegistryError
from keynet.net.proxies import proxy_for
from keynet.net.retry import Retries
from keynet.plan import RegistryAccess
from keynet.process.event_loop import EventLoop
from keynet.registry.account_client import open_client
from keynet.settings import Settings
from keynet.steps.examining.at_once import Examination, Show
from keynet.steps.examining.check import BACKEND, LOGIN, Check, Group, Repair, failed
from keynet.text import _, fill, printable

__all__ = ["OF_SERVERS", "examinations", "merged_settings"]

_TIMEOUT_S: Final = 10.0
# Within the time of the examination, so that the error names the server and what it did.
_NETWORK_S: Final = 8.0
_ONCE: Final = Retries(attempts=1)
_PRIVATE: Final = 0o600
_PLATFORM: Final = Group.PLATFORM
# The checks for which servers are asked.
OF_SERVERS: Final = frozenset({"backend", "registry", "referrers"})


def examinations(now: datetime | None, *, servers: bool = True) -> list[Examination]:
    """Return what examines the login and the servers that it is for.

    Args:
        now: The time for which the login is checked; None is the current time.
        servers: Ask backend and registry, too.
    """

    def moment() -> datetime:
        return now or datetime.now(UTC)

    late = _("Check the network, the proxy variables and the address: {what}")
    found = [
        Examination("config", _PLATFORM, _config, _TIMEOUT_S, _late_config(), LOGIN),
        Examination("login", _PLATFORM, partial(_login, moment), _TIMEOUT_S, status=LOGIN),
        Examination(
            "backend",
            _PLATFORM,
            partial(_backend, moment),
            _TIMEOUT_S,
            fill(late, what="keynet config show"),
            BACKEND,
        ),
        Examination(
            "registry",
            _PLATFORM,
            _registry,
            _TIMEOUT_S,
            fill(late, what="keynet config show"),
            BACKEND,
        ),
    ]
    return [each for each in found if servers or each.name not in OF_SERVERS]


def merged_settings() -> Settings:
    """Return the settings of environment and saved login.

    Raises:
        KeynetError: A variable is not valid, or the config file cannot be used.
    """
    return settings.merge({}, os.environ, {}, credentials.load())


def _late_config() -> str:
    return _("The disk of the config file does not answer. Set KEYNET_CONFIG to another file.")


def _config(show: Show) -> None:
    file = credentials.path()
    try:
        credentials.load(file)
    except KeynetError as error:
        show(failed("config", _PLATFORM, error, status=LOGIN, repair=_config_repair(file)))
        return
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError:
        show(Check("config", _PLATFORM, True, fill(_("{file} does not exist yet"), file=file)))
        return
    found = fill(_("{file}, mode {mode}"), file=file, mode=f"{mode:04o}")
    show(Check("config", _PLATFORM, True, found))


def _config_repair(file: Path) -> Repair | None:
    """Return how to make the file private, if that is what keeps it from being used."""
    with contextlib.suppress(OSError):
        found = file.stat()
        own = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
        if own and found.st_mode & 0o077:
            return Repair(f"chmod 600 {shlex.quote(printable(file))}", partial(_protect, file))
    return None


def _protect(file: Path) -> None:
    file.chmod(_PRIVATE)


def _login(moment: Callable[[], datetime], show: Show) -> None:
    now = moment()
    try:
        merged = merged_settings()
    except KeynetError as error:
        show(failed("login", _PLATFORM, error, status=LOGIN))
        return
    try:
        merged.backend_access(now, config_path=credentials.path())
    except KeynetError as error:
        repair = _login_repair(merged.server_url)
        show(failed("login", _PLATFORM, error, status=LOGIN, repair=repair))
        return
    show(Check("login", _PLATFORM, True, _token_lifetime(merged, now), measured=True))


def _login_repair(server_url: str | None) -> Repair:
    shown = f"keynet login {printable(server_url or '')}".rstrip()
    return Repair(shown, None, server_url or "")


def _token_lifetime(merged: Settings, now: datetime) -> str:
    if merged.api_token_expires_at is None:
        return fill(_("{server}, the login's expiry is unknown"), server=merged.server_url)
    hours = (merged.api_token_expires_at - now).total_seconds() / 3600
    return fill(
        _("{server}, login valid for {hours:.1f} more hours"),
        server=merged.server_url,
        hours=hours,
    )


def _backend(moment: Callable[[], datetime], show: Show) -> None:
    try:
        access = merged_settings().backend_access(moment(), config_path=credentials.path())
    except KeynetError:
        # The check of the login says so.
        return
    try:
        _resolve(access.server_url)
        with BackendClient(
            access.server_url,
            access.token,
            ca_cert=access.ca_cert,
            insecure=access.insecure,
            timeout_s=_NETWORK_S,
            retries=_ONCE,
        ) as backend:
            backend.trainable_projects(0, 1)
    except KeynetError as error:
        repair = _login_repair(access.server_url) if error.exit_status == LOGIN else None
        show(failed("backend", _PLATFORM, error, status=BACKEND, repair=repair))
        return
    found = fill(_("{server}, token accepted"), server=access.server_url)
    show(Check("backend", _PLATFORM, True, found))


def _registry(show: Show) -> None:
    try:
        merged = merged_settings()
        if not merged.server_url or not merged.api_token:
            return
    except KeynetError:
        return
    try:
        access = merged.registry_access()
        _resolve(f"{'http' if access.insecure else 'https'}://{access.host}")
        with contextlib.closing(EventLoop()) as loop:
            api = loop.run(_ask(access, f"{merged.harbor_project}/keynet-doctor"))
    except KeynetError as error:
        repair = _login_repair(merged.server_url) if error.exit_status == LOGIN else None
        show(failed("registry", _PLATFORM, error, status=BACKEND, repair=repair))
        return
    show(Check("referrers", _PLATFORM, True, _referrers(api)))
    found = fill(_("{host}, credentials accepted"), host=access.host)
    show(Check("registry", _PLATFORM, True, found))


async def _ask(access: RegistryAccess, repository: str) -> bool | None:
    """Sign in; return whether there is a referrers API, None if that cannot be known."""
    async with open_client(access.host, access, timeout=_NETWORK_S, retries=_ONCE) as client:
        await client.ping()
        try:
            async with asyncio.timeout(_NETWORK_S / 2):
                return await client.has_referrers_api(repository)
        except (RegistryError, TimeoutError):
            return None


def _referrers(api: bool | None) -> str:
    match api:
        case True:
            return _("the registry has the referrers API")
        case False:
            return _("no referrers API: metadata is found through a tag (sha256-…)")
        case None:
            return _("not known whether the registry has the referrers API")


def _resolve(url: str) -> None:
    """Look the host up in this thread, which nobody waits for at the end.

    An event loop would look it up in a thread that Python waits for, while a resolver that does
    not answer takes half a minute. What fails here fails again, and is explained, later.
    """
    parts = urlsplit(url)
    with contextlib.suppress(OSError, ValueError, UnicodeError):
        port = parts.port or (80 if parts.scheme == "http" else 443)
        host = parts.hostname or ""
        proxy = proxy_for(parts.scheme, host, port)
        if proxy is not None:
            behind = urlsplit(proxy.url)
            host, port = behind.hostname or "", behind.port or 0
        socket.getaddrinfo(host, port)
