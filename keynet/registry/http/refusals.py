"""A reason to refuse, what it fits and what to do then; ``refusal_table`` has the known ones."""

import re
from enum import Enum, auto
from urllib.parse import urlsplit

from keynet.frozen import frozen

__all__ = ["Purpose", "Refusal", "purpose_of"]


class Purpose(Enum):
    """What a request is for, as far as the reasons for refusing it differ."""

    PULL = auto()
    PUSH = auto()
    UPLOAD = auto()
    DELETE = auto()
    STORAGE = auto()
    OTHER = auto()


@frozen
class Refusal:
    """A reason and a hint, still to be translated, with the refusals that they are for.

    Args:
        reason: May name ``{registry}``.
        hint: May name ``{registry}``, ``{login}`` and ``{later}``.
        statuses: Any when empty.
        purposes: Any when empty.
        words: What is searched for in ``CODE: text``, ignoring case; "" is always found.
        anonymous: Only where the request had no credentials.
    """

    reason: str
    hint: str
    statuses: frozenset[int] = frozenset()
    purposes: frozenset[Purpose] = frozenset()
    words: str = ""
    anonymous: bool = False

    def fits(self, status: int, purpose: Purpose, words: str, *, anonymous: bool) -> bool:
        """Report whether this is the reason for such a refusal."""
        return (
            (anonymous or not self.anonymous)
            and (not self.statuses or status in self.statuses)
            and (not self.purposes or purpose in self.purposes)
            and (not self.words or re.search(self.words, words, re.IGNORECASE) is not None)
        )

    @property
    def denies(self) -> bool:
        """Report whether it is about the account, which another sign-in may change."""
        return "{login}" in self.hint


def purpose_of(method: str, url: str) -> Purpose:
    """Return what a request to a registry is for."""
    path = urlsplit(url).path
    if not re.search("/(manifests|blobs|tags|referrers)/", path):
        return Purpose.OTHER
    if "/blobs/uploads/" in path:
        return Purpose.UPLOAD
    if method in ("POST", "PUT", "PATCH"):
        return Purpose.PUSH
    return Purpose.DELETE if method == "DELETE" else Purpose.PULL
