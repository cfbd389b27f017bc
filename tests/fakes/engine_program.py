"""An engine as a program on PATH that answers from a table and writes down how it was called."""

import shlex
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Answer", "EngineProgram"]

_SCRIPT = """\
#!/bin/sh
# Every call: its arguments, each in a line of its own file, with environment and input.
number=$(($(/bin/ls {log} | /usr/bin/wc -l) + 1))
call={log}/$(printf %04d $number)
/bin/mkdir "$call"
printf '%s\\n' "$@" > "$call/argv"
/usr/bin/env > "$call/environment"
/bin/cat > "$call/stdin"
case "$*" in
{cases}
*) echo "unexpected: $*" >&2; exit 99;;
esac
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a call whose arguments match a shell pattern; ``also`` is shell to run."""

    pattern: str
    stdout: str = ""
    stderr: str = ""
    status: int = 0
    also: str = ":"


@dataclass(frozen=True, slots=True)
class Call:
    arguments: list[str]
    environment: dict[str, str]
    stdin: bytes


@dataclass(slots=True)
class EngineProgram:
    """Write the program with ``answers``, the first that matches counts."""

    folder: Path
    name: str
    answers: list[Answer] = field(default_factory=list)

    def install(self) -> Path:
        """Write the program into its folder, which belongs on PATH."""
        self._log.mkdir(parents=True, exist_ok=True)
        cases = []
        for number, answer in enumerate(self.answers):
            out = self.folder / f".{self.name}-{number}.out"
            err = self.folder / f".{self.name}-{number}.err"
            out.write_text(answer.stdout)
            err.write_text(answer.stderr)
            pattern = _glob(answer.pattern)
            cases.append(
                f"{pattern}) {answer.also}; /bin/cat {out}; /bin/cat {err} >&2; "
                f"exit {answer.status};;"
            )
        program = self.folder / self.name
        program.write_text(_SCRIPT.format(log=shlex.quote(str(self._log)), cases="\n".join(cases)))
        program.chmod(0o755)
        return program

    @property
    def calls(self) -> list[Call]:
        """Every call so far, in order."""
        return [
            Call(
                (folder / "argv").read_text().split("\n")[:-1],
                dict(
                    line.split("=", 1)
                    for line in (folder / "environment").read_text().splitlines()
                    if "=" in line
                ),
                (folder / "stdin").read_bytes(),
            )
            for folder in sorted(self._log.iterdir())
        ]

    @property
    def verbs(self) -> list[str]:
        """The calls as text, arguments joined by spaces."""
        return [" ".join(call.arguments) for call in self.calls]

    @property
    def _log(self) -> Path:
        return self.folder / f".{self.name}-calls"


def _glob(pattern: str) -> str:
    """Quote everything for the shell but the stars."""
    return "*".join(shlex.quote(part) if part else "" for part in pattern.split("*"))
