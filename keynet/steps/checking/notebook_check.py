"""Calls that only work in a notebook, in a script that was made from one."""

import ast
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
                call=printable(
                    ast.get_source_segment(script.source.text, call) or "get_ipython()", 100
                ),
            ),
            _(
                "Remove such lines from the script; list packages that they install in a "
                "requirements.txt."
            ),
        )
        return
