"""A wheel as uv keeps it: its files in a folder, which are not copied."""

from dataclasses import field
from pathlib import Path

from keynet.frozen import frozen

__all__ = ["Wheel"]


@frozen
class Wheel:
    """An unpacked wheel: its project's name, a key of its content, and its folder.

    ``metadata`` is its folder ``*.dist-info``, below ``root``.
    """

    name: str
    version: str
    key: str
    root: Path = field(repr=False)
    metadata: str = field(repr=False)
