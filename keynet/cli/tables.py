"""Tables on standard output: images, and rows of text."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from keynet.text import _, printable, size

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from keynet.oci.summary import ImageInspect

__all__ = ["print_rows", "show_image"]

# A pipe gets whole lines, however long they are.
_PIPE_WIDTH = 10_000


def show_image(image: ImageInspect) -> None:
    """Print an image: its properties, then its layers with sizes, base first."""
    from rich.table import Table

    facts = Table.grid(padding=(0, 2))
    variant = f"/{image.variant}" if image.variant else ""
    config = image.config
    for title, value in (
        (_("Tags"), ", ".join(image.repo_tags)),
        (_("Digest"), ", ".join(image.repo_digests)),
        (_("Config"), image.id),
        (_("Platform"), f"{image.os}/{image.architecture}{variant}"),
        (_("Created"), image.created.strftime("%Y-%m-%d %H:%M:%S %Z") if image.created else ""),
        (_("Author"), image.author),
        (_("Entrypoint"), " ".join(config.entrypoint)),
        (_("Command"), " ".join(config.cmd)),
        (_("Environment"), " ".join(config.env)),
        (_("Working dir"), config.working_dir or ""),
        (_("User"), config.user),
        (_("Ports"), ", ".join(config.exposed_ports)),
        (_("Labels"), ", ".join(f"{key}={value}" for key, value in config.labels.items())),
        (_("Size"), size(image.size)),
    ):
        if value:
            facts.add_row(_plain(title), _plain(value))
    layers = Table(box=None, padding=(0, 2, 0, 0))
    layers.add_column(_("Layer"))
    layers.add_column(_("Size"), justify="right")
    layers.add_column(_("Type"))
    layers.add_column(_("Created by"), no_wrap=True, overflow="ellipsis")
    for layer in image.layers:
        layers.add_row(
            layer.digest.rpartition(":")[2][:12],
            size(layer.size),
            _kind(layer.media_type),
            _plain(layer.created_by or ""),
        )
    _print(facts)
    if image.layers:
        click.echo()
        _print(layers)


def print_rows(titles: Sequence[str], rows: Sequence[Sequence[str]], *, err: bool = False) -> None:
    """Print rows below their titles; a column of sizes is aligned to the right.

    Args:
        err: On standard error.
    """
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title, justify="right" if title == _("Size") else "left")
    for row in rows:
        table.add_row(*(_plain(cell) for cell in row))
    _print(table, err=err)


def _print(table: Table, *, err: bool = False) -> None:
    from rich.console import Console

    width = None if (sys.stderr if err else sys.stdout).isatty() else _PIPE_WIDTH
    console = Console(width=width, soft_wrap=False, highlight=False)
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()), err=err)


def _plain(text: str) -> Text:
    from rich.text import Text

    return Text(printable(text))


def _kind(media_type: str) -> str:
    for ending in ("gzip", "zstd", "tar"):
        if media_type.endswith(ending):
            return ending
    return printable(media_type, 60)
