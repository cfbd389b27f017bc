"""The folder that gets what a program has written."""

from pathlib import Path

import pytest

from keynet.errors import InvalidRunSettings
from keynet.steps.running import output_folder


def test_a_folder_that_cannot_be_made_leaves_none_above_it(tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidRunSettings, match="cannot be used"),
        output_folder.created(tmp_path / "a" / "b" / ("c" * 300)),
    ):
        pytest.fail("it is there")
    assert list(tmp_path.iterdir()) == []
