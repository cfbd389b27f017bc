"""The backend's answer to a sign-in, and the checked value made of it.

Source: docs/reference/backend.md.
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from keynet.backend.models import Account, SignedIn, Text, Wire
from keynet.errors import BackendError
from keynet.moments import in_utc
from keynet.secret import Secret
from keynet.text import _, printable

__all__ = ["WireSignIn"]

_Credential = Annotated[str, StringConstraints(min_length=1, max_length=100_000)]


class _WireUser(Wire):
    email: Text = ""
    display_name: Text | None = None


class _WireHarbor(Wire):
    url: _Credential
    username: _Credential
    password: _Credential


class WireSignIn(Wire):
    """The answer to a sign-in."""

    access_token: _Credential
    access_token_expires_at: datetime | None = None
    user: _WireUser = Field(default_factory=_WireUser)
    harbor: _WireHarbor

    def checked(self) -> SignedIn:
        """Return the value; a time without a zone is UTC."""
        expires = self.access_token_expires_at
        # They go into headers: what would break a header is refused here, without showing it.
        for value in (self.access_token, self.harbor.username, self.harbor.password):
            if not value.isprintable() or not value.isascii():
                raise BackendError(
                    _("The platform's sign-in answer has credentials with unexpected characters.")
                )
        return SignedIn(
            token=Secret(self.access_token),
            expires_at=expires and in_utc(expires),
            email=printable(self.user.email, 300),
            display_name=printable(self.user.display_name or "", 300),
            harbor=Account(self.harbor.url, self.harbor.username, Secret(self.harbor.password)),
        )
