"""What a registry asks of those who sign in, and its tokens: shared by the clients of an account.

A push uses several clients, one after the other; with this the registry is asked once. It is kept
in memory alone.
"""

import time
from collections.abc import Mapping
from dataclasses import field

from keynet.frozen import frozen
from keynet.secret import Secret

__all__ = ["Challenge", "SignIn", "covers"]


@frozen
class Challenge:
    """One way to authenticate; ``scheme`` and the names of parameters are lower-case."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@frozen
class _Token:
    header: Secret
    expires_s: float
    owner: object


class SignIn:
    """What the clients of one account at one registry have learned.

    Attributes:
        challenge: What the registry's last 401 asked for; None before the first one.
        url_scheme: ``https`` or ``http``: of the URL that the challenge came from.
    """

    def __init__(self) -> None:
        self.challenge: Challenge | None = None
        self.url_scheme = "https"
        self._tokens: dict[tuple[object, frozenset[str]], _Token] = {}

    def header(self, wanted: frozenset[str], owner: object) -> Secret | None:
        """Return the header with a token for these scopes, or for more; None if there is none.

        Args:
            wanted: As ``scopes_of`` writes them.
            owner: The credential, or None; namespaces of one registry may have different ones.
        """
        now = time.monotonic()
        for scopes, token in self._all():
            fits = token.owner == owner and covers(scopes, wanted)
            if fits and token.expires_s > now:
                return token.header
        return None

    def headers(self) -> list[Secret]:
        """Return the headers with all tokens."""
        return [token.header for _scopes, token in self._all()]

    def keep(self, scopes: frozenset[str], header: Secret, expires_s: float, owner: object) -> None:
        """Remember the token of a credential until a time of ``time.monotonic``."""
        self._tokens[owner, scopes] = _Token(header, expires_s, owner)

    def drop(self, header: Secret | None, wanted: frozenset[str]) -> None:
        """Forget a token that was refused, and the others that could be used in its place.

        What comes next is a token for these scopes alone: some servers grant less where more is
        asked for.
        """
        for scopes, token in self._all():
            if token.header == header or (header is not None and covers(scopes, wanted)):
                self._tokens.pop((token.owner, scopes), None)

    def drop_all(self) -> None:
        """Forget all tokens."""
        self._tokens.clear()

    def _all(self) -> list[tuple[frozenset[str], _Token]]:
        """Return a copy: another client may add a token meanwhile, in a thread of its own."""
        return [(scopes, token) for (_owner, scopes), token in [*self._tokens.items()]]


def covers(scopes: frozenset[str], wanted: frozenset[str]) -> bool:
    """Report whether who may do ``scopes`` may do ``wanted``, too."""
    if wanted <= scopes:
        return True
    allowed = dict(map(_split, scopes))
    return all(actions <= allowed.get(resource, set()) for resource, actions in map(_split, wanted))


def _split(scope: str) -> tuple[str, set[str]]:
    resource, _colon, actions = scope.rpartition(":")
    return resource, set(actions.split(","))
