"""Registry authentication: credentials in order, Basic, and bearer tokens by scope.

Source: distribution, "Token Authentication Specification".
"""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from keynet.errors import RegistryError
from keynet.registry.address import Registry, with_query
from keynet.registry.auth.challenge import Challenge, parse_challenges, scopes_of
from keynet.registry.auth.credential_sources import Credential, CredentialSource
from keynet.registry.http.exchange import Answer, Call
from keynet.registry.http.refusals import purpose_of
from keynet.registry.http.status_errors import failure
from keynet.registry.wire import TokenWire, read_json
from keynet.secret import Secret
from keynet.text import _, fill, printable

__all__ = ["Authorizer"]

# The token specification's default, and a margin so that no token expires on its way.
_LIFETIME_S: Final = 60.0
_MARGIN_S: Final = 5.0
_LONGEST_TOKEN: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Token:
    header: Secret
    expires: float


class Authorizer:
    """Make the Authorization headers for requests to one registry.

    Args:
        send: Makes one exchange with a token server, retried, without following redirects.
    """

    def __init__(
        self,
        registry: Registry,
        sources: Sequence[CredentialSource],
        send: Callable[[Call, str], Awaitable[Answer]],
    ) -> None:
        self._registry = registry
        self._sources = tuple(sources)
        self._send = send
        self._challenge: Challenge | None = None
        self._scheme = "https"
        self._found: dict[str, Credential | None] = {}
        self._tokens: dict[frozenset[str], _Token] = {}
        self._lock = asyncio.Lock()

    async def header(self, scopes: Iterable[str], repository: str) -> Secret | None:
        """Return the header for these scopes; None while the registry has not asked for one."""
        if self._challenge is None:
            return None
        credential = await self._credential(repository)
        if self._challenge.scheme == "basic":
            return _basic(credential) if credential is not None else None
        wanted = scopes_of(scopes)
        token = self._valid(wanted)
        if token is None:
            async with self._lock:
                token = self._valid(wanted)
                if token is None:
                    token = await self._fetch(self._challenge, wanted, credential)
                    self._tokens[wanted] = token
        return token.header

    def learn(self, answer: Answer) -> bool:
        """Remember what a 401 asks for; report whether it is something known."""
        challenge = _choose(parse_challenges(answer.headers.get("www-authenticate", "")))
        if challenge is None:
            return False
        self._scheme = answer.url.partition(":")[0]
        known = self._challenge.parameters if self._challenge else {}
        for name in ("realm", "service"):
            if known.get(name) != challenge.parameters.get(name):
                self._tokens.clear()
        self._challenge = challenge
        return True

    async def challenged(
        self, answer: Answer, sent: Secret | None, scopes: set[str], repository: str, action: str
    ) -> None:
        """Learn from a 401 so that the next ``header`` may be accepted.

        Args:
            sent: The header that was refused.
            scopes: Of the request; those that the registry names are added.

        Raises:
            RegistryDenied: There are no credentials to answer with.
        """
        nobody = await self._credential(repository) is None
        refused = failure(
            answer.status,
            answer.headers,
            answer.body,
            action,
            self._registry.name,
            purpose=purpose_of(answer.method, answer.url),
            hide=self.secrets(),
            anonymous=nobody,
        )
        self._tokens = {key: token for key, token in self._tokens.items() if token.header != sent}
        if not self.learn(answer) and sent is None:
            raise refused
        assert self._challenge is not None
        scopes |= scopes_of([self._challenge.parameters.get("scope", "")])
        if self._challenge.scheme == "basic" and nobody:
            raise refused

    @property
    def anonymous(self) -> bool:
        """Report whether no credential was found for any request so far."""
        return not any(self._found.values())

    def secrets(self) -> list[str]:
        """Return what a server may repeat and nobody may see: passwords and tokens so far."""
        known = [found for found in self._found.values() if found is not None]
        return [
            *(credential.password.reveal() for credential in known),
            *(_basic(credential).reveal().partition(" ")[2] for credential in known),
            *(token.header.reveal().partition(" ")[2] for token in self._tokens.values()),
        ]

    async def _credential(self, repository: str) -> Credential | None:
        if repository not in self._found:
            found = None
            for source in self._sources:
                found = await source.find(self._registry.name, repository)
                if found is not None:
                    break
            self._found[repository] = found
        return self._found[repository]

    def _valid(self, wanted: frozenset[str]) -> _Token | None:
        token = self._tokens.get(wanted)
        return token if token is not None and token.expires > time.monotonic() else None

    async def _fetch(
        self, challenge: Challenge, scopes: frozenset[str], credential: Credential | None
    ) -> _Token:
        realm = challenge.parameters.get("realm", "")
        # Without credentials another https server is harmless; plain http never is.
        if credential is not None or not realm.startswith("https://"):
            self._registry.check_token_realm(realm, self._scheme)
        action = fill(_("get a token from {realm}"), realm=printable(realm.partition("?")[0], 200))
        started = time.monotonic()
        answer = await self._send(_token_call(realm, challenge, scopes, credential), action)
        if answer.status != 200:
            raise failure(
                answer.status,
                answer.headers,
                answer.body,
                action,
                self._registry.name,
                hide=self.secrets(),
                anonymous=credential is None,
            )
        wire = read_json(TokenWire, answer.body, _("a token"))
        text = wire.token or wire.access_token or ""
        if not 0 < len(text) <= _LONGEST_TOKEN or not text.isascii() or not text.isprintable():
            raise RegistryError(
                fill(
                    _("The token server of {registry} did not return a usable token."),
                    registry=self._registry.name,
                ),
                _("Try again later, or ask the registry's owner."),
            )
        lifetime = wire.expires_in if wire.expires_in and wire.expires_in > 0 else _LIFETIME_S
        expires = started + max(lifetime - _MARGIN_S, lifetime / 2)
        return _Token(Secret(f"Bearer {text}"), expires)


def _choose(challenges: Sequence[Challenge]) -> Challenge | None:
    for scheme in ("bearer", "basic"):
        for challenge in challenges:
            if challenge.scheme == scheme:
                return challenge
    return None


def _basic(credential: Credential) -> Secret:
    text = f"{credential.username}:{credential.password.reveal()}"
    return Secret("Basic " + base64.b64encode(text.encode()).decode())


def _token_call(
    realm: str, challenge: Challenge, scopes: frozenset[str], credential: Credential | None
) -> Call:
    service = challenge.parameters.get("service", "")
    if credential is not None and credential.identity:
        form = {
            "grant_type": "refresh_token",
            "service": service,
            "client_id": "keynet",
            "scope": " ".join(sorted(scopes)),
            "refresh_token": credential.password.reveal(),
        }
        headers: Mapping[str, str] = {"Content-Type": "application/x-www-form-urlencoded"}
        return Call("POST", realm, headers, urlencode(form).encode())
    url = with_query(realm, service=service) if service else realm
    for scope in sorted(scopes):
        url = with_query(url, scope=scope)
    if credential is None:
        return Call("GET", url)
    return Call("GET", url, {"Authorization": _basic(credential).reveal()})
