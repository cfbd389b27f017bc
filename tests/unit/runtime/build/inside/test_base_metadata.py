"""The metadata of inherited packages, put where uv looks, and taken out again."""

from pathlib import Path

import pytest

from keynet.runtime.build.inside import base_metadata
from keynet.runtime.build.inside.made_environment import Made


@pytest.fixture
def made(tmp_path: Path) -> Made:
    packages = tmp_path / "made"
    packages.mkdir()
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    path = [str(packages), str(first), "/nothing/there", str(second)]
    return Made(tmp_path / "python", packages, path)


def brought(folder: Path, name: str, version: str) -> Path:
    """Add metadata of a wheel to a folder."""
    about = folder / f"{name}-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return about


def test_each_package_is_shown_once_as_the_first_on_the_path(made: Made, tmp_path: Path) -> None:
    brought(tmp_path / "first", "Py.Yaml", "6.0")
    brought(tmp_path / "second", "py_yaml", "5.0")
    brought(tmp_path / "second", "torch", "2.4.0+cu121")
    base_metadata.show(made)
    names = {path.name for path in made.packages.iterdir()}
    assert names == {"py_yaml-6.0.dist-info", "torch-2.4.0+cu121.dist-info"}
    for folder in made.packages.iterdir():
        listed = {line.split(",")[0] for line in (folder / "RECORD").read_text().splitlines()}
        assert listed == {f"{folder.name}/{file.name}" for file in folder.iterdir()}
    base_metadata.hide(made)
    assert list(made.packages.iterdir()) == []
    assert (tmp_path / "first" / "Py.Yaml-6.0.dist-info" / "METADATA").exists()


def test_what_an_installer_has_put_there_stays(made: Made, tmp_path: Path) -> None:
    brought(tmp_path / "first", "six", "1.15.0")
    base_metadata.show(made)
    new = brought(made.packages, "six", "1.16.0")
    (new / "INSTALLER").write_text("uv")
    base_metadata.hide(made)
    assert [path.name for path in made.packages.iterdir()] == [new.name]


def test_eggs_are_shown_with_their_requirements(made: Made, tmp_path: Path) -> None:
    file = tmp_path / "first" / "distro_info-1.5+deb12u1.egg-info"
    file.write_text("Metadata-Version: 1.1\nName: distro-info\nVersion: 1.5+deb12u1\n")
    folder = tmp_path / "second" / "old.egg-info"
    folder.mkdir()
    (folder / "PKG-INFO").write_text("Metadata-Version: 1.2\nName: old\nVersion: 1.0\n\nText\n")
    (folder / "requires.txt").write_text(
        'six>=1\n\n[fast]\nnumpy\n\n[:python_version < "3"]\nfutures\n[fast:os_name == "nt"]\nx\n'
    )
    base_metadata.show(made)
    assert (made.packages / "distro_info-1.5+deb12u1.dist-info").is_dir()
    text = (made.packages / "old-1.0.dist-info" / "METADATA").read_text()
    assert text.partition("\n\n")[0].splitlines()[3:] == [
        "Requires-Dist: six>=1",
        "Provides-Extra: fast",
        'Requires-Dist: numpy; extra == "fast"',
        'Requires-Dist: futures; (python_version < "3")',
        "Provides-Extra: fast",
        'Requires-Dist: x; extra == "fast" and (os_name == "nt")',
    ]


@pytest.mark.parametrize("version", ["", "unknown", "1.0-SNAPSHOT-x", "2004d_x"])
def test_a_version_that_uv_refuses_is_not_shown(made: Made, tmp_path: Path, version: str) -> None:
    brought(tmp_path / "first", "odd", version)
    base_metadata.show(made)
    assert list(made.packages.iterdir()) == []


def test_other_entries_and_broken_ones_are_passed_over(made: Made, tmp_path: Path) -> None:
    (tmp_path / "first" / "a.dist-info").write_text("")
    (tmp_path / "first" / "b.egg-info").mkdir()
    (tmp_path / "first" / "six.py").write_text("")
    base_metadata.show(made)
    assert list(made.packages.iterdir()) == []
