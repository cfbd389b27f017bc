"""The imports that decide how a script is started."""

import ast

from keynet.script import entry_imports
from tests.tables import table


@table(
    ("text", "names", "level"),
    [
        ("import torch.nn, common.util as u\nfrom lib import x\n", {"torch", "common", "lib"}, 0),
        ("import os, sys\nfrom pathlib import Path\n", set(), 0),
        ("from . import a\nfrom ..b import c\n", set(), 2),
        (
            "def f():\n    try:\n        import late\n    except ImportError:\n        pass\n",
            {"late"},
            0,
        ),
    ],
)
def test_imports_are_found_wherever_they_are(text: str, names: set[str], level: int) -> None:
    found = entry_imports.read(ast.parse(text))
    assert (set(found.names), found.level) == (names, level)


def test_names_of_another_module_are_read_from_its_text() -> None:
    text = "import os\n  from common.a import b\nimport lib, other\n# import no\nfrom . import x\n"
    assert entry_imports.names_in(text) == {"common", "lib"}
