"""The tiny program that probing runs in an empty image: it only ends, with status 0.

129 bytes for x86_64, 132 for aarch64: an ELF header, one program header and the two or
three instructions of ``exit(0)``. Made here from numbers, so that no binary is shipped.

Source: ELF-64 Object File Format; Linux system call tables (exit is 60 and 93).
"""

import secrets
import struct
from pathlib import Path
from typing import Final

__all__ = ["exit_program", "lay_out"]

_BASE: Final = 0x400000
_HEADERS: Final = 64 + 56

# The OCI's architecture names: ELF machine number and code.
_MACHINES: Final = {
    # xor edi, edi; mov eax, 60; syscall
    "amd64": (62, bytes.fromhex("31ff b83c000000 0f05")),
    # mov x0, #0; mov x8, #93; svc #0
    "arm64": (183, bytes.fromhex("000080d2 a80b80d2 010000d4")),
}


def lay_out(folder: Path, architecture: str, *, run: bool) -> bool:
    """Write the trial's context; report whether its Containerfile runs the program.

    An architecture that keynet carries no program for is tried by COPY alone.
    """
    known = architecture in _MACHINES
    program = folder / "program"
    # No two trials have one layer: to remove one image would take it from the other's.
    own = secrets.token_bytes(16)
    program.write_bytes(exit_program(architecture) + own if known else own)
    program.chmod(0o755)
    lines = ["FROM scratch", "COPY program /program"]
    if run and known:
        lines.append('RUN ["/program"]')
    (folder / "Containerfile").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return run and known


def exit_program(architecture: str) -> bytes:
    """Return the static program for ``amd64`` or ``arm64``; KeyError for another."""
    machine, code = _MACHINES[architecture]
    identification = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = struct.pack(
        "<HHIQQQIHHHHHH", 2, machine, 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 64, 0, 0
    )
    size = _HEADERS + len(code)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return identification + header + segment + code
