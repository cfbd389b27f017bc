"""Who may do what: bearer tokens of the sandbox's token service.

Source: distribution, "Token Authentication Specification".
"""

from typing import Protocol

from starlette.requests import Request

from keynet.frozen import frozen
from keynet.sandbox import registry_tokens
from keynet.sandbox.authority import KeyPair
from keynet.sandbox.registry.error_answers import Refusal

__all__ = ["Guard", "OpenGuard", "TokenGuard"]


class Guard(Protocol):
    """Decide about each request."""

    def check(self, request: Request, name: str | None, *actions: str) -> None:
        """Return if one of these actions is granted, on the repository or None for all.

        Raises:
            Refusal: None of them is.
        """
        ...

    def may_pull(self, request: Request, name: str) -> bool:
        """Report whether the request may read another repository too."""
        ...


class OpenGuard:
    """Everybody may do everything."""

    def check(self, request: Request, name: str | None, *actions: str) -> None:
        """Return."""

    def may_pull(self, request: Request, name: str) -> bool:
        """Return True."""
        return True


@frozen
class TokenGuard:
    """A token grants actions; ``realm`` is the token service's URL."""

    realm: str
    signer: KeyPair

    def check(self, request: Request, name: str | None, *actions: str) -> None:
        """Return if the request's token grants one of these actions; see ``Guard``."""
        access = self._access(request)
        if access is not None and (not actions or _actions_of(access, name) & {*actions, "*"}):
            return
        challenge = f'Bearer realm="{self.realm}",service="{registry_tokens.SERVICE}"'
        if actions and name is None:
            challenge += ',scope="registry:catalog:*"'
        elif actions:
            wanted = "delete" if "delete" in actions else "pull"
            wanted = "pull,push" if "push" in actions else wanted
            challenge += f',scope="repository:{name}:{wanted}"'
        if access is not None:
            challenge += ',error="insufficient_scope"'
        message = "a token is needed" if access is None else "the token does not grant this"
        raise Refusal(401, "UNAUTHORIZED", message, {"WWW-Authenticate": challenge})

    def may_pull(self, request: Request, name: str) -> bool:
        """Report whether the request's token grants reading another repository too."""
        return bool(_actions_of(self._access(request) or [], name) & {"pull", "*"})

    def _access(self, request: Request) -> list[dict[str, object]] | None:
        scheme, _space, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        return registry_tokens.verified(self.signer, token.strip())


def _actions_of(access: list[dict[str, object]], name: str | None) -> set[str]:
    """Return what is granted on a repository, on the catalog if None."""
    kind = ("repository", name) if name is not None else ("registry", "catalog")
    granted = set[str]()
    for entry in access:
        actions = entry["actions"]
        if (entry["type"], entry["name"]) == kind and isinstance(actions, list):
            granted.update(actions)
    return granted
