"""A requirement on Python itself."""

from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from keynet.plan import Dependencies
from keynet.steps.checking import python_requirement
from tests.tables import table


@pytest.mark.parametrize(
    ("line", "version"), [("python>=3.8", "3.10"), ("Python == 3.12.*", "3.12"), ("python", "3.")]
)
def test_python_in_the_requirements_costs_no_key(line: str, version: str) -> None:
    dependencies = Dependencies(source=Path("requirements.txt"), lines=("six", line))
    with pytest.raises(ContextInvalid, match="Python comes with the base image") as caught:
        python_requirement.check(dependencies)
    assert line in caught.value.message
    assert f"--base-image python:{version}" in caught.value.hint


@table(
    "line", ["python-dateutil>=2", "pythonnet", "python; sys_platform == 'win32'", "python @ x.whl"]
)
def test_other_lines_may_be_installed(line: str) -> None:
    python_requirement.check(Dependencies(lines=(line,)))
