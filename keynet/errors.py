"""Every error that keynet raises on purpose, with its exit status (SPEC 10).

::

    KeynetError                        1
    ├── UsageError                     2   a flag, variable or setting is wrong or missing
    ├── ScriptInvalid                  3   the training script
    ├── ContextInvalid                 3   context, Containerfile, requirements file
    ├── EngineError                    4
    │   ├── EngineUnavailable          4   no usable engine, or the chosen one is not
    │   ├── BuildFailed                4
    │   ├── NetworkNotFound            4
    │   ├── ContainerNotFound          4
    │   ├── LocalImageNotFound         4
    │   └── InvalidRunSettings         2
    ├── BackendError                   5
    ├── RegistryError                  5   .status, .code, .temporary
    │   ├── RegistryUnreachable        5
    │   ├── NotFound                   5
    │   └── DigestMismatch             5
    ├── NotAuthorised                  6   backend
    ├── RegistryDenied                 6   registry (also a RegistryError)
    ├── InvalidArchive                 7
    │   └── TarReadError               7
    │       └── ArchiveNotFound        7   also a FileNotFoundError
    ├── ValidationError                7   an image, manifest, digest or reference
    ├── MetadataNotAttached            8
    └── Interrupted                  130
"""

from typing import ClassVar

from keynet.text import _

__all__ = [
    "ArchiveNotFound",
    "BackendError",
    "BuildFailed",
    "ContainerNotFound",
    "ContextInvalid",
    "DigestMismatch",
    "EngineError",
    "EngineUnavailable",
    "Interrupted",
    "InvalidArchive",
    "InvalidRunSettings",
    "KeynetError",
    "LocalImageNotFound",
    "MetadataNotAttached",
    "NetworkNotFound",
    "NotAuthorised",
    "NotFound",
    "RegistryDenied",
    "RegistryError",
    "RegistryUnreachable",
    "ScriptInvalid",
    "TarReadError",
    "UsageError",
    "ValidationError",
]


class KeynetError(Exception):
    """Say what was tried, on what and why it failed; ``hint`` says what to do next."""

    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class UsageError(KeynetError):
    """A flag, variable or setting is wrong or missing."""

    exit_status = 2


class ScriptInvalid(KeynetError):
    """The training script is missing, unreadable or not Python."""

    exit_status = 3


class ContextInvalid(KeynetError):
    """The build context, its Containerfile or its requirements cannot be used."""

    exit_status = 3


class EngineError(KeynetError):
    """An engine could not do what it was asked."""

    exit_status = 4


class EngineUnavailable(EngineError):
    """No engine works here, or the chosen one does not."""


class BuildFailed(EngineError):
    """The engine ran and the build failed; the message has the step and its last lines.

    ``brief`` is the message without those lines, for readers who have seen them come.
    """

    def __init__(self, message: str, hint: str = "", *, brief: str = "") -> None:
        super().__init__(message, hint)
        self.brief = brief or message


class NetworkNotFound(EngineError):
    """The engine has no network of that name."""


class ContainerNotFound(EngineError):
    """The engine has no container of that name."""


class LocalImageNotFound(EngineError):
    """Neither the engine nor a registry it knows has that image."""


class InvalidRunSettings(EngineError):
    """A limit, name or network for a run is out of its range."""

    exit_status = 2


class BackendError(KeynetError):
    """The platform's backend failed or answered what cannot be used."""

    exit_status = 5


class RegistryError(KeynetError):
    """The registry failed or answered what cannot be used.

    Args:
        status: HTTP status, None when there was no answer.
        code: The registry's own error code (``MANIFEST_UNKNOWN``), "" when it gave none.
        temporary: Trying again later may help.
    """

    exit_status = 5

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        status: int | None = None,
        code: str = "",
        temporary: bool = False,
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.code = code
        self.temporary = temporary


class RegistryUnreachable(RegistryError):
    """No connection, no TLS or no answer in time."""


class NotFound(RegistryError):
    """The registry has no such repository, manifest, tag or blob."""


class DigestMismatch(RegistryError):
    """Bytes do not have the digest that was asked for or announced."""


class NotAuthorised(KeynetError):
    """The backend refuses the token, or there is none."""

    exit_status = 6


class RegistryDenied(RegistryError):
    """The registry refuses the credentials, or they do not allow this."""

    exit_status = 6


class InvalidArchive(KeynetError):
    """A file is no image archive, is broken or is hostile; names the member."""

    exit_status = 7


class TarReadError(InvalidArchive):
    """The archive's file cannot be read as a tar."""


class ArchiveNotFound(TarReadError, FileNotFoundError):
    """There is no archive at that path."""


class ValidationError(KeynetError):
    """An image, manifest, digest or reference breaks its grammar or contradicts itself."""

    exit_status = 7


class MetadataNotAttached(KeynetError):
    """The image was pushed, its hyperparameters could not be attached."""

    exit_status = 8


class Interrupted(KeynetError):
    """The user pressed Ctrl-C or the process was asked to end."""

    exit_status = 130

    def __init__(self, message: str = "", hint: str = "") -> None:
        super().__init__(message or _("Interrupted."), hint)
