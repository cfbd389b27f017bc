"""What random scripts with click or typer declare in each of their worlds.

``python -m tests.property.command_worlds FRAMEWORK FIRST LAST`` prints one JSON list of worlds for
each seed, by the libraries of the Python that runs it.
"""

import contextlib
import itertools
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from tests.differential import truth
else:
    sys.path.append(str(Path(__file__).parents[1] / "differential"))
    import truth

from .random_commands import made
from .random_scripts import CONDITIONS

__all__ = ["worlds"]

_LEAVING = (Exception, SystemExit)


class _Parsed(BaseException):
    """Not an Exception, which scripts catch."""


def worlds(framework: str, script: str) -> Iterator[list[dict[str, Any]]]:
    """Run a script under each combination of its conditions; iterate over what it declares."""

    def done(found: list[dict[str, Any]]) -> None:
        raise _Parsed(found)

    truth.catch_click(done, framework)
    used = [name for name in CONDITIONS if name in script]
    code = compile(script, "train.py", "exec")
    plain = {key: value for key, value in os.environ.items() if key not in CONDITIONS}
    for values in itertools.product((None, "1"), repeat=len(used)):
        chosen = {key: one for key, one in zip(used, values, strict=True) if one is not None}
        with (
            patch.dict(os.environ, {**plain, **chosen}, clear=True),
            patch("sys.argv", ["train.py"]),
            contextlib.suppress(*_LEAVING),
        ):
            try:
                exec(code, {"__name__": "__main__", "__file__": "train.py"})
            except _Parsed as parsed:
                yield [{k: v for k, v in one.items() if k != "help"} for one in parsed.args[0]]


if __name__ == "__main__":
    for seed in range(int(sys.argv[2]), int(sys.argv[3])):
        print(json.dumps(list(worlds(sys.argv[1], made(sys.argv[1], seed)))))
