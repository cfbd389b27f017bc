"""One answer to every setting: flag, environment, [tool.keynet], then the config file.

Source: SPEC 1.3, 2.
"""

from keynet.settings.merging import merge
from keynet.settings.model import BackendAccess, Settings
from keynet.settings.sources import read_pyproject

__all__ = ["BackendAccess", "Settings", "merge", "read_pyproject"]
