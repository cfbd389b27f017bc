"""Every error that keynet raises on purpose, with its exit status.

The statuses are described in docs/reference/exit-statuses.md.

::

    KeynetError                        1
    ├── UsageError                     2   a flag, variable or setting is wrong or missing
    ├── ScriptInvalid                  3   the training script
    ├── ContextInvalid                 3   context, Containerfile, requirements file
    ├── EngineError                    4
    │   ├── EngineUnavailable          4   no usable engine, or the chosen one is unusable
    │   ├── EngineTimeout              4   a program of an engine did not end in its time
    │   ├── BuildFailed                4
    │   ├── NetworkNotFound            4
    │   ├── ContainerNotFound          4
    │   ├── LocalImageNotFound         4
    │   ├── RunNotStarted            125   before the program of a run, as docker run
    │   └── InvalidRunSettings         2
    ├── BackendError                   5
    ├── RegistryError                  5   .status, .code, .temporary, .said
    │   ├── RegistryUnreachable        5
    │   ├── NotFound                   5
    │   └── DigestMismatch             5
    ├── NotAuthorised                  6   backend
    ├── RegistryDenied                 6   registry (also a RegistryError)
    ├── ValidationError                7   an image, manifest, digest or reference
    │   └── InvalidArchive             7
    │       └── TarReadError           7
    │           └── ArchiveNotFound    7   also a FileNotFoundError
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
    "EngineTimeout",
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
    "RunNotStarted",
    "ScriptInvalid",
    "TarReadError",
    "UsageError",
    "ValidationError",
]


class KeynetError(Exception):
    """The base class: ``message`` is what failed and why, ``hint`` what to do next."""

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
    """An engine failed."""

    exit_status = 4


class EngineUnavailable(EngineError):
    """No engine works on this host, or the chosen one does not."""


class EngineTimeout(EngineError):
    """A program of an engine did not end within ``timeout_s``, and was ended."""

    def __init__(self, message: str, hint: str = "", *, timeout_s: float) -> None:
        super().__init__(message, hint)
        self.timeout_s = timeout_s


class BuildFailed(EngineError):
    """The build failed; the message has the failing step and its last output lines.

    ``brief`` is the message without those lines, for when they have just been shown.
    """

    def __init__(self, message: str, hint: str = "", *, brief: str = "") -> None:
        super().__init__(message, hint)
        self.brief = brief or message


class NetworkNotFound(EngineError):
    """The engine has no network of that name."""


class ContainerNotFound(EngineError):
    """The engine has no container of that name."""


class LocalImageNotFound(EngineError):
    """Neither the engine nor a registry that it can reach has that image."""


class RunNotStarted(EngineError):
    """``keynet run`` failed before the program started; ``docker run`` has the same status."""

    exit_status = 125


class InvalidRunSettings(EngineError):
    """A limit, name or network for a run is not valid."""

    exit_status = 2


class BackendError(KeynetError):
    """The platform's backend failed, or its answer is not valid."""

    exit_status = 5


class RegistryError(KeynetError):
    """The registry failed, or its answer is not valid.

    Args:
        status: HTTP status, None if there was no answer.
        code: The registry's error code (``MANIFEST_UNKNOWN``), "" if it sent none.
        temporary: Trying again later may help.
        said: The registry's own text, "" if it sent none.
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
        said: str = "",
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.code = code
        self.temporary = temporary
        self.said = said


class RegistryUnreachable(RegistryError):
    """The connection or TLS failed, or the registry did not answer in time."""


class NotFound(RegistryError):
    """The registry has no such repository, manifest, tag or blob."""


class DigestMismatch(RegistryError):
    """Received content does not have the expected digest."""


class NotAuthorised(KeynetError):
    """The backend refused the token, or there is none."""

    exit_status = 6


class RegistryDenied(RegistryError):
    """The registry refused the credentials, or they lack the permission."""

    exit_status = 6


class ValidationError(KeynetError):
    """An image, manifest, digest or reference is not valid or not consistent."""

    exit_status = 7


class InvalidArchive(ValidationError):
    """A file is not an image archive, is damaged or is malicious."""


class TarReadError(InvalidArchive):
    """The file cannot be read as a tar."""


class ArchiveNotFound(TarReadError, FileNotFoundError):
    """There is no archive at that path."""


class MetadataNotAttached(KeynetError):
    """The image was pushed, but its hyperparameters could not be attached."""

    exit_status = 8


class Interrupted(KeynetError):
    """The user pressed Ctrl-C, or the process received SIGTERM or SIGHUP."""

    exit_status = 130

    def __init__(self, message: str = "", hint: str = "") -> None:
        super().__init__(message or _("Interrupted."), hint)
