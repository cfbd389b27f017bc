"""The saved login as a value: the user, the platform, and the Harbor account it gave.

``keynet.credentials`` keeps it in the config file; ``keynet.settings`` decides what of it
counts.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from keynet.confidential import is_suspicious_name, is_suspicious_value
from keynet.frozen import frozen
from keynet.moments import in_utc
from keynet.secret import Secret, mask
from keynet.text import _, fill

__all__ = ["HarborAccount", "SavedLogin", "SavedProject"]

_KNOWN: Final = frozenset(
    {
        "server_url",
        "username",
        "api_token",
        "api_token_expires_at",
        "harbor",
        "last_login",
        "project",
        "ca_cert",
        "token_hosts",
        "insecure",
    }
)
# Names that look like a secret's.
_SHOWN: Final = frozenset({"api_token_expires_at", "token_hosts"})


@frozen
class HarborAccount:
    """The robot account that the platform made at sign-in; ``url`` has a scheme."""

    url: str
    username: str
    password: Secret


@frozen
class SavedProject:
    """The project chosen with ``keynet project select``; it counts for ``server_url`` only."""

    id: int
    title: str
    server_url: str


@frozen
class SavedLogin:
    """What the config file holds; ``extra`` are keys that this version does not know."""

    server_url: str = ""
    username: str = ""
    api_token: Secret | None = None
    api_token_expires_at: datetime | None = None
    harbor: HarborAccount | None = None
    last_login: str = ""
    project: SavedProject | None = None
    ca_cert: Path | None = None
    token_hosts: tuple[str, ...] = ()
    insecure: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_json(cls, document: object) -> Self:
        """Read the config file's JSON object.

        Raises:
            ValueError: A field is of a wrong type; the text, for people, has no value in it.
        """
        if not isinstance(document, dict):
            raise ValueError(_("it is not a JSON object"))  # noqa: TRY004
        whole = _Fields(document)
        token, ca_cert = whole.text("api_token"), whole.text("ca_cert")
        return cls(
            server_url=whole.text("server_url"),
            username=whole.text("username"),
            api_token=Secret(token) if token else None,
            api_token_expires_at=whole.moment("api_token_expires_at"),
            harbor=_harbor(whole.object("harbor")),
            last_login=whole.text("last_login"),
            project=_project(whole.object("project")),
            ca_cert=Path(ca_cert) if ca_cert else None,
            token_hosts=whole.texts("token_hosts"),
            insecure=whole.truth("insecure"),
            extra={key: value for key, value in document.items() if key not in _KNOWN},
        )

    def to_json(self) -> dict[str, Any]:
        """Return the config file's JSON object, with its secrets; empty fields are left out."""
        harbor, project, expires = self.harbor, self.project, self.api_token_expires_at
        wire: dict[str, Any] = {
            "server_url": self.server_url,
            "username": self.username,
            "api_token": self.api_token.reveal() if self.api_token else None,
            "api_token_expires_at": expires and in_utc(expires).isoformat().replace("+00:00", "Z"),
            "harbor": harbor
            and {
                "url": harbor.url,
                "username": harbor.username,
                "password": harbor.password.reveal(),
            },
            "last_login": self.last_login,
            "project": project
            and {"id": project.id, "title": project.title, "server_url": project.server_url},
            "ca_cert": str(self.ca_cert) if self.ca_cert else None,
            "token_hosts": list(self.token_hosts),
            "insecure": self.insecure,
        }
        return {key: value for key, value in wire.items() if value} | dict(self.extra)

    def shown(self) -> dict[str, Any]:
        """Return the config file's JSON object with every secret masked, as ``mask`` does."""
        masked = _masked(self.to_json())
        assert isinstance(masked, dict)
        return masked


class _Fields:
    """A JSON object's fields by type; what is absent or null is empty."""

    def __init__(self, content: Mapping[str, Any], inside: str = "") -> None:
        self._content = content
        self._inside = inside

    def text(self, key: str) -> str:
        value = self._content.get(key)
        if value is not None and not isinstance(value, str):
            raise ValueError(fill(_("{key} is not a string"), key=self._inside + key))
        return value or ""

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._content.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise ValueError(fill(_("{key} is not a list of strings"), key=self._inside + key))
        return tuple(value)

    def object(self, key: str) -> "_Fields | None":
        value = self._content.get(key)
        if value is not None and not isinstance(value, dict):
            raise ValueError(fill(_("{key} is not an object"), key=self._inside + key))
        return _Fields(value, f"{key}.") if value else None

    def number(self, key: str) -> int:
        value = self._content.get(key)
        if type(value) is not int:
            raise ValueError(fill(_("{key} is not a number"), key=self._inside + key))
        return value

    def truth(self, key: str) -> bool:
        value = self._content.get(key, False)
        if not isinstance(value, bool):
            raise ValueError(  # noqa: TRY004
                fill(_("{key} is neither true nor false"), key=self._inside + key)
            )
        return value

    def moment(self, key: str) -> datetime | None:
        text = self.text(key)
        if not text:
            return None
        try:
            # RFC 3339 allows a small t and z, Python does not.
            moment = datetime.fromisoformat(text.upper())
        # The cause would show the text, which may be a token in the wrong place.
        except ValueError:
            reason = fill(_("{key} is not a date and time"), key=self._inside + key)
            raise ValueError(reason) from None
        return in_utc(moment)


def _harbor(fields: _Fields | None) -> HarborAccount | None:
    if fields is None:
        return None
    return HarborAccount(
        fields.text("url"), fields.text("username"), Secret(fields.text("password"))
    )


def _project(fields: _Fields | None) -> SavedProject | None:
    if fields is None:
        return None
    return SavedProject(fields.number("id"), fields.text("title"), fields.text("server_url"))


def _masked(value: object, *, secret: bool = False) -> object:
    match value:
        case dict():
            return {
                key: _masked(item, secret=secret or is_suspicious_name(str(key), "variable"))
                if key not in _SHOWN
                else item
                for key, item in value.items()
            }
        case list():
            return [_masked(item, secret=secret) for item in value]
        case str() if secret or is_suspicious_value(value):
            return mask(value)
        case _:
            return value
