"""The first seeds of the fuzzer over a repository's files, and what it found."""

from pathlib import Path

import pytest

from .project_files import KINDS, finding

SEEDS = range(30)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_fragments_is_read_or_refused_in_time(kind: str, tmp_path: Path) -> None:
    assert [(seed, found) for seed in SEEDS if (found := finding(kind, seed, tmp_path))] == []
