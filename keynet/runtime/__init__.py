"""The engines of a host: their health, networks, labels, limits and names.

    from keynet.runtime import HealthMonitor, connect

    engine = connect()
    print(engine.version().server, engine.system().storage_driver)
    with HealthMonitor(engine, on_change=print):
        ...

Everything here loads at first use. docs/runtime.md explains it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keynet.errors import (
        ContainerNotFound,
        EngineError,
        EngineUnavailable,
        Interrupted,
        InvalidRunSettings,
        KeynetError,
        LocalImageNotFound,
        NetworkNotFound,
    )
    from keynet.runtime.abilities import (
        Container,
        Engine,
        EngineVersion,
        Monitored,
        Network,
        Networking,
        Runner,
        SystemFacts,
    )
    from keynet.runtime.engines.engine_hosts import connect, installed
    from keynet.runtime.workspace.health import Health, check_health
    from keynet.runtime.workspace.labels import Labels
    from keynet.runtime.workspace.limits import Limits, parse_cpus, parse_memory
    from keynet.runtime.workspace.monitor import HealthMonitor, OnChange
    from keynet.runtime.workspace.runtime_settings import RuntimeSettings, merge_runtime
    from keynet.runtime.workspace.safe_names import container_name, image_tag, new_id, safe_name

__all__ = [
    "Container",
    "ContainerNotFound",
    "Engine",
    "EngineError",
    "EngineUnavailable",
    "EngineVersion",
    "Health",
    "HealthMonitor",
    "Interrupted",
    "InvalidRunSettings",
    "KeynetError",
    "Labels",
    "Limits",
    "LocalImageNotFound",
    "Monitored",
    "Network",
    "NetworkNotFound",
    "Networking",
    "OnChange",
    "Runner",
    "RuntimeSettings",
    "SystemFacts",
    "check_health",
    "connect",
    "container_name",
    "image_tag",
    "installed",
    "merge_runtime",
    "new_id",
    "parse_cpus",
    "parse_memory",
    "safe_name",
]

_MODULES = {
    "keynet.errors": (
        "ContainerNotFound",
        "EngineError",
        "EngineUnavailable",
        "Interrupted",
        "InvalidRunSettings",
        "KeynetError",
        "LocalImageNotFound",
        "NetworkNotFound",
    ),
    "keynet.runtime.abilities": (
        "Container",
        "Engine",
        "EngineVersion",
        "Monitored",
        "Network",
        "Networking",
        "Runner",
        "SystemFacts",
    ),
    "keynet.runtime.engines.engine_hosts": ("connect", "installed"),
    "keynet.runtime.workspace.health": ("Health", "check_health"),
    "keynet.runtime.workspace.labels": ("Labels",),
    "keynet.runtime.workspace.limits": ("Limits", "parse_cpus", "parse_memory"),
    "keynet.runtime.workspace.monitor": ("HealthMonitor", "OnChange"),
    "keynet.runtime.workspace.runtime_settings": ("RuntimeSettings", "merge_runtime"),
    "keynet.runtime.workspace.safe_names": (
        "container_name",
        "image_tag",
        "new_id",
        "safe_name",
    ),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'keynet.runtime' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
