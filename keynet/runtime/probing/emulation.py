"""Whether this machine's kernel runs programs of another architecture.

Source: the kernel's Documentation/admin-guide/binfmt-misc.rst; ELF, "e_machine".
"""

from pathlib import Path
from typing import Final

__all__ = ["runs"]

_REGISTERED: Final = Path("/proc/sys/fs/binfmt_misc")
_MOST: Final = 200
_LONGEST: Final = 4096
# ELF's number, the width in bits and the byte order of each architecture.
_MACHINES: Final = {
    "386": (3, 32, "little"),
    "amd64": (62, 64, "little"),
    "arm": (40, 32, "little"),
    "arm64": (183, 64, "little"),
    "loong64": (258, 64, "little"),
    "mips64le": (8, 64, "little"),
    "ppc64le": (21, 64, "little"),
    "riscv64": (243, 64, "little"),
    "s390x": (22, 64, "big"),
}
# What processors run without an emulator; a kernel or a processor may lack it.
_NATIVE: Final = {"amd64": {"386"}, "arm64": {"arm"}}


def runs(architecture: str, machine: str, registered: Path = _REGISTERED) -> bool:
    """Report whether programs of an architecture run on a machine of another.

    Args:
        architecture, machine: As OCI spells them (``arm64``).
        registered: The folder where the kernel shows its emulators.

    Returns:
        True also for an architecture that keynet does not know.
    """
    if architecture == machine or architecture in _NATIVE.get(machine, ()):
        return True
    if architecture not in _MACHINES:
        return True
    return any(_emulates(architecture, text) for text in _entries(registered))


def _entries(folder: Path) -> list[str]:
    try:
        files = sorted(folder.iterdir())[:_MOST]
        return [_read(file) for file in files if file.name not in ("register", "status")]
    except OSError:
        # Not mounted, as in many containers: nothing is registered there.
        return []


def _read(file: Path) -> str:
    try:
        with file.open(encoding="ascii", errors="replace") as opened:
            return opened.read(_LONGEST)
    except OSError:
        return ""


def _emulates(architecture: str, text: str) -> bool:
    """Report whether an enabled entry's magic bytes are an ELF header of this architecture."""
    fields = dict(line.partition(" ")[::2] for line in text.splitlines())
    try:
        magic = bytes.fromhex(fields.get("magic", ""))
    except ValueError:
        return False
    number, bits, order = _MACHINES[architecture]
    return (
        "enabled" in fields
        and fields.get("offset", "0") == "0"
        and len(magic) >= 20
        and magic[:5] == b"\x7fELF" + bytes([bits // 32])
        and int.from_bytes(magic[18:20], "little" if order == "little" else "big") == number
    )
