"""The program that trial builds run in an empty image: it exits with status 0.

129 bytes for x86_64, 132 for aarch64: an ELF header, one program header and the two or three
instructions of ``exit(0)``. Built here from numbers, so that keynet ships no binary.

Source: ELF-64 Object File Format; Linux system call tables (exit is 60 and 93).
"""

import secrets
import struct
from pathlib import Path
from typing import Final

__all__ = ["exit_program", "write_context"]

_BASE: Final = 0x400000
_HEADERS: Final = 64 + 56

# By OCI architecture: ELF machine number and code.
_MACHINES: Final = {
    # xor edi, edi; mov eax, 60; syscall
    "amd64": (62, bytes.fromhex("31ff b83c000000 0f05")),
    # mov x0, #0; mov x8, #93; svc #0
    "arm64": (183, bytes.fromhex("000080d2 a80b80d2 010000d4")),
}


def write_context(folder: Path, architecture: str, *, run: bool) -> bool:
    """Write the context of a trial build; report whether it runs the program.

    For an architecture without a program, the trial only copies a file.
    """
    known = architecture in _MACHINES
    program = folder / "program"
    # Each trial needs its own layer: removing its image must not remove a layer of another trial.
    own = secrets.token_bytes(16)
    program.write_bytes(exit_program(architecture) + own if known else own)
    program.chmod(0o755)
    lines = ["FROM scratch", "COPY program /program"]
    if run and known:
        lines.append('RUN ["/program"]')
    (folder / "Containerfile").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return run and known


def exit_program(architecture: str) -> bytes:
    """Return the static program for ``amd64`` or ``arm64``.

    Raises:
        KeyError: There is no program for this architecture.
    """
    machine, code = _MACHINES[architecture]
    identification = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = struct.pack(
        "<HHIQQQIHHHHHH", 2, machine, 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 64, 0, 0
    )
    size = _HEADERS + len(code)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return identification + header + segment + code
