"""Push a Python training script to a training platform as a container image."""

from importlib import import_module

__version__ = "0.1.0"

# Public name -> module, loaded at first use so that importing keynet costs nothing.
_PUBLIC = {
    "KeynetError": "keynet.errors",
    "Reference": "keynet.oci.reference",
    "extract": "keynet.script.extraction",
}

__all__ = ["KeynetError", "Reference", "__version__", "extract"]


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'keynet' has no attribute {name!r}")
