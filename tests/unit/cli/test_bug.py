"""Where a bug is to be reported: the publisher of the distribution decides, keynet invents none."""

import sys
from pathlib import Path

import pytest

from keynet import __version__
from keynet.cli.bug import show_bug

Capture = pytest.CaptureFixture[str]


def installed(folder: Path, *headers: str) -> None:
    """Put metadata of the distribution into a folder, as an installer does."""
    lines = ["Metadata-Version: 2.4", "Name: keynet-cli", f"Version: {__version__}", *headers]
    metadata = folder / f"keynet_cli-{__version__}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("\n".join(lines) + "\n")


def shown(capsys: Capture) -> str:
    try:
        raise ZeroDivisionError("a bug")
    except ZeroDivisionError as error:
        show_bug(error)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "ZeroDivisionError: a bug" in printed.err
    return printed.err.splitlines()[-1]


@pytest.mark.parametrize("label", ["Issues", "issue tracker", "Bug-Tracker", "bugs"])
def test_the_address_is_that_of_the_distributions_metadata(
    label: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    installed(
        tmp_path,
        "Project-URL: Documentation, https://example.com/docs",
        f"Project-URL: {label}, https://example.com/keynet/issues",
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert shown(capsys) == (
        f"This is a bug in keynet {__version__}. Please report it with the lines above: "
        "https://example.com/keynet/issues"
    )


@pytest.mark.parametrize("headers", [(), ("Project-URL: Homepage, https://example.com",)])
def test_without_an_address_of_a_tracker_none_is_named(
    headers: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    installed(tmp_path, *headers)
    monkeypatch.syspath_prepend(tmp_path)
    line = shown(capsys)
    assert "report it" in line
    assert "://" not in line


def test_a_source_tree_that_is_not_installed_names_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert "://" not in shown(capsys)
