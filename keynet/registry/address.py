"""A registry's address, which URLs belong to it, and where its credentials may go. Pure.

Source: distribution, "Token Authentication Specification".
"""

import re
from typing import Final
from urllib.parse import quote

from keynet.errors import RegistryError, UsageError
from keynet.frozen import frozen
from keynet.net import addresses
from keynet.net.addresses import AddressError, Origin, shown, split_host
from keynet.net.hosts import HostError, check_host_and_port, is_loopback
from keynet.net.token_hosts import is_declared, written
from keynet.oci.reference import DOCKER_HUB, DOCKER_HUB_ALIASES
from keynet.text import _, fill, printable

__all__ = ["Registry", "follow", "origin_of", "registry_name", "with_query"]

_LABEL: Final = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.+{_LABEL})*|\[[^\[\]]+\]")
_HUB_HOST: Final = "registry-1.docker.io"
# Registries whose token server is known to live on another host.
_KNOWN_TOKEN_HOSTS: Final = {
    DOCKER_HUB: frozenset({"auth.docker.io"}),
    "registry.gitlab.com": frozenset({"gitlab.com"}),
}


@frozen
class Registry:
    """A registry's address.

    Args:
        name: host[:port] as in references and stored credentials.
        scheme: Chosen by the user; None when it has to be found out.
        insecure: The user allows plain http and unverified TLS.
        token_hosts: Further hosts that may see the credentials, for tokens; ``declared`` reads
            them.
    """

    name: str
    scheme: str | None
    insecure: bool
    token_hosts: frozenset[str]

    @classmethod
    def parse(
        cls, text: str, *, insecure: bool = False, token_hosts: frozenset[str] = frozenset()
    ) -> "Registry":
        """Read ``host[:port]``, or a URL with http or https and no path.

        Raises:
            UsageError: Userinfo, a path, another scheme, or http where it is not allowed.
        """
        scheme: str | None = None
        name = text
        if "://" in text:
            scheme, _separator, name = text.partition("://")
            scheme = scheme.lower()
            name = name.rstrip("/")
        reason = _("its scheme is neither https nor http")
        if scheme in (None, "http", "https"):
            reason = _impossible(name)
        if reason:
            # Text before an @ may be a password: it is not repeated.
            named = printable(name.rpartition("@")[2], 200)
            raise UsageError(
                fill(_("{registry!r} is not a valid registry: {why}."), registry=named, why=reason),
                _("Write it as host[:port], without user, password and path."),
            )
        if name in DOCKER_HUB_ALIASES:
            name = DOCKER_HUB
        registry = cls(
            name, scheme, insecure, token_hosts | _KNOWN_TOKEN_HOSTS.get(name, frozenset())
        )
        if scheme == "http" and not registry.http_allowed:
            raise UsageError(
                fill(
                    _("Plain http to {registry} is refused: others on the network could read it."),
                    registry=name,
                ),
                _("Use https, or allow it with --insecure."),
            )
        return registry

    @property
    def host(self) -> str:
        """The host to connect to, without the port."""
        return _HUB_HOST if self.name == DOCKER_HUB else split_host(self.name)[0]

    @property
    def http_allowed(self) -> bool:
        """Whether plain http is allowed: on loopback, or declared insecure."""
        return self.insecure or is_loopback(self.host)

    @property
    def portless(self) -> bool:
        """Whether there is no port, so that https and http use different ones."""
        return not split_host(self.name)[1]

    def base(self, scheme: str) -> str:
        """The URL in front of ``/v2/``."""
        return f"{scheme}://{_HUB_HOST if self.name == DOCKER_HUB else self.name}"

    def check_token_realm(self, realm: str, scheme: str) -> None:
        """Check that credentials may be sent to this token server.

        Args:
            scheme: Of the connection to the registry itself.

        Raises:
            RegistryError: Another host, no https, or userinfo in the URL.

        Source: CVE-2020-15157.
        """
        reason = self._refused_realm(realm, scheme)
        if reason:
            raise RegistryError(
                fill(
                    _("{registry} names {realm} as its token server, which is refused: {reason}."),
                    registry=self.name,
                    realm=shown(realm),
                    reason=reason[0],
                ),
                reason[1],
            )

    def _refused_realm(self, realm: str, scheme: str) -> tuple[str, str] | None:
        """Return why credentials must not go there, and what can be done about it."""
        foreign = _("Do not trust this registry, or ask its owner to correct that address.")
        try:
            target = addresses.origin_of(realm)
        except AddressError as error:
            return str(error), foreign
        if target.scheme == "http" and not (scheme == "http" and self.http_allowed):
            return _("it is plain http"), foreign
        port = self._port(scheme)
        own = target.host == self.host.lower()
        if own and (target.port == port or (port, target.port) == (80, 443)):
            return None
        if is_declared(target, self.token_hosts, own=own):
            return None
        hint = fill(
            _(
                "If that server may see the credentials, declare it with --token-host {host} or "
                "KEYNET_TOKEN_HOSTS (in Python: token_hosts=)."
            ),
            host=written(target),
        )
        return (_("it is another port") if own else _("it is another host")), hint

    def _port(self, scheme: str) -> int:
        port = split_host(self.name)[1]
        return int(port) if port else addresses.DEFAULT_PORTS[scheme]


def origin_of(url: str) -> Origin:
    """Return the origin of a URL that a registry gave.

    Raises:
        RegistryError: Not http(s), no host, a bad port, or user and password in it.
    """
    try:
        return addresses.origin_of(url)
    except AddressError as error:
        raise _bad_url(url, str(error)) from error


def follow(current: str, location: str) -> str:
    """Resolve a Location header against the URL whose answer had it.

    Raises:
        RegistryError: Not an http(s) URL, userinfo, or from https down to http.
    """
    try:
        return addresses.resolve(current, location)
    except AddressError as error:
        raise _bad_url(location, str(error)) from error


def registry_name(text: str) -> str:
    """Return one spelling for a registry: no scheme, no path, one of Docker Hub's names."""
    name = text.partition("://")[2] if "://" in text else text
    name = name.partition("/")[0]
    return DOCKER_HUB if name in DOCKER_HUB_ALIASES else name


def with_query(url: str, **parameters: str) -> str:
    """Return the URL with parameters added; its own query string is kept as it is."""
    added = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    if not added:
        return url
    if url.endswith(("?", "&")):
        return url + added
    return url + ("&" if "?" in url else "?") + added


def _impossible(name: str) -> str:
    """Return why this is not host[:port]; "" when it is."""
    if "@" in name:
        return _("it has a user or password in it")
    host = name if name.endswith("]") else name.rpartition(":")[0] or name
    if not _HOST.fullmatch(host):
        return _("it is not host[:port]")
    try:
        check_host_and_port(name)
    except HostError as error:
        return str(error)
    return ""


def _bad_url(url: str, reason: str) -> RegistryError:
    return RegistryError(
        fill(
            _("The registry redirects to {url}, which is refused: {reason}."),
            url=shown(url),
            reason=reason,
        ),
        _("Do not trust this registry, or ask its owner to correct its public URL."),
    )
