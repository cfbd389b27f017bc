"""The environment made by hand: its import path, and what is moved into the image."""

import os
import sysconfig
from pathlib import Path

import pytest

from keynet.runtime.build.inside import made_environment


@pytest.mark.slow
def test_a_virtual_environment_of_the_base_comes_before_its_own_base(tmp_path: Path) -> None:
    # This Python is one itself, as that of some base images.
    made = made_environment.make(tmp_path / "made", dict(os.environ))
    own = sysconfig.get_path("purelib")
    others = [path for path in made.path if path.endswith(("-packages",)) and path != own]
    assert own in made.path
    assert all(made.path.index(own) < made.path.index(path) for path in others)
    assert made.packages == next((tmp_path / "made").glob("lib/python*/site-packages"))


def test_what_is_moved_keeps_its_real_path_and_the_modes_above_it(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir(mode=0o711)
    (real / "prefix").mkdir()
    (real / "prefix" / "file").write_text("x")
    (tmp_path / "link").symlink_to("real")
    layer = tmp_path / "layer"
    made_environment.move([tmp_path / "link" / "prefix"], layer)
    moved = Path(f"{layer}{real}")
    assert (moved / "prefix" / "file").read_text() == "x"
    assert moved.stat().st_mode & 0o777 == real.stat().st_mode & 0o777
    assert not (real / "prefix").exists()
