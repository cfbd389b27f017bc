"""An engine as a program on PATH that answers from a table and writes down how it was called."""

import shlex
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Answer", "EngineProgram"]

# Builtins wherever they do: a suite calls this hundreds of times.
_SCRIPT = """\
#!/bin/sh
read number < {log}/count
number=$((number + 1))
echo $number > {log}/count
printf '%s\\n' "$@" > {log}/$number.argv
export -p > {log}/$number.environment
case "$*" in *-stdin*|*" -") /bin/cat > {log}/$number.stdin;; esac
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
        for old in self._log.iterdir():
            old.unlink()
        (self._log / "count").write_text("0\n")
        cases = []
        for number, answer in enumerate(self.answers):
            says = [
                self._say(f"{number}.{stream}", text, redirect)
                for stream, text, redirect in (
                    ("out", answer.stdout, ""),
                    ("err", answer.stderr, " >&2"),
                )
            ]
            cases.append(
                f"{_glob(answer.pattern)}) {answer.also}; {''.join(says)} exit {answer.status};;"
            )
        program = self.folder / self.name
        program.write_text(_SCRIPT.format(log=shlex.quote(str(self._log)), cases="\n".join(cases)))
        program.chmod(0o755)
        return program

    @property
    def calls(self) -> list[Call]:
        """Every call so far, in order."""
        numbers = range(1, int((self._log / "count").read_text()) + 1)
        return [self._call(str(number)) for number in numbers]

    @property
    def verbs(self) -> list[str]:
        """The calls as text, arguments joined by spaces."""
        return [" ".join(call.arguments) for call in self.calls]

    def _say(self, name: str, text: str, redirect: str) -> str:
        if not text:
            return ""
        path = self._log / name
        path.write_text(text)
        return f"/bin/cat {shlex.quote(str(path))}{redirect};"

    def _call(self, number: str) -> Call:
        stdin = self._log / f"{number}.stdin"
        environment = {}
        for line in (self._log / f"{number}.environment").read_text().splitlines():
            name, _equals, value = line.removeprefix("export ").partition("=")
            environment[name] = "".join(shlex.split(value)) if value else ""
        return Call(
            (self._log / f"{number}.argv").read_text().split("\n")[:-1],
            environment,
            stdin.read_bytes() if stdin.exists() else b"",
        )

    @property
    def _log(self) -> Path:
        return self.folder / f".{self.name}-calls"


def _glob(pattern: str) -> str:
    """Quote everything for the shell but the stars."""
    return "*".join(shlex.quote(part) if part else "" for part in pattern.split("*"))
