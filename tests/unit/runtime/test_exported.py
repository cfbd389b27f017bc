"""What ``keynet.runtime`` exports, and that its page names all of it."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import keynet.runtime
from tests.tables import table

EXPORTED = keynet.runtime.__all__
PAGE = (Path(__file__).parents[3] / "docs/runtime.md").read_text("utf-8")


def test_the_names_are_sorted_and_have_one_home() -> None:
    assert sorted(EXPORTED) == EXPORTED
    assert sorted(keynet.runtime._HOME) == EXPORTED
    assert dir(keynet.runtime) == EXPORTED


@table("name", EXPORTED)
def test_every_name_is_there_documented_and_on_the_page(name: str) -> None:
    value = getattr(keynet.runtime, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert value.__doc__
    assert re.search(rf"`{name}\b|\b{name}\(", PAGE)


def test_another_name_is_refused_in_pythons_words() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        keynet.runtime.nothing  # noqa: B018


def test_the_import_loads_nothing_of_it() -> None:
    program = (
        "import sys, keynet.runtime\n"
        "print([name for name in sys.modules if name.startswith('keynet.runtime.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout == "[]\n"
