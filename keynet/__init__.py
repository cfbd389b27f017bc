"""Push a Python training script to a training platform as a container image.

    import keynet

    result = keynet.push("train.py", project=12)
    print(result.image, result.digest)

Everything is loaded at its first use, so that importing keynet costs nothing. Archives and
registries have an asynchronous library of their own: ``keynet.registry``.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keynet.errors import (
        ArchiveNotFound,
        BackendError,
        BuildFailed,
        ContainerNotFound,
        ContextInvalid,
        DigestMismatch,
        EngineError,
        EngineTimeout,
        EngineUnavailable,
        Interrupted,
        InvalidArchive,
        InvalidRunSettings,
        KeynetError,
        LocalImageNotFound,
        MetadataNotAttached,
        NetworkNotFound,
        NotAuthorised,
        NotFound,
        RegistryDenied,
        RegistryError,
        RegistryUnreachable,
        RunNotStarted,
        ScriptInvalid,
        TarReadError,
        UsageError,
        ValidationError,
    )
    from keynet.events import (
        BlobAdvanced,
        BlobFinished,
        BlobMounted,
        BlobRewound,
        BlobSkipped,
        BlobStarted,
        Emit,
        Event,
        LogLine,
        Notice,
        StepFinished,
        StepStarted,
    )
    from keynet.oci.descriptor import Digest
    from keynet.oci.reference import Reference
    from keynet.runtime.engine import WorkingEngine
    from keynet.script.arguments import Argument, Extraction, Note
    from keynet.secret import Secret
    from keynet.steps.api import build, extract, login, push
    from keynet.steps.build import BuildResult
    from keynet.steps.login import SignedInUser
    from keynet.steps.push import PushResult
    from keynet.steps.running.settings_of_runs import runtime_settings

__version__ = "0.1.0"

__all__ = [
    "ArchiveNotFound",
    "Argument",
    "BackendError",
    "BlobAdvanced",
    "BlobFinished",
    "BlobMounted",
    "BlobRewound",
    "BlobSkipped",
    "BlobStarted",
    "BuildFailed",
    "BuildResult",
    "ContainerNotFound",
    "ContextInvalid",
    "Digest",
    "DigestMismatch",
    "Emit",
    "EngineError",
    "EngineTimeout",
    "EngineUnavailable",
    "Event",
    "Extraction",
    "Interrupted",
    "InvalidArchive",
    "InvalidRunSettings",
    "KeynetError",
    "LocalImageNotFound",
    "LogLine",
    "MetadataNotAttached",
    "NetworkNotFound",
    "NotAuthorised",
    "NotFound",
    "Note",
    "Notice",
    "PushResult",
    "Reference",
    "RegistryDenied",
    "RegistryError",
    "RegistryUnreachable",
    "RunNotStarted",
    "ScriptInvalid",
    "Secret",
    "SignedInUser",
    "StepFinished",
    "StepStarted",
    "TarReadError",
    "UsageError",
    "ValidationError",
    "WorkingEngine",
    "__version__",
    "build",
    "extract",
    "login",
    "push",
    "runtime_settings",
]

# Where the public names live that are neither errors nor events.
_HOMES = {
    "Argument": "keynet.script.arguments",
    "BuildResult": "keynet.steps.build",
    "Digest": "keynet.oci.descriptor",
    "Extraction": "keynet.script.arguments",
    "Note": "keynet.script.arguments",
    "PushResult": "keynet.steps.push",
    "Reference": "keynet.oci.reference",
    "Secret": "keynet.secret",
    "SignedInUser": "keynet.steps.login",
    "WorkingEngine": "keynet.runtime.engine",
    "build": "keynet.steps.api",
    "extract": "keynet.steps.api",
    "login": "keynet.steps.api",
    "push": "keynet.steps.api",
    "runtime_settings": "keynet.steps.running.settings_of_runs",
}
_OTHERS = ("keynet.errors", "keynet.events")


def __getattr__(name: str) -> object:
    if name in __all__:
        for module in (_HOMES[name],) if name in _HOMES else _OTHERS:
            found = getattr(import_module(module), name, None)
            if found is not None:
                return found
    raise AttributeError(f"module 'keynet' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
