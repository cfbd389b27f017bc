"""What an image has twice: distributions in two places, and CUDA's libraries."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from keynet.explain.layered_tree import Tree
from keynet.explain.owners_of_files import Owned
from keynet.explain.package_records import compared
from keynet.frozen import frozen

__all__ = ["Copy", "Doubled", "doubled_libraries", "doubled_packages"]

_CUDA: Final = re.compile(
    r"(lib(?:cudart|cublas(?:Lt)?|cudnn\w*|cufftw?|curand|cusolver(?:Mg)?|cusparse(?:Lt)?|nccl"
    r"|nvrtc(?:-builtins)?|nvJitLink|cupti|nvToolsExt|cufile(?:_rdma)?|npp\w+|nvjpeg))"
    r"(?:-[0-9a-f]{8})?(?:\.alt)?\.so(?:\.[0-9.]+)?"
)
# Stubs that programs are linked with are no copy.
_SMALLEST: Final = 256 << 10


@frozen
class Copy:
    """One of several: its ``version`` ("" for a library), where it is, and ``size`` in bytes."""

    version: str
    place: str
    size: int


@frozen
class Doubled:
    """A name that is there several times; the copies are sorted by size, the largest first."""

    name: str
    copies: tuple[Copy, ...]

    @property
    def extra(self) -> int:
        """Bytes that one copy, the largest, would save."""
        return sum(each.size for each in self.copies[1:])


def doubled_packages(owned: Sequence[Owned]) -> list[Doubled]:
    """Return the Python distributions that are in several folders, those that cost most first."""
    copies = defaultdict[str, list[Copy]](list)
    for each in owned:
        if each.package.kind == "python":
            copies[compared(each.package.name)].append(
                Copy(each.package.version, each.package.place, each.size)
            )
    return _several(copies)


def doubled_libraries(tree: Tree) -> list[Doubled]:
    """Return CUDA's libraries that are in several folders, those that cost most first."""
    copies = defaultdict[str, list[Copy]](list)
    for path, (_layer, size) in tree.files.items():
        if size >= _SMALLEST and (found := _CUDA.fullmatch(posixpath.basename(path))):
            copies[found[1]].append(Copy("", posixpath.dirname(path), size))
    return _several(copies)


def _several(copies: dict[str, list[Copy]]) -> list[Doubled]:
    found = [
        Doubled(name, tuple(sorted(each, key=lambda copy: (-copy.size, copy.place))))
        for name, each in copies.items()
        if len({copy.place for copy in each}) > 1
    ]
    return sorted(found, key=lambda each: (-each.extra, each.name))
