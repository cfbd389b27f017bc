"""The public Python API: what it shows, and that it is complete."""

import inspect
import subprocess
import sys

import pytest

import keynet
from keynet import errors


@pytest.mark.medium
def test_dir_shows_the_public_names_and_nothing_else() -> None:
    program = "import keynet, keynet.steps.api, keynet.registry; print(*dir(keynet))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.split() == sorted(keynet.__all__)


def test_every_public_name_is_there_and_documented() -> None:
    assert list(keynet.__all__) == sorted(keynet.__all__)
    for name in keynet.__all__:
        value = getattr(keynet, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, name


def test_every_error_is_public() -> None:
    raised = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.KeynetError)
    }
    assert raised <= set(keynet.__all__)


def test_a_name_that_is_not_public_is_refused_in_pythons_words() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import keynet; keynet.nothing"],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert "AttributeError: module 'keynet' has no attribute 'nothing'" in done.stderr
