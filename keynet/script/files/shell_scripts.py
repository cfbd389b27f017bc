"""Recognise scripts of other programs, and find the Python file that a shell script starts.

Source: the documentation of Slurm (sbatch), PBS (qsub), LSF (bsub), torchrun and Accelerate.
"""

import re
from pathlib import PurePath
from typing import Final

__all__ = ["is_job", "is_shell", "other_program", "started"]

_SHELL_SUFFIXES: Final = frozenset(
    [".sh", ".bash", ".zsh", ".csh", ".ksh", ".fish", ".slurm", ".sbatch", ".pbs", ".lsf"]
)
# Texts: no Python script needs them.
_SHEBANG: Final = r"#!\s*(?:\S*/)?(?:env\s+(?:-\S+\s+|\w+=\S*\s+)*)?(?:\S*/)?([\w.+-]+)"
_SHELLS: Final = r"(?:ba|da|z|k|c|tc|fi)?sh"
_PYTHONS: Final = r"i?python[\w.-]*|pypy[\w.-]*|uv|pipx|conda|torchrun|accelerate|poetry"
_JOB: Final = r"(?m)^#(?:(SBATCH)|(PBS)|(BSUB))[ \t]+-"
_JOBS: Final = ("Slurm", "PBS", "LSF")
_LAUNCHERS: Final = (
    r"i?python[\d.]*|torchrun|accelerate|deepspeed|horovodrun|mpirun|mpiexec|srun|uv|poetry"
    r"|xvfb-run"
)
_SEARCHED: Final = 100_000


def is_shell(suffix: str, text: str) -> bool:
    """Report whether a file is for a shell, by its name's end or its first line."""
    return suffix in _SHELL_SUFFIXES or bool(re.fullmatch(_SHELLS, _program(text)))


def other_program(text: str) -> str:
    """Return the program that the first line names, "" if it is none or a Python."""
    found = _program(text)
    return "" if re.fullmatch(_PYTHONS, found) else found


def is_job(text: str) -> str:
    """Return the batch system whose options stand in a script; "" without any."""
    found = re.search(_JOB, text[:_SEARCHED])
    return _JOBS[found.lastindex - 1] if found and found.lastindex else ""


def started(text: str) -> str:
    """Return the first Python file that a shell script starts; "" if none is found."""
    joined = text[:_SEARCHED].replace("\\\r\n", " ").replace("\\\n", " ")
    for line in joined.splitlines():
        words = line.strip().strip("()").split()
        launched = False
        for word in words:
            if word.startswith("#"):
                break
            bare = word.strip("\"';&")
            if launched and bare.endswith(".py") and "$" not in bare:
                return bare
            launched = launched or bool(re.fullmatch(_LAUNCHERS, PurePath(bare).name))
    return ""


def _program(text: str) -> str:
    found = re.match(_SHEBANG, text[:1000]) if text.startswith("#!") else None
    return found[1] if found else ""
