"""The units on the newest Python that a supported Debian brings: 3.13 in Debian 13's root."""

import os

import pytest

from tests.testbed.machine import CHECKOUT, tox_settings
from tests.testbed.newer import PYCACHE, PYTHON, NewerRoot


@pytest.mark.newer
def test_the_unit_suite_passes_on_debian_13s_python(newer: NewerRoot) -> None:
    version = newer.run([PYTHON, "-c", "import sys; print(*sys.version_info[:2])"]).stdout
    assert version.split() == ["3", "13"]
    suite = tox_settings()["suite"]["paths"].split()
    assert "tests/unit" in suite
    # Coverage is measured once, on 3.11, where the others run, too.
    argv = [PYTHON, "-m", "pytest", "-q", "-n", "auto", "-p", "no:cacheprovider"]
    argv += ["-m", "not slow and not medium", *suite]
    environment = {
        **{name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"},
        "PYTHONPATH": str(CHECKOUT),
        "PYTHONPYCACHEPREFIX": PYCACHE,
    }
    done = newer.run(argv, env=environment, cwd=CHECKOUT, check=False, timeout_s=1800)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
    assert " passed" in done.stdout
    assert " skipped" not in done.stdout
