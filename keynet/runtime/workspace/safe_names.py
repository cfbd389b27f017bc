"""Names of what keynet makes on a host, safe for every engine and different for all ids. Pure.

A text that is safe as it is stays as it is. Any other loses what is not safe and gets a hash of
the whole text. A text that looks as if it had such a hash gets one, too: so two texts never have
one name.
"""

import base64
import hashlib
import re
import secrets
from typing import Final

from keynet.errors import InvalidRunSettings
from keynet.text import _, fill, printable

__all__ = [
    "BUILT_IN_NETWORKS",
    "IMAGE",
    "check_network_name",
    "container_name",
    "image_tag",
    "new_id",
    "safe_name",
]

IMAGE: Final = "keynet-workspace"
# Networks that an engine has by itself, and words that ``--network`` takes for none.
BUILT_IN_NETWORKS: Final = frozenset(
    {"bridge", "default", "host", "none", "pasta", "podman", "private", "slirp4netns"}
)

_CONTAINER: Final = "workspace_"
# A container's name is a host name on its network, whose parts have 63 characters at most.
_LONGEST: Final = 63 - len(_CONTAINER)
# 100 bits: nobody finds two texts with one hash.
_HASH_LENGTH: Final = 20
_MARK: Final = "--"
_HASHED: Final = re.compile(rf".*{_MARK}[a-z2-7]{{{_HASH_LENGTH}}}")
# A component of a repository's name, which is the strictest grammar of all. Host names have no
# upper case.
_SAFE: Final = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*")
_NETWORK: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}")


def safe_name(text: str, longest: int = _LONGEST) -> str:
    """Return a name for ``text``: lower-case ASCII, at most ``longest`` characters, never empty.

    Two different texts never have the same name; equal texts always have.
    """
    if len(text) <= longest and _SAFE.fullmatch(text) and not _HASHED.fullmatch(text):
        return text
    room = longest - len(_MARK) - _HASH_LENGTH
    if room < 1:
        raise ValueError(f"no room for a hash in {longest} characters")
    words = re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")
    readable = words[:room].strip("-") or "id"[:room]
    return f"{readable}{_MARK}{_hash(text)}"


def image_tag(workspace_id: str) -> str:
    """Return the name of a workspace's image: ``keynet-workspace:<id>``."""
    return f"{IMAGE}:{safe_name(workspace_id)}"


def container_name(workspace_id: str) -> str:
    """Return the name of a workspace's container: ``workspace_<id>``."""
    return f"{_CONTAINER}{safe_name(workspace_id)}"


def new_id() -> str:
    """Return an id for a new workspace, which nobody can guess."""
    return secrets.token_hex(8)


def check_network_name(name: str, source: str = "") -> str:
    """Return a network's name if every engine takes it.

    Args:
        source: Where the name comes from, for the error.

    Raises:
        InvalidRunSettings: It has other characters, is empty or too long.
    """
    if _NETWORK.fullmatch(name):
        return name
    raise InvalidRunSettings(
        fill(
            _("{source}: {name} is not a valid name of a network."),
            source=source or _("network"),
            name=repr(printable(name, 60)),
        ),
        _("Use letters, digits and _ . - only, beginning with a letter or digit."),
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return base64.b32encode(digest).decode("ascii").lower()[:_HASH_LENGTH]
