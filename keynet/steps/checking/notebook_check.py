"""Calls that only work in a notebook, in a script that was made from one."""

import ast
import re
from collections.abc import Iterator

from keynet.script.files import notebook_lines
from keynet.script.training_script import TrainingScript
from keynet.steps.checking.doubt import Doubt
from keynet.text import _, fill, printable

__all__ = ["check"]


def check(script: TrainingScript) -> Iterator[Doubt]:
    """Find the first call of ``get_ipython()`` that fails when the script starts."""
    for call in notebook_lines.calls(script.source.tree):
        yield Doubt(
            fill(
                _("{path}, line {line}: {call} works in a notebook only, and stops a script."),
                path=script.path.name,
                line=call.lineno,
                call=printable(_first_line(script.source.text, call), 100),
            ),
            _(
                "Remove such lines from the script; list packages that they install in a "
                "requirements.txt."
            ),
        )
        return


def _first_line(text: str, call: ast.Call) -> str:
    """Return a call as far as it is in its first line; ``ast`` splits lines in quadratic time."""
    line = re.split(r"\r\n|\r|\n", text, maxsplit=call.lineno)[call.lineno - 1].encode()
    end = call.end_col_offset if call.end_lineno == call.lineno else None
    return line[call.col_offset : end].decode(errors="replace")
