"""Recognise files that hold a user's own logins and keys: no image gets them by accident."""

import os
from pathlib import Path
from typing import Final

__all__ = ["Logins", "has_logins", "is_credential", "may_have_logins"]

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


class Logins:
    """Files and folders with logins of this host, whatever they are called.

    By whatever path a context leads to them: they are known by their inodes.
    """

    def __init__(self, paths: tuple[Path, ...] = ()) -> None:
        self._files = set()
        for path in paths:
            try:
                found = path.stat()
            except (OSError, ValueError):
                continue
            self._files.add((found.st_dev, found.st_ino))

    def have(self, found: os.stat_result) -> bool:
        """Report whether a file or folder of the context is one of them."""
        return (found.st_dev, found.st_ino) in self._files


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
