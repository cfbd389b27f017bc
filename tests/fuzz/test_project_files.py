"""The first seeds of the fuzzer over a repository's files, and what it found."""

from pathlib import Path

import pytest

from .project_files import KINDS, finding

SEEDS = range(30)
# What is not linear takes minutes; coverage and other work on the machine take a few times longer.
LIMIT_S = 20.0


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_fragments_is_read_or_refused_in_time(kind: str, tmp_path: Path) -> None:
    found = {seed: finding(kind, seed, tmp_path, LIMIT_S) for seed in SEEDS}
    assert {seed: each for seed, each in found.items() if each} == {}
