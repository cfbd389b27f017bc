"""The tiny program that probing runs in an empty image: it only ends, with status 0.

129 bytes for x86_64, 132 for aarch64: an ELF header, one program header and the two or
three instructions of ``exit(0)``. Made here from numbers, so that no binary is shipped.

Source: ELF-64 Object File Format; Linux system call tables (exit is 60 and 93).
"""

import struct
from typing import Final

__all__ = ["ARCHITECTURES", "exit_program"]

_BASE: Final = 0x400000
_HEADERS: Final = 64 + 56

# The OCI's architecture names: ELF machine number and code.
_MACHINES: Final = {
    # xor edi, edi; mov eax, 60; syscall
    "amd64": (62, bytes.fromhex("31ff b83c000000 0f05")),
    # mov x0, #0; mov x8, #93; svc #0
    "arm64": (183, bytes.fromhex("000080d2 a80b80d2 010000d4")),
}
ARCHITECTURES: Final = frozenset(_MACHINES)


def exit_program(architecture: str) -> bytes:
    """Give the static program for ``amd64`` or ``arm64``; KeyError for another."""
    machine, code = _MACHINES[architecture]
    identification = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = struct.pack(
        "<HHIQQQIHHHHHH", 2, machine, 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 64, 0, 0
    )
    size = _HEADERS + len(code)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return identification + header + segment + code
