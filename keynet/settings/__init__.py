"""Settings, decided by flag, then environment, [tool.keynet] and the config file.

Documented in docs/reference/settings.md.
"""

from keynet.settings.merging import merge
from keynet.settings.model import BackendAccess, Settings
from keynet.settings.sources import decided_by_pyproject, read_pyproject, runtime_table

__all__ = [
    "BackendAccess",
    "Settings",
    "decided_by_pyproject",
    "merge",
    "read_pyproject",
    "runtime_table",
]
