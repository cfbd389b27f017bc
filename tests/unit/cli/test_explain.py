"""``keynet explain`` as its users run it, against a registry in memory."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from keynet.steps.explaining.last_image import last_image, recent_images, remember_image
from tests.fakes.archives import Member, make_image, oci, tar, write
from tests.fakes.piping import standard_input
from tests.fakes.registry import MemoryRegistry
from tests.unit.cli.conftest import Platform, keynet, served

Capture = pytest.CaptureFixture[str]
LAYERS = [
    tar([Member("usr/bin/python3", b"x" * 3000)]),
    tar([
        Member("site-packages/a\x1b[31m-1.dist-info/RECORD", b"a.py,,\n"),
        Member("site-packages/a.py", b"y" * 2000),
    ]),
    tar([Member("w/train.py", b"z")]),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("KEYNET_CONFIG", str(tmp_path / "config.json"))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write(tmp_path / "app.tar", oci(make_image(LAYERS, ["team/app:1"])))


@pytest.fixture
def pushed(archive: Path, capsys: Capture) -> Iterator[tuple[MemoryRegistry, str]]:
    other = write(archive.parent / "b.tar", oci(make_image(LAYERS[:2], ["team/b:1"])))
    with served(MemoryRegistry()) as (registry, host):
        for path in (archive, other):
            assert keynet("image", "push", str(path), "--to", f"http://{host}", "-q") == 0
        capsys.readouterr()
        yield registry, host


def test_it_shows_layers_packages_and_what_a_change_sends(archive: Path, capsys: Capture) -> None:
    assert keynet("explain", str(archive)) == 0
    shown = capsys.readouterr()
    assert "COPY 1" in shown.out
    assert "a 1  " in shown.out
    assert "█" in shown.out
    assert "\x1b" not in shown.out
    assert "sends layer 3 again" in shown.out
    assert "3 layers" in shown.err


@pytest.mark.medium
def test_an_image_of_a_registry_is_read_once(
    pushed: tuple[MemoryRegistry, str], capsys: Capture
) -> None:
    registry, host = pushed
    image = f"http://{host}/team/app:1"
    assert keynet("explain", image, "--json") == 0
    first = json.loads(capsys.readouterr().out)
    before = len(registry.seen)
    assert keynet("explain", image, "--json") == 0
    assert json.loads(capsys.readouterr().out) == first
    asked = [str(each) for each in registry.seen[before:]]
    layers = [layer["digest"] for layer in first["layers"]]
    assert not [each for each in asked if any(digest in each for digest in layers)]
    assert first["packages"][0]["name"] == "a\x1b[31m"


@pytest.mark.medium
def test_other_images_are_compared_by_their_layers(
    pushed: tuple[MemoryRegistry, str], capsys: Capture
) -> None:
    _registry, host = pushed
    image = f"http://{host}/team/app:1"
    for other in (f"http://{host}/team/b:1", f"http://{host}/team/"):
        assert keynet("explain", image, "--compare", other, "--json") == 0
        [shared] = json.loads(capsys.readouterr().out)["shared"]
        assert shared["image"] == f"{host}/team/b:1"
        assert (shared["layers"], shared["others"]) == (2, 0)


@pytest.mark.medium
def test_a_page_is_written(archive: Path, tmp_path: Path, capsys: Capture) -> None:
    page = tmp_path / "page.html"
    assert keynet("explain", str(archive), "--html", str(page), "-q") == 0
    assert "</svg>" in page.read_text()
    assert keynet("explain", str(archive), "--html", str(tmp_path / "no/page.html"), "-q") == 1
    assert "No such file" in capsys.readouterr().err


def test_an_archive_can_be_piped(
    archive: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with standard_input(archive.read_bytes()):
        assert keynet("explain", "-") == 0
    assert "a 1  " in capsys.readouterr().out


def test_without_a_last_image_it_asks_for_one(capsys: Capture) -> None:
    assert keynet("explain") == 2
    assert "keynet explain HOST/REPOSITORY:TAG" in capsys.readouterr().err


@pytest.mark.slow
def test_the_image_that_was_pushed_or_built_last_is_explained(
    platform: Platform, archive: Path, capsys: Capture
) -> None:
    assert keynet("build", "train.py") == 0
    assert keynet("explain") == 2
    assert "in the store of buildah" in capsys.readouterr().err
    remember_image(f"oci-archive:{os.path.relpath(archive)}")
    assert keynet("explain", "-q") == 0
    assert str(archive) in capsys.readouterr().out
    assert keynet("push", "train.py", "-q") == 0
    pushed = capsys.readouterr().out.strip()
    assert (last_image(), recent_images()) == (pushed, [pushed])
