"""Nothing false in silence: random scripts, each run in all worlds that its conditions allow.

KEYNET_TEST_RANDOM_SCRIPTS=FIRST:LAST reads those of other seeds; what a seed makes is printed by
``python -c "from tests.property.random_scripts import made; print(made(SEED))"``, with click by
``python -c "from tests.property.random_commands import made; print(made('click', SEED))"``. Those
with typer are read in ``tests/differential``, where it is installed.
"""

import os
import sys
from pathlib import Path

import pytest

from keynet.script.extraction import extract

from .command_checks import checked
from .random_scripts import made
from .script_worlds import silently_false, worlds

# Scripts keep coroutines that they do not await, and leave event loops open.
pytestmark = [
    pytest.mark.filterwarnings("ignore:coroutine"),
    pytest.mark.filterwarnings("ignore:unclosed event loop"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
# A thousand of them in the matrix.
QUICK, MANY = range(20), range(1_000, 1_500)


def wrong_in(folder: Path, seeds: range) -> dict[int, list[str]]:
    """Return what was read falsely and without a note, by seed."""
    script = folder / "train.py"
    found: dict[int, list[str]] = {}
    for seed in seeds:
        text = made(seed)
        script.write_text(text)
        extraction = extract(script)
        wrong = {fault for world in worlds(text) for fault in silently_false(world, extraction)}
        if wrong:
            found[seed] = sorted(wrong)
    return found


@pytest.mark.medium
def test_nothing_of_a_random_script_is_false_in_silence(tmp_path: Path) -> None:
    assert wrong_in(tmp_path, QUICK) == {}


@pytest.mark.medium
def test_nothing_of_a_random_command_is_false_in_silence(tmp_path: Path) -> None:
    found, sizes = checked(tmp_path, Path(sys.executable), "click", QUICK)
    assert found == {}
    # It would find nothing in scripts that fail before they parse.
    assert len(sizes) > len(QUICK)
    assert sum(sizes) > 3 * len(sizes)


def wanted() -> range:
    first, _colon, last = os.environ.get("KEYNET_TEST_RANDOM_SCRIPTS", "").partition(":")
    return range(int(first), int(last)) if last else MANY


@pytest.mark.slow
def test_nothing_of_many_random_scripts_is_false_in_silence(tmp_path: Path) -> None:
    assert wrong_in(tmp_path, wanted()) == {}


@pytest.mark.slow
def test_nothing_of_many_random_commands_is_false_in_silence(tmp_path: Path) -> None:
    assert checked(tmp_path, Path(sys.executable), "click", wanted())[0] == {}


@pytest.mark.medium
def test_most_worlds_of_random_scripts_have_a_parser_with_arguments() -> None:
    # The test above would find nothing in scripts that fail before they parse.
    counts = [len(world) for seed in QUICK for world in worlds(made(seed))]
    assert len(counts) > len(QUICK)
    assert sum(counts) > 5 * len(counts)
