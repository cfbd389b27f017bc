"""Registry authentication: credentials in order, Basic, and bearer tokens by scope.

Source: distribution, "Token Authentication Specification".
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

from keynet.errors import KeynetError, RegistryDenied, RegistryError, RegistryUnreachable
from keynet.net.sign_in import Challenge, SignIn, covers
from keynet.registry.address import Registry
from keynet.registry.auth.challenge import parse_challenges, scopes_of
from keynet.registry.auth.credential_sources import Credential, CredentialSource
from keynet.registry.auth.token_exchange import (
    basic_header,
    get_call,
    holds_token,
    post_call,
    read_token,
)
from keynet.registry.http.exchange import Answer, Call
from keynet.registry.http.refusals import purpose_of
from keynet.registry.http.status_errors import failure
from keynet.secret import Secret
from keynet.text import _, fill, printable

__all__ = ["Authorizer"]


class Authorizer:
    """Make the Authorization headers for requests to one registry.

    Args:
        send: Makes one exchange with a token server, retried, without following redirects.
        sign_in: What other clients with the same credentials have learned; this one adds to it.
    """

    def __init__(
        self,
        registry: Registry,
        sources: Sequence[CredentialSource],
        send: Callable[[Call, str], Awaitable[Answer]],
        sign_in: SignIn | None = None,
    ) -> None:
        self._registry = registry
        self._sources = tuple(sources)
        self._send = send
        self._learned = sign_in or SignIn()
        self._found: dict[str, Credential | KeynetError | None] = {}
        self._fetching: dict[frozenset[str], asyncio.Lock] = {}
        self._expected: frozenset[str] = frozenset()
        self._post_refused = False

    @property
    def challenged_before(self) -> bool:
        """Whether the registry has said how to sign in."""
        return self._learned.challenge is not None

    @property
    def url_scheme(self) -> str | None:
        """Whether it said so by ``https`` or ``http``; None: not yet."""
        return self._learned.url_scheme if self.challenged_before else None

    async def may_sign_in(self, repository: str) -> bool:
        """Report whether there are credentials, or a source of them that cannot be read.

        Why it cannot be read is reported when the registry asks for credentials.
        """
        try:
            return await self._credential(repository) is not None
        except KeynetError:
            return True

    async def header(self, scopes: Iterable[str], repository: str) -> Secret | None:
        """Return the header for these scopes; None while the registry has not asked for one."""
        challenge = self._learned.challenge
        if challenge is None:
            return None
        credential = await self._credential(repository)
        if challenge.scheme == "basic":
            return basic_header(credential) if credential is not None else None
        wanted = scopes_of(scopes)
        header = self._learned.header(wanted, credential)
        if header is None:
            async with self._turn(wanted):
                header = self._learned.header(wanted, credential)
                if header is None:
                    header = await self._fetch_expected(challenge, wanted, credential)
        return header

    def expect(self, scopes: Iterable[str]) -> None:
        """Ask for one token for all these scopes when the first of them is wanted."""
        self._expected = scopes_of(scopes)

    def learn(self, answer: Answer) -> bool:
        """Remember what a 401 asks for; report whether it is something known."""
        challenge = self._choose(
            parse_challenges(answer.headers.get("www-authenticate", "")),
            answer.url.partition(":")[0],
        )
        if challenge is None:
            return False
        learned = self._learned
        learned.url_scheme = answer.url.partition(":")[0]
        known = learned.challenge.parameters if learned.challenge else {}
        for name in ("realm", "service"):
            if known.get(name) != challenge.parameters.get(name):
                learned.drop_all()
        learned.challenge = challenge
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
        if sent is not None:
            self._expected = frozenset()
        self._learned.drop(sent, scopes_of(scopes))
        learned = self.learn(answer)
        if not learned and sent is None:
            raise refused if nobody else _no_way_to_sign_in(self._registry.name, action, refused)
        challenge = self._learned.challenge
        assert challenge is not None
        # The root of GHCR names a repository as an example; who asks for none wants no scope.
        if learned and (scopes or sent is not None):
            scopes |= scopes_of([challenge.parameters.get("scope", "")])
        if challenge.scheme == "basic" and nobody:
            raise refused

    @property
    def anonymous(self) -> bool:
        """Report whether no credential was found for any request so far."""
        return not any(self._found.values())

    def secrets(self) -> list[str]:
        """Return what a server may repeat and nobody may see: passwords and tokens so far."""
        known = [found for found in self._found.values() if isinstance(found, Credential)]
        return [
            *(credential.password.reveal() for credential in known),
            *(basic_header(credential).reveal().partition(" ")[2] for credential in known),
            *(header.reveal().partition(" ")[2] for header in self._learned.headers()),
        ]

    async def _credential(self, repository: str) -> Credential | None:
        if repository not in self._found:
            self._found[repository] = await self._look_up(repository)
        found = self._found[repository]
        if isinstance(found, KeynetError):
            raise found
        return found

    async def _look_up(self, repository: str) -> Credential | KeynetError | None:
        for source in self._sources:
            try:
                found = await source.find(self._registry.name, repository)
            except KeynetError as error:
                # Kept, so that a helper that hangs or asks for a passphrase runs once.
                return error
            if found is not None:
                return found
        return None

    def _turn(self, wanted: frozenset[str]) -> asyncio.Lock:
        """Return the lock for a token; that of one that serves, too, if it is being fetched."""
        if covers(self._expected, wanted):
            wanted = self._expected
        for scopes, lock in self._fetching.items():
            if lock.locked() and covers(scopes, wanted):
                return lock
        return self._fetching.setdefault(wanted, asyncio.Lock())

    async def _fetch_expected(
        self, challenge: Challenge, wanted: frozenset[str], credential: Credential | None
    ) -> Secret:
        """Get a token for all that is expected, unless the server refuses that."""
        if self._expected != wanted and covers(self._expected, wanted):
            try:
                return await self._fetch(challenge, self._expected, credential)
            except RegistryUnreachable:
                raise
            except RegistryError:
                self._expected = frozenset()
        return await self._fetch(challenge, wanted, credential)

    async def _fetch(
        self, challenge: Challenge, scopes: frozenset[str], credential: Credential | None
    ) -> Secret:
        realm = challenge.parameters.get("realm", "")
        # Without credentials another https server is harmless; plain http never is.
        if credential is not None or not realm.startswith("https://"):
            self._registry.check_token_realm(realm, self._learned.url_scheme)
        server = printable(realm.partition("?")[0], 200)
        action = fill(_("get a token from {realm}"), realm=server)
        started = time.monotonic()
        answer = await self._answer_of(challenge, scopes, credential, action)
        if not 200 <= answer.status < 300:
            raise failure(
                answer.status,
                answer.headers,
                answer.body,
                action,
                self._registry.name,
                hide=self.secrets(),
                anonymous=credential is None,
            )
        granted = read_token(answer, self._registry.name, server)
        header = Secret(f"Bearer {granted.text}")
        self._learned.keep(scopes, header, started + granted.life_s, credential)
        return header

    def _choose(self, challenges: Sequence[Challenge], scheme: str) -> Challenge | None:
        """Return a token server that may see the credentials, else Basic, else any of them."""
        bearers = [each for each in challenges if each.scheme == "bearer"]
        basic = [each for each in challenges if each.scheme == "basic"]
        if basic:
            bearers = [each for each in bearers if self._trusts(each, scheme)]
        return next(iter((*bearers, *basic)), None)

    def _trusts(self, challenge: Challenge, scheme: str) -> bool:
        try:
            self._registry.check_token_realm(challenge.parameters.get("realm", ""), scheme)
        except RegistryError:
            return False
        return True

    async def _answer_of(
        self,
        challenge: Challenge,
        scopes: frozenset[str],
        credential: Credential | None,
        action: str,
    ) -> Answer:
        """Ask the token server; an identity token goes by POST, then by GET.

        Registries that have no POST answer in many ways: 404 at Gitea and Google, 401 at
        JFrog's, 400 at Azure's, 405 elsewhere, or a page with status 200.
        """
        if credential is None or not credential.identity:
            return await self._send(get_call(challenge, scopes, credential), action)
        posted = None
        if not self._post_refused:
            posted = await self._send(post_call(challenge, scopes, credential), action)
            if holds_token(posted):
                return posted
        answer = await self._send(get_call(challenge, scopes, credential), action)
        if holds_token(answer):
            self._post_refused = True
        # Which of two refusals explains more: one about the credentials.
        elif posted is not None and posted.status in (401, 403):
            return posted
        return answer


def _no_way_to_sign_in(registry: str, action: str, refused: RegistryError) -> RegistryDenied:
    """Return the error of a registry that wants to know the user, but asks for nothing usable."""
    return RegistryDenied(
        fill(
            _("Could not {action}: {registry} offers neither Basic nor Bearer to sign in.{said}"),
            action=action,
            registry=registry,
            said=f" ({printable(refused.said, 300)})" if refused.said else "",
        ),
        _("No credentials were sent. Check its address, and what a proxy in between asks for."),
        status=refused.status,
        code=refused.code,
        said=refused.said,
    )
