"""What a user sees of a bug: the traceback, the version and where to report both."""

import traceback
from importlib import metadata
from typing import Final

import click

from keynet import __version__
from keynet.text import _, fill

__all__ = ["show_bug"]

_DISTRIBUTION: Final = "keynet-cli"
# Labels of [project.urls] for the tracker, as the package index knows them (core metadata,
# "Well-known labels"), without punctuation and case.
_TRACKER: Final = frozenset(
    {"issues", "bugs", "issue", "bug", "tracker", "issuetracker", "bugtracker"}
)


def show_bug(error: Exception) -> None:
    """Print a traceback to standard error, and where to send it."""
    click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    address = _tracker()
    if address is None:
        text = fill(
            _(
                "This is a bug in keynet {version}. Please report it with the lines above to "
                "those who gave you keynet."
            ),
            version=__version__,
        )
    else:
        text = fill(
            _("This is a bug in keynet {version}. Please report it with the lines above: {url}"),
            version=__version__,
            url=address,
        )
    click.echo(text, err=True)


def _tracker() -> str | None:
    """Return the address that the publisher of this distribution set; None without one."""
    try:
        urls = metadata.metadata(_DISTRIBUTION).get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        # Run from a source tree that was never installed.
        return None
    for url in urls:
        label, _comma, address = str(url).partition(",")
        if "".join(filter(str.isalnum, label.lower())) in _TRACKER and address.strip():
            return address.strip()
    return None
