"""Recognise files that hold a user's own logins and keys: no image gets them by accident."""

import os
from typing import Final

__all__ = ["has_logins", "is_credential", "may_have_logins"]

_NAMES: Final = frozenset(
    {
        ".netrc",
        "_netrc",
        ".pypirc",
        ".git-credentials",
        ".dockercfg",
        ".dockerconfigjson",
        "id_rsa",
        "id_dsa",
        "id_ecdsa",
        "id_ecdsa_sk",
        "id_ed25519",
        "id_ed25519_sk",
    }
)
_FOLDERS: Final = ("/.ssh/", "/.config/keynet/", "/.gnupg/")
_PATHS: Final = (
    "/.docker/config.json",
    "/containers/auth.json",
    "/.aws/credentials",
    "/.kube/config",
    "/.azure/accesstokens.json",
    "/gcloud/credentials.db",
    "/gcloud/application_default_credentials.json",
    "/.config/gh/hosts.yml",
)
# docker and podman keep their logins in files of these names, anywhere; so do others.
_MAYBE: Final = frozenset({"auth.json", "config.json"})
_LOGINS: Final = b'"auths"'
_HEAD: Final = 65_536


def is_credential(path: str) -> bool:
    """Report whether a path of a context, by its name, is a user's own login or key."""
    lowered = f"/{path.lower()}"
    if lowered.rpartition("/")[2] in _NAMES or lowered.endswith(_PATHS):
        return True
    return any(folder in lowered for folder in _FOLDERS)


def may_have_logins(name: str) -> bool:
    """Report whether ``has_logins`` should look into a file of this name."""
    return name in _MAYBE


def has_logins(descriptor: int) -> bool:
    """Report whether an open file has the form of an engine's logins.

    Raises:
        OSError: It cannot be read.
    """
    return _LOGINS in os.read(descriptor, _HEAD)
